//! The verbs of a [`Carrier`] for the slots of its event streams.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use fanfare_core::engine::SlotRef;
use fanfare_h2::{Gone, Reason, StreamId};
use hyper::http::response;

use crate::link::{
    carrier::{Carrier, State},
    party::{Party, SlotParty},
};

impl Carrier {
    /// Makes `stream` an event stream that `slot` writes, behind `head` and its `first` lines.
    ///
    /// # Errors
    /// The stream is gone.
    pub(crate) fn begin_stream(
        &self,
        stream: StreamId,
        head: &response::Parts,
        first: Bytes,
        slot: SlotRef,
    ) -> Result<(), Gone> {
        let mut state = self.state.lock();
        if state.transport.is_none() {
            return Err(Gone);
        }
        state.h2.head(stream, head, false)?;
        let party = SlotParty { slot, first: Some(Box::new(first)), wants_room: false, is_over: false };
        state.parties.enter(stream, Party::Slot(party));
        self.go_on(&mut state, stream);
        self.send(&mut state);
        Ok(())
    }

    /// Frames as many bytes of `parts` as may leave. The first lines have left before.
    #[inline]
    pub(crate) fn poll_event(self: &Arc<Self>, stream: StreamId, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        let is_alone = state.h2.streams() == 1;
        if !is_alone {
            self.make_due(&mut state);
        }
        let written = self.write(&mut state, stream, parts);
        if is_alone {
            self.send(&mut state);
        }
        written.map_err(|Gone| io::ErrorKind::BrokenPipe.into())
    }

    /// Whether the first lines of the stream have left.
    pub(crate) fn has_begun(&self, stream: StreamId) -> bool {
        self.state.lock().parties.slot(stream).is_some_and(|slot| slot.first.is_none())
    }

    /// Whether the stream has ended, or was reset, or the connection is over.
    pub(crate) fn is_over(&self, stream: StreamId) -> bool {
        let mut state = self.state.lock();
        state.transport.is_none() || state.parties.slot(stream).is_none_or(|slot| slot.is_over)
    }

    /// The share of one stream of the bytes that are kept for the peer.
    pub(crate) fn kept_bytes(&self) -> usize {
        let state = self.state.lock();
        state.kept_bytes() / state.h2.streams().max(1)
    }

    /// Ends a stream whole. Its slot is woken, because there is nothing more to wait for.
    pub(crate) fn end_stream(self: &Arc<Self>, stream: StreamId) {
        let mut state = self.state.lock();
        // One that is gone is over already.
        let _ = state.h2.end(stream);
        if let Some(party) = state.parties.get(stream) {
            party.end(&*self.carriers.inbox);
        }
        self.give_room(&mut state);
        self.make_due(&mut state);
    }

    /// The slot has let go of its stream. One that has not ended is reset, so that it does not look whole.
    pub(crate) fn leave_stream(self: &Arc<Self>, stream: StreamId, is_whole: bool) {
        let mut state = self.state.lock();
        let is_over = state.parties.slot(stream).is_none_or(|slot| slot.is_over);
        state.parties.leave(stream);
        if !is_whole {
            state.h2.reset(stream, Reason::CANCEL);
        }
        let is_stuck = state.stuck_since.is_some_and(|since| since.elapsed() >= self.carriers.write_timeout);
        let is_useless = state.stuck_since.is_some() || state.parties.is_empty();
        if !is_over && (is_stuck || (is_useless && state.is_in_the_way())) {
            // All its streams stand, or there are none. What is kept for the peer is needed elsewhere at once.
            state.give_up();
        }
        self.give_room(&mut state);
        self.make_due(&mut state);
        // The connection may have nothing to do now.
        state.task.wake_by_ref();
    }

    fn make_due(self: &Arc<Self>, state: &mut State) {
        if !state.is_due {
            state.is_due = true;
            self.carriers.due.push(self);
        }
    }
}
