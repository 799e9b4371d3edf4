//! Ways in which something that goes on has to end.
//!
//! # Nouns
//!
//! - [`phase::Phases`]: how far the server is on its way from its start to its end.
//!
//! # Files
//!
//! - [`level::Level`]: a number that only rises, and those who wait for it. Phases and signals are made of it.
//! - [`signal::Signal`]: something that happens once to all who wait for it.
//! - [`deadline::Deadline`]: the time in which an answer has to be taken.
//!
//! # Rules
//!
//! Nothing here ends anything itself. Whoever runs a task polls these, and ends its own work.

pub(crate) mod deadline;
pub(crate) mod level;
pub(crate) mod phase;
pub(crate) mod signal;
