//! The figures of a set of connections: deliveries, their times, and faults. Added up over threads and processes,
//! filled by the ledger and told in the report.

use serde::{Deserialize, Serialize};

use crate::measure::account::Account;
use crate::measure::crossing::Crossing;
use crate::measure::gap::Gaps;
use crate::measure::latency::Latency;
use crate::measure::phase::Phases;
use crate::measure::returns::Returns;
use crate::measure::span::Spans;
use crate::measure::tally::Tally;
use crate::measure::timeline::Timeline;

/// Deliveries that did not go as they should, over all connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Faults {
    /// Events that are missing although no gap told them.
    pub(crate) lost: u64,
    /// Missing, and the server said so at that place of the stream.
    pub(crate) told_missing: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

/// The figures of a set of connections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// Distinct events received, over all connections.
    pub(crate) deliveries: u64,
    /// Deliveries among them that were due before their connection was told to come back.
    pub(crate) replayed: u64,
    pub(crate) replayed_last_ns: u64,
    /// Reads that completed at least one delivery.
    pub(crate) reads: u64,
    /// Events that are not of this run.
    pub(crate) other: u64,
    /// Events of this run whose data has the wrong length, or that were not for this connection.
    pub(crate) damaged: u64,
    /// How often the server said that something was lost.
    pub(crate) gaps: Gaps,
    /// Connections for which delivered and told missing do not add up to the events that were due.
    pub(crate) unaccounted: u64,
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
    /// `None`: the run has no storm.
    pub(crate) phases: Option<Box<Phases>>,
    /// `None`: there is one node only.
    pub(crate) crossing: Option<Box<Crossing>>,
    pub(crate) spans: Spans,
    pub(crate) returns: Returns,
    pub(crate) timeline: Timeline,
}

impl Faults {
    pub(crate) fn add(&mut self, tally: &Tally) {
        self.duplicated += tally.duplicated;
        self.reordered += tally.reordered;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.lost += other.lost;
        self.told_missing += other.told_missing;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}

impl Sum {
    /// Closes one connection, with its number of missing events and its account of gaps.
    pub(crate) fn balance(&mut self, missing: u64, account: &Account) {
        self.faults.lost += missing.saturating_sub(account.told);
        // Events told as missing may have come after all.
        self.faults.told_missing -= account.told.saturating_sub(missing);
        self.unaccounted += u64::from(account.told != missing || account.overtold > 0);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.replayed += other.replayed;
        self.replayed_last_ns = self.replayed_last_ns.max(other.replayed_last_ns);
        self.reads += other.reads;
        self.other += other.other;
        self.damaged += other.damaged;
        self.gaps.merge(&other.gaps);
        self.unaccounted += other.unaccounted;
        self.unread += other.unread;
        self.silent += other.silent;
        self.long_ids += other.long_ids;
        self.first_delivery_ns = match (self.first_delivery_ns, other.first_delivery_ns) {
            (0, first_ns) | (first_ns, 0) => first_ns,
            (mine_ns, its_ns) => mine_ns.min(its_ns),
        };
        self.last_delivery_ns = self.last_delivery_ns.max(other.last_delivery_ns);
        self.faults.merge(&other.faults);
        self.latency.add(&other.latency);
        match (&mut self.phases, other.phases) {
            (Some(mine), Some(its)) => mine.merge(&its),
            (mine @ None, its) => *mine = its,
            (Some(_), None) => {}
        }
        match (&mut self.crossing, other.crossing) {
            (Some(mine), Some(its)) => mine.merge(&its),
            (mine @ None, its) => *mine = its,
            (Some(_), None) => {}
        }
        self.spans.merge(other.spans);
        self.returns.merge(other.returns);
        self.timeline.merge(other.timeline);
    }
}
