//! [`Losses`]: the events that one connection has lost, until the client receives the gaps. [`Setbacks`]: those, and their trail.

use std::mem;

use crate::{
    event::{event_id::EventId, gap::Gap},
    fates::trail::Trail,
};

/// What a connection has that not every event went to at once.
#[derive(Debug, Default)]
pub(super) struct Setbacks {
    pub(super) losses: Losses,
    pub(super) trail: Trail,
}

impl Setbacks {
    /// None yet. Events up to `known` may be missing without a gap.
    pub(super) fn known_up_to(known: EventId) -> Self {
        Self { losses: Losses { known, ..Losses::default() }, trail: Trail::default() }
    }
}

/// Events that a connection has lost.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Gaps that go out before the ring.
    front: Vec<Gap>,
    /// Gaps in the line that is being written, unless that is another line by now.
    in_line: Vec<Gap>,
    /// Events that are lost behind the ring, and the newest of them.
    missed: u64,
    to: EventId,
    /// Events up to this id may be missing without a gap.
    known: EventId,
}

impl Losses {
    /// The gaps that go out before the ring.
    pub(super) fn front(&mut self) -> &mut Vec<Gap> {
        &mut self.front
    }

    /// Takes out the gaps that go out before the ring, for the next line.
    pub(super) fn take_front(&mut self) -> &[Gap] {
        self.in_line = mem::take(&mut self.front);
        &self.in_line
    }

    /// Another line is written than one of gaps.
    pub(super) fn forget_line(&mut self) {
        self.in_line = Vec::new();
    }

    /// The gaps that have not gone out. `has_line`: a line is being written.
    pub(super) fn untold(&self, has_line: bool) -> Vec<Gap> {
        let in_line = if has_line { &self.in_line[..] } else { &[] };
        [in_line, &self.front].concat()
    }

    pub(super) fn is_front_empty(&self) -> bool {
        self.front.is_empty()
    }

    /// Counts events behind the ring as lost, up to `to`.
    pub(super) fn lose(&mut self, missed: u64, to: EventId) {
        self.missed += missed;
        self.to = self.to.max(to);
    }

    /// Takes out the number of the events that are lost behind the ring, and the newest of them.
    pub(super) fn take_behind(&mut self) -> Option<(u64, EventId)> {
        let (missed, to) = (mem::take(&mut self.missed), mem::take(&mut self.to));
        (missed > 0).then_some((missed, to))
    }

    /// Events up to this id may be missing without a gap.
    pub(super) fn known(&self) -> EventId {
        self.known
    }

    /// Notes that the client has been told of events up to `id`, or will be by the gaps.
    pub(super) fn learn(&mut self, id: EventId) {
        self.known = self.known.max(id);
    }
}
