//! [`Carriers`]: what the HTTP/2 connections of one thread have together.

use std::{sync::Arc, time::Duration};

use fanfare_core::engine::RingBudget;
use fanfare_h2::Limits;

use crate::link::{due::Due, party::WakeSlot, pulse::Pulse};

/// What the HTTP/2 connections of one thread have together, each a `C`.
#[derive(Debug)]
pub(crate) struct Carriers<C> {
    pub(crate) limits: Arc<Limits>,
    /// The inbox of the shard that writes their event streams.
    pub(crate) inbox: Arc<dyn WakeSlot>,
    /// Counts what is kept for their peers.
    pub(crate) budget: Arc<RingBudget>,
    /// Time for which a party waits for a peer that takes nothing.
    pub(crate) write_timeout: Duration,
    pub(crate) due: Due<C>,
    pub(crate) pulse: Pulse<C>,
}
