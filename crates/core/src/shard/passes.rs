//! [`Passes`]: when the shard took events to its connections, for the person who asks.

use std::collections::VecDeque;

use crate::event::event_id::EventId;

/// Entries of one shard. Passes of the same millisecond are one entry.
const ENTRIES_MAX: usize = 4_096;

/// Passes that followed each other.
#[derive(Debug)]
struct Entry {
    newest: EventId,
    from_ms: u64,
    to_ms: u64,
}

/// The last passes of a shard.
#[derive(Debug, Default)]
pub(super) struct Passes {
    entries: VecDeque<Entry>,
    /// The newest event of the entries that were forgotten.
    forgotten: EventId,
}

impl Passes {
    /// A pass is over whose last event is `newest`.
    pub(super) fn push(&mut self, newest: EventId, from_ms: u64, now_ms: u64) {
        if let Some(last) = self.entries.back_mut().filter(|last| last.from_ms == from_ms && last.to_ms == now_ms) {
            last.newest = newest;
            return;
        }
        if self.entries.len() == ENTRIES_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.forgotten = oldest.newest;
        }
        self.entries.push_back(Entry { newest, from_ms, to_ms: now_ms });
    }

    /// The time in which the event with this id was taken to all connections.
    pub(super) fn of(&self, id: EventId) -> Option<(u64, u64)> {
        let at = self.entries.partition_point(|entry| entry.newest < id);
        let entry = self.entries.get(at).filter(|_| id > self.forgotten)?;
        Some((entry.from_ms, entry.to_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_event_is_that_of_its_pass_for_as_long_as_there_is_room() {
        let mut passes = Passes::default();
        let id = |n| EventId::new(1, n);
        passes.push(id(2), 10, 10);
        passes.push(id(5), 10, 10);
        passes.push(id(6), 11, 12);
        let times = [1, 2, 5, 6, 7].map(|n| passes.of(id(n)));
        assert_eq!(times, [Some((10, 10)), Some((10, 10)), Some((10, 10)), Some((11, 12)), None]);
        for ms in 0..ENTRIES_MAX as u64 {
            passes.push(EventId::new(2, u32::try_from(ms).unwrap_or(0).into()), ms + 20, ms + 20);
        }
        assert_eq!(passes.of(id(6)), None, "forgotten");
        assert_eq!(passes.of(EventId::new(2, 0)), Some((20, 20)));
    }
}
