//! Heads of requests over HTTP/2: HPACK and what the fields may be.
#![no_main]

#[path = "../../crates/h2/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::heads(input));
