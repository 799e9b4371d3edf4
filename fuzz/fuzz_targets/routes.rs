//! Paths, under every method.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fanfare_http::fuzz::route(input));
