//! The figures of a set of connections: what they received, when, and what went wrong. Added up over threads and
//! processes; filled by the ledger and told in the report.

use serde::{Deserialize, Serialize};

use crate::measure::latency::Latency;
use crate::measure::span::Spans;
use crate::measure::tally::Tally;
use crate::measure::timeline::Timeline;

/// Deliveries that did not go as they should, over all connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

/// The figures of a set of connections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// Distinct events received, over all connections.
    pub(crate) deliveries: u64,
    /// Of them: those that were due while their connection was away.
    pub(crate) replayed: u64,
    pub(crate) replayed_last_ns: u64,
    /// Reads that completed at least one delivery.
    pub(crate) reads: u64,
    /// Events that are not of this run.
    pub(crate) other: u64,
    /// Events of this run whose data has the wrong length, or that were not for this connection.
    pub(crate) damaged: u64,
    /// How often the server said that something was lost (`fanfare.gap`).
    pub(crate) gaps: u64,
    /// Events that had not been read at the end by connections that read late.
    pub(crate) unread: u64,
    /// Lives of connections that come and go which received nothing, although they were long enough.
    pub(crate) silent: u64,
    /// Connections that were given an id too long to be kept, and could not say where they had been.
    pub(crate) long_ids: u64,
    /// 0: there was none.
    pub(crate) first_delivery_ns: u64,
    pub(crate) last_delivery_ns: u64,
    pub(crate) faults: Faults,
    pub(crate) latency: Latency,
    pub(crate) spans: Spans,
    pub(crate) timeline: Timeline,
}

impl Faults {
    pub(crate) fn add(&mut self, tally: &Tally, lost: u64) {
        self.lost += lost;
        self.duplicated += tally.duplicated;
        self.reordered += tally.reordered;
    }
}

impl Sum {
    pub(crate) fn merge(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.replayed += other.replayed;
        self.replayed_last_ns = self.replayed_last_ns.max(other.replayed_last_ns);
        self.reads += other.reads;
        self.other += other.other;
        self.damaged += other.damaged;
        self.gaps += other.gaps;
        self.unread += other.unread;
        self.silent += other.silent;
        self.long_ids += other.long_ids;
        self.first_delivery_ns = match (self.first_delivery_ns, other.first_delivery_ns) {
            (0, first_ns) | (first_ns, 0) => first_ns,
            (mine_ns, its_ns) => mine_ns.min(its_ns),
        };
        self.last_delivery_ns = self.last_delivery_ns.max(other.last_delivery_ns);
        self.faults.lost += other.faults.lost;
        self.faults.duplicated += other.faults.duplicated;
        self.faults.reordered += other.faults.reordered;
        self.latency.add(&other.latency);
        self.spans.merge(other.spans);
        self.timeline.merge(other.timeline);
    }
}
