//! The parts of a journal together, on a disk in memory that fails and crashes as it is told.

mod append;
mod directory;
mod giving_back;
mod hub;
mod missing;
mod model;
mod purge;
mod reclaim;
mod recovery;
mod support;
mod upgrade;
