//! [`Totals`]: the figures of all connections of one shard, since it began.

use crate::event::{
    gap::{Gap, GapReason},
    notice::CloseReason,
};

/// The figures of all connections that one shard, or a whole hub, has had since it began. Each only rises.
///
/// Once nothing moves: `matched + replayed = written + waiting + lost + abandoned + reread`, with `waiting` the sum of
/// [`Account::lag`](crate::Account::lag) over the open connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections that were registered.
    pub opened: u64,
    /// Connections that have ended, by reason, in the order of [`CloseReason::ALL`].
    pub closed: [u64; CloseReason::ALL.len()],
    /// Deliveries that were due: events for open connections.
    pub matched: u64,
    /// Older events from the history that connections began with.
    pub replayed: u64,
    /// Deliveries whose last byte an outlet has taken.
    pub written: u64,
    /// Their bytes, as chunks of HTTP/1.1.
    pub written_bytes: u64,
    /// Deliveries that were not made in time: see [`Account::dropped`](crate::Account::dropped).
    pub dropped: u64,
    /// Dropped deliveries that the history made later.
    pub repaired: u64,
    /// Deliveries that never happen. A gap tells them, unless the loss ends the connection: that of a live-only event under
    /// [`crate::Policy::Close`].
    pub lost: u64,
    /// Deliveries that had yet to be made when their connection ended. The client comes back with its cursor for those that are kept.
    pub abandoned: u64,
    /// Replayed events that had to leave the ring, and are read again.
    pub reread: u64,
    /// Gaps that connections were told, or will be, by reason, in the order of [`GapReason::ALL`].
    pub gaps: [u64; GapReason::ALL.len()],
}

impl Totals {
    /// Counts deliveries of messages of this size.
    pub(crate) fn count_written(&mut self, written: u64, bytes: usize) {
        self.written += written;
        self.written_bytes += written * u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Counts deliveries that never happen and were not made in time.
    pub(crate) fn count_lost(&mut self, lost: u64) {
        self.lost += lost;
        self.dropped += lost;
    }

    /// Counts a gap.
    pub(crate) fn count_gap(&mut self, gap: &Gap) {
        self.gaps[gap.reason as usize] += 1;
    }

    /// Counts the end of a connection that was `lag` deliveries behind.
    pub(crate) fn count_closed(&mut self, reason: CloseReason, lag: u64) {
        self.closed[reason as usize] += 1;
        self.abandoned += lag;
    }

    /// Adds the figures of another shard.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            opened, matched, replayed, written, written_bytes, dropped, repaired, lost, abandoned, reread, ..
        } = other;
        self.opened += opened;
        self.matched += matched;
        self.replayed += replayed;
        self.written += written;
        self.written_bytes += written_bytes;
        self.dropped += dropped;
        self.repaired += repaired;
        self.lost += lost;
        self.abandoned += abandoned;
        self.reread += reread;
        self.closed.iter_mut().zip(other.closed).for_each(|(all, one)| *all += one);
        self.gaps.iter_mut().zip(other.gaps).for_each(|(all, one)| *all += one);
    }
}
