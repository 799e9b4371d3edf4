//! [`Space`]: the size of a journal's directory, and the numbers of its segments, which tell of removed ones.

use std::{fs, io::ErrorKind, path::Path};

const SUFFIX: &str = ".journal";
const TMP_SUFFIX: &str = ".journal.tmp";

/// The directory at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Space {
    /// Size of all files together.
    pub(crate) bytes: usize,
    /// Numbers of the segments, in order.
    segments: Vec<u64>,
    /// Segments that are being written.
    unfinished: Vec<u64>,
}

impl Space {
    /// Looks at the directory. A file that vanishes meanwhile does not count.
    pub(crate) fn of(directory: &Path) -> Self {
        let mut space = Self::default();
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            match entry.metadata() {
                Ok(metadata) => space.bytes += usize::try_from(metadata.len()).unwrap(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => panic!("{}: {error}", entry.path().display()),
            }
            let name = entry.file_name().into_string().unwrap();
            let number = |suffix| name.strip_suffix(suffix).map(|number| number.parse::<u64>().unwrap());
            space.segments.extend(number(SUFFIX));
            space.unfinished.extend(number(TMP_SUFFIX));
        }
        space.segments.sort_unstable();
        space
    }

    /// Whether the oldest segments were removed. Numbers begin with 1.
    pub(crate) fn has_removed(&self) -> bool {
        self.segments.first().is_some_and(|first| *first > 1)
    }

    /// Whether segments were removed since `before`.
    pub(crate) fn has_removed_since(&self, before: &Self) -> bool {
        self.segments.first() > before.segments.first()
    }

    /// Whether several segments were made one since `before`.
    pub(crate) fn has_rewritten_since(&self, before: &Self) -> bool {
        let is_gone = |number: &u64| !self.segments.contains(number) && self.segments.first() < Some(number);
        before.segments.iter().any(is_gone)
    }

    /// Whether a segment is being written that will replace an existing one.
    pub(crate) fn is_rewriting(&self) -> bool {
        self.unfinished.iter().any(|number| self.segments.contains(number))
    }

    /// Whether several segments were made one, which replaces the missing numbers.
    pub(crate) fn has_rewritten(&self) -> bool {
        self.segments.iter().zip(self.segments.iter().skip(1)).any(|(number, next)| number + 1 < *next)
    }
}
