//! Lines of a batch.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fanfare_http::fuzz::line(input));
