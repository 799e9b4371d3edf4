//! [`Ledger`]: the place where a slot notes what becomes of its events: for its channels, for the totals and for its trail.

use crate::{
    event::{account::Accounts, fanned::Fanned, totals::Totals},
    fates::trail::TrailRoom,
};

/// Entries of [`Ledger::fanned`]. A turn makes fewer, so only a shell that does not take them loses some.
const FANNED_MAX: usize = 1_024;

/// The figures that all slots of a shard share.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The news of each channel since the last sweep.
    pub(super) accounts: Accounts,
    /// The figures of all connections since the shard began.
    pub(super) totals: Totals,
    /// The room for trails.
    pub(super) room: TrailRoom,
    /// Deliveries of the turn, for the shell to measure.
    pub(super) fanned: Vec<Fanned>,
}

impl Ledger {
    /// Notes deliveries for the shell to measure, if the beginning of the publish is known.
    pub(super) fn note_fanned(&mut self, fanned: Fanned) {
        if fanned.stamp > 0 && self.fanned.len() < FANNED_MAX {
            self.fanned.push(fanned);
        }
    }
}
