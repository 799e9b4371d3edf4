//! [`mend`]: cuts an append-only log at the beginning of a transaction that a kill has torn.
//!
//! Redis cuts such a log in the middle of the transaction (seen with 7.0.15), and appends behind the `MULTI` that stays. The
//! start after that runs the torn transaction as part of the next one: events that nobody was told of are in the Stream
//! behind events that everybody had. `redis-check-aof --fix` cuts as this does.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

const BEGIN: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const END: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// Mends every log in the directory of a server that is down.
pub(crate) fn mend(directory: &Path) {
    // Redis 6 has one log; later ones have a directory of them.
    for directory in [directory.to_owned(), directory.join("appendonlydir")] {
        for entry in fs::read_dir(directory).into_iter().flatten().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|extension| extension == "aof") {
                mend_log(&entry.path());
            }
        }
    }
}

fn mend_log(path: &Path) {
    let log = fs::read(path).unwrap();
    let last = |wanted: &[u8]| log.windows(wanted.len()).rposition(|window| window == wanted);
    if let Some(begin) = last(BEGIN)
        && last(END).is_none_or(|end| end < begin)
    {
        OpenOptions::new().write(true).open(path).unwrap().set_len(begin as u64).unwrap();
    }
}
