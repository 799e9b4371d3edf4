//! The losses that a server tells: the data of a `fanfare.gap`, and how many there were of each reason.
//!
//! Used by the ledger. A gap that cannot be read covers nothing, so its missing events count as lost.

use serde::{Deserialize, Serialize};

/// The type of the event that tells of a loss.
pub(crate) const GAP_KIND: &[u8] = b"fanfare.gap";
/// The type of the event that only tells a client its position.
pub(crate) const CURSOR_KIND: &[u8] = b"fanfare.cursor";

/// The content of one gap.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Gap {
    /// How many events are missing. `None`: the server does not know.
    pub(crate) missed: Option<u64>,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reason {
    Busy,
    Expired,
    Restart,
    UnknownId,
    #[serde(other)]
    Other,
}

impl Gap {
    /// `None`: not in the form of the contract.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        serde_json::from_slice(data).ok()
    }
}

/// How many were told, over all connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gaps {
    pub(crate) busy: u64,
    pub(crate) expired: u64,
    pub(crate) restart: u64,
    pub(crate) unknown_id: u64,
    /// Gaps of another reason, or not in the form of the contract.
    pub(crate) other: u64,
    /// The sum of missing events in all gaps of the reason `busy`.
    pub(crate) busy_missed: u64,
    /// Gaps that do not say how much is missing.
    pub(crate) uncounted: u64,
}

impl Gaps {
    pub(crate) fn take(&mut self, gap: Option<Gap>) {
        let reason = gap.map_or(Reason::Other, |gap| gap.reason);
        let missed = gap.and_then(|gap| gap.missed);
        self.uncounted += u64::from(missed.is_none());
        *match reason {
            Reason::Busy => &mut self.busy,
            Reason::Expired => &mut self.expired,
            Reason::Restart => &mut self.restart,
            Reason::UnknownId => &mut self.unknown_id,
            Reason::Other => &mut self.other,
        } += 1;
        if reason == Reason::Busy {
            self.busy_missed = self.busy_missed.saturating_add(missed.unwrap_or(0));
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.reasons().iter().map(|(_, count)| count).sum()
    }

    /// The counts by the names of their reasons in reports.
    pub(crate) fn reasons(&self) -> [(&'static str, u64); 5] {
        let Self { busy, expired, restart, unknown_id, other, .. } = *self;
        [("busy", busy), ("expired", expired), ("restart", restart), ("unknown_id", unknown_id), ("other", other)]
    }

    /// Text for a row: the total and its parts.
    pub(crate) fn text(&self) -> String {
        if self.total() == 0 {
            return "0".to_owned();
        }
        let reasons = self.reasons().into_iter().filter(|(_, count)| *count > 0);
        let reasons: Vec<String> = reasons.map(|(name, count)| format!("{name} {count}")).collect();
        let Self { busy_missed, uncounted, .. } = self;
        format!("{} ({}; busy tell {busy_missed}, without a count {uncounted})", self.total(), reasons.join(", "))
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.busy += other.busy;
        self.expired += other.expired;
        self.restart += other.restart;
        self.unknown_id += other.unknown_id;
        self.other += other.other;
        self.busy_missed = self.busy_missed.saturating_add(other.busy_missed);
        self.uncounted += other.uncounted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_by_reason() {
        let mut gaps = Gaps::default();
        for data in [
            r#"{"from":"1-0","to":"1-7","missed":7,"reason":"busy"}"#,
            r#"{"from":"2-0","to":"2-2","missed":2,"reason":"busy"}"#,
            r#"{"from":"1-0","to":null,"missed":null,"reason":"expired"}"#,
            r#"{"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#,
            r#"{"from":null,"to":null,"missed":null,"reason":"tired"}"#,
            "not json",
        ] {
            gaps.take(Gap::read(data.as_bytes()));
        }
        let expected = Gaps { busy: 2, expired: 1, unknown_id: 1, other: 2, busy_missed: 9, uncounted: 4, restart: 0 };
        assert_eq!((gaps, gaps.total()), (expected, 6));
        assert_eq!(gaps.text(), "6 (busy 2, expired 1, unknown_id 1, other 2; busy tell 9, without a count 4)");
        let mut sum = Gaps::default();
        assert_eq!(sum.text(), "0");
        sum.merge(&gaps);
        assert_eq!(sum, gaps);
    }
}
