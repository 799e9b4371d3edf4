//! The names of the files in a journal's directory. A file with any other name is ignored.

use crate::files::Listed;

/// The file that the writing process has locked.
pub(crate) const LOCK: &str = "lock";
/// The file of the `State`.
pub(crate) const STATE: &str = "state";
/// The file of the `Newest`, which names the newest segment.
pub(crate) const NEWEST: &str = "newest";
/// The file of the `Reserve`. Nobody reads it, and its loss is none.
pub(crate) const RESERVE: &str = "reserve";
const SUFFIX: &str = ".journal";
const TMP_SUFFIX: &str = ".tmp";
const NUMBER_DIGITS: usize = 20;

/// The name of a segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:0NUMBER_DIGITS$}{SUFFIX}")
}

/// The name of a file while it is being written. The whole file gets `name`.
pub(crate) fn tmp_name(name: &str) -> String {
    format!("{name}{TMP_SUFFIX}")
}

fn is_ours(name: &str) -> bool {
    name == STATE || name == NEWEST || segment_number(name).is_some()
}

pub(crate) fn is_tmp(name: &str) -> bool {
    name.strip_suffix(TMP_SUFFIX).is_some_and(is_ours)
}

pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_number = digits.len() == NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Whether one of these files belongs to a journal.
pub(crate) fn is_journal(files: &[Listed]) -> bool {
    files.iter().any(|file| is_ours(&file.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_number_of_twenty_digits() {
        assert_eq!(segment_name(1), "00000000000000000001.journal");
        assert_eq!(segment_number(&segment_name(u64::MAX)), Some(u64::MAX));
        for other in ["1.journal", "+0000000000000000001.journal", "99999999999999999999.journal", "state"] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }
}
