//! [`ReadRequest`]: the request for events of the history, from a slot that catches up.

use crate::{
    event::{event_id::EventId, pattern::Pattern, target::Target},
    history::read::{Query, ReadLimit},
    queue::inbox::SlotRef,
};

/// A request for events of the history. The shell passes it to [`crate::engine::Hub::read`], outside of the shard's loop.
///
/// [`Shard`](crate::engine::Shard) has an example.
#[derive(Debug)]
pub struct ReadRequest {
    pub(crate) shard: usize,
    pub(crate) slot: SlotRef,
    pub(crate) after: EventId,
    pub(crate) upto: EventId,
    pub(crate) targets: Vec<Target>,
    pub(crate) patterns: Box<[Pattern]>,
    pub(crate) limit: ReadLimit,
    pub(crate) opened: EventId,
    pub(crate) checked: u64,
}

impl ReadRequest {
    pub(crate) fn query(&self) -> Query<'_> {
        let Self { after, upto, limit, opened, checked, .. } = *self;
        Query { after, upto, targets: &self.targets, patterns: &self.patterns, limit, opened, checked }
    }
}
