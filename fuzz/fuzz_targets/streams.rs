//! Event streams as clients read them: their parser reads the same as the judge of the tests, however the streams are
//! cut.
#![no_main]

#[path = "../../crates/sse/tests/support/agree.rs"]
mod agree;

use fanfare_sse::Limits;

const MANY: usize = 1 << 24;
static LIMITS: Limits = Limits { data_bytes: MANY, id_bytes: MANY, kind_bytes: MANY, comment_bytes: MANY };

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for cut in [1, 7, MANY] {
        agree::agree(input, &[cut], &LIMITS);
    }
});
