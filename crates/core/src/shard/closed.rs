//! [`ClosedRecords`]: connections that have ended, for the person who asks for the fate of an event.

use std::collections::VecDeque;

use crate::{event::event_id::EventId, fates::record::Record};

/// Bytes that the connections of one shard take.
const BYTES_MAX: usize = 16 << 20;

/// The connections of a shard that ended last.
#[derive(Debug)]
pub(super) struct ClosedRecords {
    records: VecDeque<Record>,
    records_max: usize,
    bytes: usize,
    /// Connections that had seen events up to here were forgotten.
    forgotten: EventId,
}

impl ClosedRecords {
    pub(super) fn new(records_max: usize) -> Self {
        Self { records: VecDeque::new(), records_max, bytes: 0, forgotten: EventId::ZERO }
    }

    /// Keeps a connection that has ended. Of more than there may be, the oldest is forgotten.
    pub(super) fn push(&mut self, record: Record) {
        self.bytes += record.bytes();
        self.records.push_back(record);
        while (self.records.len() > self.records_max || self.bytes > BYTES_MAX)
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.forgotten = self.forgotten.max(oldest.seen);
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter()
    }

    /// Connections that had seen events up to here were forgotten.
    pub(super) fn forgotten(&self) -> EventId {
        self.forgotten
    }
}
