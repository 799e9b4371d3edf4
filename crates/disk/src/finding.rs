//! [`Finding`]: what is not as it should be in a journal's directory. Values, not log lines: a server logs them, `check`
//! prints them.

use std::fmt;

use fanfare_core::EventId;

use crate::scan::Damage;

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Bytes of a segment are no records.
    Damaged {
        /// The segment.
        file: String,
        /// Where, and between which ids.
        damage: Damage,
    },
    /// The first bytes of a segment are damaged: nothing in it can be read.
    DamagedHeader {
        /// The segment.
        file: String,
        /// Its length.
        bytes: u64,
        /// The last id before it.
        after: EventId,
    },
    /// A write was not finished: nobody was told that it was. It is ignored.
    Torn {
        /// The segment.
        file: String,
        /// Where the write began.
        offset: u64,
        /// How much of it is there.
        bytes: u64,
    },
    /// Segments are not there.
    Missing {
        /// The first one,
        first: u64,
        /// to the last one.
        last: u64,
        /// The last id before them.
        after: EventId,
    },
    /// The machine stopped while events were not on the disk yet.
    Crashed {
        /// The segment that was being written.
        file: String,
        /// The last id that is there.
        after: EventId,
    },
    /// The state file is damaged, or not there: what was given up, of which target, is not known.
    NoState,
    /// There is a state file and no segment: all of it was taken away, or the first start was interrupted.
    NoSegments,
    /// Segments were removed while the state file could not be written.
    Unmarked {
        /// The oldest segment that is there: everything before it is given up for all targets.
        file: String,
    },
}

impl Finding {
    /// Whether events may be missing that somebody was told are there.
    pub fn is_loss(&self) -> bool {
        !matches!(self, Self::Torn { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { file, damage: Damage { offset, bytes, after, before } } => {
                write!(f, "{file}: {bytes} bytes at {offset} are damaged, behind event {after}")?;
                before.map_or(Ok(()), |before| write!(f, " and before {before}"))
            }
            Self::DamagedHeader { file, bytes, after } => {
                write!(f, "{file}: its header is damaged; its {bytes} bytes, behind event {after}, cannot be read")
            }
            Self::Torn { file, offset, bytes } => {
                write!(f, "{file}: a write of {bytes} bytes at {offset} was not finished and is ignored")
            }
            Self::Missing { first, last, after } => {
                write!(f, "segments {first} to {last} are missing, behind event {after}")
            }
            Self::Crashed { file, after } => {
                write!(f, "{file}: the machine stopped while it was written; events behind {after} may be lost")
            }
            Self::NoState => f.write_str("state: the file is missing or damaged; what was given up is not known"),
            Self::NoSegments => {
                f.write_str("there is no segment: all of it was taken away, or the first start was interrupted")
            }
            Self::Unmarked { file } => {
                write!(f, "{file} is the oldest segment, and what was given up before it is not known")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_file_offset_bytes_and_ids() {
        let mut damage = Damage { offset: 88, bytes: 5, after: EventId::new(1, 2), before: Some(EventId::new(3, 4)) };
        let text = |damage| Finding::Damaged { file: "1.journal".into(), damage }.to_string();
        assert_eq!(text(damage), "1.journal: 5 bytes at 88 are damaged, behind event 1-2 and before 3-4");
        damage.before = None;
        assert_eq!(text(damage), "1.journal: 5 bytes at 88 are damaged, behind event 1-2");
    }
}
