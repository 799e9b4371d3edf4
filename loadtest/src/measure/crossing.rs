//! The latency by where an event was taken: by the node of the stream that received it, or by another.

use serde::{Deserialize, Serialize};

use crate::measure::latency::Latency;

/// The two kinds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Crossing {
    pub(crate) same_node: Latency,
    pub(crate) other_nodes: Latency,
}

impl Crossing {
    /// An event that node `from` took came by node `to`.
    pub(crate) fn take(&mut self, from: u32, to: u32, latency_ns: u64) {
        let kind = if from == to { &mut self.same_node } else { &mut self.other_nodes };
        kind.record_ns(latency_ns);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.same_node.add(&other.same_node);
        self.other_nodes.add(&other.other_nodes);
    }
}
