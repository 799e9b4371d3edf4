//! Files of API keys.
#![no_main]

#[path = "../../crates/grants/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::api_keys(input));
