//! [`read_input`]: tokens and keys from standard input, so that they are in no history. [`unix_ms`]: the time.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _, stderr, stdin},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::failure::Failure;

/// Most bytes that are read of a token or a key.
const SHOWN_BYTES_MAX: u64 = 64 << 10;

/// What stands on standard input, without the end of its last line.
pub(super) fn read_input(what: &str) -> Result<String, Failure> {
    if stdin().is_terminal() {
        let _ = writeln!(stderr(), "reading {what} from the terminal; Ctrl-D ends it");
    }
    let mut text = String::new();
    let read = stdin().lock().take(SHOWN_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error: io::Error| Failure::failed(format!("cannot read {what}: {error}")))?;
    if text.len() as u64 > SHOWN_BYTES_MAX {
        return Err(Failure::usage(format!("{what} is larger than 64KiB")));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

/// Now, in Unix milliseconds.
pub(super) fn unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}
