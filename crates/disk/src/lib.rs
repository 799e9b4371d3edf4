//! The event journal of Fanfare on disk: an append-only log of segments. An event is written before anybody sees it. The
//! whole log is read once, when a server starts. There is no index: history is served from memory.
//!
//! A hub uses a [`DiskJournal`], which brings its threads and reads the clock. Tools look at a [`ReadOnlyDirectory`].
//! Inside, `directory` is opened, `recovery` reads the events, `log` appends more and `unsynced` syncs them. `plan` says
//! which `segments` to give back, and `reclaim` does so, on a full disk in the `room` that `reserve` has held.
//!
//! # Nouns
//!
//! - Segment: a file of the log. The newest one is active, all others are sealed. Each run of a server begins one of its own.
//! - Record: an event, its key, or both, written as one frame.
//! - Finding: a fault of the directory, for the log of a server and for tools.
//!
//! # Invariants
//!
//! - Nobody learns of an event before it is written, or with `--fsync always` before it is synced.
//! - An id of a failed group is never given again. The next header says how much of a segment counts.
//! - Marks are in the file `state` before events go. If not, the numbers of the segments show the loss.
//! - The file `newest` names a segment before its first record, and covers an id before it is given.
//! - No number of a segment is given twice.
//! - Only `open_plain` opens files, and it follows no link.

#![forbid(unsafe_code)]

mod active;
mod boot;
mod chain;
mod check;
mod clock;
mod codec;
mod config;
mod contents;
mod directory;
mod ends;
mod events;
mod files;
mod finding;
mod frame;
mod header;
mod journal;
mod keeper;
mod log;
mod names;
mod newest;
mod plan;
mod read_only;
mod reclaim;
mod record;
mod recovery;
mod reserve;
mod room;
mod scan;
mod segments;
mod shutdown;
mod state;
mod syncer;
mod unsynced;
mod walk;
mod writer;

pub use check::{Report, SegmentReport};
pub use config::{Config, Fsync, LogConfig};
pub use directory::OpenError;
pub use events::Events;
pub use finding::Finding;
pub use journal::DiskJournal;
pub use read_only::ReadOnlyDirectory;
pub use scan::Damage;

#[cfg(test)]
mod tests;
