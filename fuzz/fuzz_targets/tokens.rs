//! Tokens: what nobody has signed is refused, and what was signed is judged by its rules.
#![no_main]

#[path = "../../crates/grants/tests/support/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::tokens(input));
