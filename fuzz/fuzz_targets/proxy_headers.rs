//! Headers of the PROXY protocol, at the start of a connection.
#![no_main]

#[path = "../../crates/callers/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::proxy_headers(input));
