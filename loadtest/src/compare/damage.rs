//! Faults of a server in a case of the comparison. They stand beside each of its figures, and a figure with a fault
//! reaches no target.

/// The faults of one server in one case, over all rounds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Damage {
    pub(crate) peer: String,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) faults: Vec<String>,
}

impl Damage {
    /// Text for a column. "none" only if there was no fault of any kind.
    pub(crate) fn text(&self) -> String {
        let counts = [("lost", self.lost), ("duplicated", self.duplicated), ("reordered", self.reordered)];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let mut parts: Vec<String> = counts.map(|(what, count)| format!("{what} {count}")).collect();
        if !self.faults.is_empty() {
            parts.push(format!("faults {}", self.faults.len()));
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }

    pub(crate) fn has_loss(&self) -> bool {
        self.lost + self.duplicated + self.reordered > 0
    }

    pub(crate) fn is_none(&self) -> bool {
        !self.has_loss() && self.faults.is_empty()
    }
}
