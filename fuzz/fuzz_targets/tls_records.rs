//! Records of TLS: what a peer has not sealed is refused, and what was sealed comes back.
#![no_main]

#[path = "../../crates/records/tests/support/hold.rs"]
mod hold;

libfuzzer_sys::fuzz_target!(|input: &[u8]| hold::hold(input));
