//! The event journal of Fanfare on disk: an append-only log of segments, written before anybody sees an event and read
//! once, from its beginning to its end, when a server starts. There is no index: history is served from memory.
//!
//! [`DiskJournal`] is what a hub uses; it brings its threads and reads the clock. Tools look at a [`ReadOnlyDirectory`].
//! Inside, `directory` is opened, `recovery` gives the events that are there, `log` appends more, `unsynced` syncs them;
//! `plan` says which `segments` to give back, and `reclaim` does it, on a full disk in the `room` that `reserve` has held.

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
mod state;
mod stop;
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
pub use record::Stored;
pub use scan::Damage;

#[cfg(test)]
mod tests;
