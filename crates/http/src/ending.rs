//! Ways in which something that goes on has to end.
//!
//! # Nouns
//!
//! - [`phase::Phases`]: how far the server is on its way from its start to its end.
//!
//! # Files
//!
//! - [`deadline::Deadline`]: the time in which an answer has to be taken. It ends the life of the request.
//!
//! # Rules
//!
//! Nothing here closes anything itself. Whoever runs a task polls the phases and the [`fanfare_core::engine::Life`] of its request,
//! and ends its own work.

pub(crate) mod deadline;
pub(crate) mod phase;
