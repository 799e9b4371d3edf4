//! [`Finding`]: a fault in the directory of a journal. Findings are values: a server logs them, `check` prints them.

use std::fmt;

use fanfare_core::EventId;

use crate::scan::Damage;

/// Number of segments that may be lost if nothing tells which one is the newest: 16 TiB of full ones. Their numbers are
/// not given again, so a segment that comes back stands in its place.
pub(crate) const UNKNOWN_SEGMENTS: u64 = 1 << 20;

/// One fault.
///
/// ```
/// use fanfare_core::{Event, EventId, Target};
/// use fanfare_disk::{Finding, ReadOnlyDirectory};
///
/// # use std::{io, sync::Arc, task::{Context, Poll, Wake, Waker}, thread::{self, Thread}};
/// # use fanfare_core::{Wait, engine::{Hub, Socket}, journal::Journal as _};
/// # struct NoSocket;
/// # impl Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> { Poll::Pending }
/// #     fn poll_discard(&mut self) -> Poll<io::Result<usize>> { Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # struct Unpark(Thread);
/// # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark(); } }
/// # fn keep(path: &std::path::Path, event: Event) -> Result<EventId, Box<dyn std::error::Error>> {
/// #     let mut journal = Box::new(fanfare_disk::DiskJournal::open(path, fanfare_disk::Config::default())?);
/// #     let (hub, _shards) = Hub::<NoSocket>::behind_journal(fanfare_core::Config::default(), Box::new(|| 1_000));
/// #     journal.restore(hub.desk())?;
/// #     thread::scope(|scope| {
/// #         let running = scope.spawn(|| journal.run(hub.desk()));
/// #         let (mut publish, waker) = (Box::pin(hub.publish(event, Wait::Journal)), Waker::from(Arc::new(Unpark(thread::current()))));
/// #         let receipt = loop {
/// #             if let Poll::Ready(receipt) = publish.as_mut().poll(&mut Context::from_waker(&waker)) { break receipt }
/// #             thread::park();
/// #         };
/// #         hub.close_journal();
/// #         running.join().map_err(|_| "the journal panicked")??;
/// #         Ok(receipt?.id)
/// #     })
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// # keep(path, Event::new(Target::All, "hello"))?;
/// // The journal in `path` has lost a file that it cannot replace.
/// std::fs::remove_file(path.join("state"))?;
/// let report = ReadOnlyDirectory::open(path)?.check()?;
/// assert_eq!(report.findings, [Finding::NoState]);
/// assert!(report.findings[0].is_loss());
/// assert_eq!(report.findings[0].to_string(), "state: the file is missing or damaged; what was given up is not known");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Bytes of a segment are no records.
    Damaged {
        /// The segment.
        file: String,
        /// Place of the damage, and the ids around it.
        damage: Damage,
    },
    /// The header of a segment is damaged: nothing in the segment can be read.
    DamagedHeader {
        /// The segment.
        file: String,
        /// Length of the segment.
        bytes: u64,
        /// The last id before the segment.
        after: EventId,
    },
    /// An unfinished write, which was never acknowledged. It is ignored.
    Torn {
        /// The segment.
        file: String,
        /// Offset at which the write began.
        offset: u64,
        /// Length of the part that is there.
        bytes: u64,
    },
    /// Segments are missing. At the end of the journal the file `newest` tells how many.
    Missing {
        /// Number of the first missing segment.
        first: u64,
        /// Number of the last missing segment.
        last: u64,
        /// The last id before them.
        after: EventId,
    },
    /// The machine stopped before events were on the disk.
    Crashed {
        /// The segment that was being written.
        file: String,
        /// The last id that is there.
        after: EventId,
    },
    /// The state file is missing or damaged. Which events were given up is not known.
    NoState,
    /// The file that names the newest segment is missing or damaged. Segments at the end may be missing.
    NoNewest,
    /// All segments are missing.
    NoSegments,
    /// Segments before the oldest one were taken away, or removed while the state file could not be written.
    Unmarked {
        /// The oldest segment that is there. Everything before it may be lost.
        file: String,
    },
}

impl Finding {
    /// Whether acknowledged events may be missing.
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
            Self::Missing { first, last, after } if last.saturating_sub(*first) >= UNKNOWN_SEGMENTS - 1 => {
                write!(f, "segments from {first} on may be missing, behind event {after}; nothing tells how many")
            }
            Self::Missing { first, last, after } if first == last => {
                write!(f, "segment {first} is missing, behind event {after}")
            }
            Self::Missing { first, last, after } => {
                write!(f, "segments {first} to {last} are missing, behind event {after}")
            }
            Self::Crashed { file, after } => {
                write!(f, "{file}: the machine stopped while it was written; events behind {after} may be lost")
            }
            Self::NoState => f.write_str("state: the file is missing or damaged; what was given up is not known"),
            Self::NoNewest => f.write_str(
                "newest: the file is missing or damaged; whether segments are missing at the end is not known",
            ),
            Self::NoSegments => f.write_str("there is no segment: all were taken away"),
            Self::Unmarked { file } => {
                write!(f, "{file} is the oldest segment; those before it were taken away, or removed on a full disk")
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
    #[test]
    fn missing_segments_are_counted_only_if_their_number_is_known() {
        let text = |last| Finding::Missing { first: 5, last, after: EventId::new(1, 2) }.to_string();
        assert_eq!(text(5), "segment 5 is missing, behind event 1-2");
        assert_eq!(text(6), "segments 5 to 6 are missing, behind event 1-2");
        let known = format!("segments 5 to {} are missing, behind event 1-2", UNKNOWN_SEGMENTS + 3);
        assert_eq!(text(UNKNOWN_SEGMENTS + 3), known);
        let unknown = "segments from 5 on may be missing, behind event 1-2; nothing tells how many";
        assert_eq!(text(UNKNOWN_SEGMENTS + 4), unknown);
    }
}
