//! The body of a publish behind its Content-Type.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fanfare_http::fuzz::body(input));
