//! Events: a parser reads out of an encoded one exactly its parts.
#![no_main]

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::events(input));
