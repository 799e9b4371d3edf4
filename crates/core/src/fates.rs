//! The fates of events: what became of one event on one connection, for the person who asks.
//!
//! Nothing is noted for a delivery that goes the usual way. A [`trail::Trail`] has what was out of the ordinary, within bounds. An
//! event that nothing out of the ordinary covers was written at once. This folder knows `event` only.
//!
//! # Files
//!
//! - [`trail::Trail`]: what happened to the events of one connection out of the ordinary.
//! - [`record::Record`]: one connection, open or closed, as it stands when somebody asks.
//! - [`verdict::Verdict`]: what became of an event.

pub(crate) mod record;
pub(crate) mod trail;
pub(crate) mod verdict;
