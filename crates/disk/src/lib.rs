//! The event journal of Fanfare on disk: an append-only log of segments, written before anybody sees an event and read
//! once, from its beginning to its end, when a server starts. There is no index: history is served from memory.
//!
//! [`Directory`] is opened, [`Recovery`] gives the events that are there, [`Log`] appends more, [`Unsynced`] syncs them,
//! [`Segments`] says what takes how much space, [`plan()`] what to do about it, and [`Reclaim`] does it. Only blocking I/O:
//! whoever uses this brings the threads and the clock. Tools look at a [`ReadOnlyDirectory`].

#![forbid(unsafe_code)]

mod active;
mod boot;
mod chain;
mod check;
mod codec;
mod contents;
mod directory;
mod events;
mod files;
mod finding;
mod frame;
mod header;
mod journal;
mod keeper;
mod log;
mod plan;
mod read_only;
mod reclaim;
mod record;
mod recovery;
mod scan;
mod segments;
mod state;
mod stop;
mod syncer;
mod unsynced;
mod walk;
mod writer;

pub use active::AppendError;
pub use boot::Boot;
pub use check::{Report, SegmentReport};
pub use directory::{Directory, OpenError};
pub use events::Events;
pub use files::{File, Files, Listed};
pub use finding::Finding;
pub use journal::{Config, DiskJournal};
pub use log::{Fsync, Log, LogConfig};
pub use plan::{Candidate, Limits, Step, plan};
pub use read_only::ReadOnlyDirectory;
pub use reclaim::Reclaim;
pub use record::{Entry, Stored};
pub use recovery::{CRASH_GAP_MS, KILL_GAP_MS, Recovered, Recovery};
pub use scan::Damage;
pub use segments::{SealedSegment, Segments};
pub use state::Marks;
pub use unsynced::{IdRange, SyncError, Unsynced};
