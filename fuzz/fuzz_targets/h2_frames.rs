//! Frames of an HTTP/2 connection.
#![no_main]

#[path = "../../crates/h2/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::frames(input));
