//! Lists of hops in `X-Forwarded-For` and `Forwarded`: who is taken for the client.
#![no_main]

#[path = "../../crates/callers/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::forwarded(input));
