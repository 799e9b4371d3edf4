//! [`Party`]: who has a stream of an HTTP/2 connection: the slot of an event stream, or the exchange of a request and its answer.

use std::{collections::VecDeque, fmt::Debug, mem, task::Waker};

use bytes::Bytes;
use fanfare_core::engine::SlotRef;
use fanfare_h2::StreamId;

/// The inbox of the shard that has the slots. Its type has that of the socket in it, which has a stream, which has parties.
pub(crate) trait WakeSlot: Debug + Send + Sync {
    /// The outlet of a slot may go on.
    fn wake_slot(&self, slot: SlotRef);
}

/// Who has a stream.
#[derive(Debug)]
pub(crate) enum Party {
    Slot(SlotParty),
    Exchange(Box<Exchange>),
}

/// A slot, which writes the events of a stream.
#[derive(Debug)]
pub(crate) struct SlotParty {
    pub(crate) slot: SlotRef,
    /// The first lines of the stream, while the peer's window has no room for them.
    pub(crate) first: Option<Box<Bytes>>,
    /// The slot was refused because the connection had too much to send.
    pub(crate) wants_room: bool,
    /// The stream has ended, or was reset.
    pub(crate) is_over: bool,
}

/// A request whose body comes in, and whose answer goes out.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// What has come of the body and was not taken.
    pub(crate) data: VecDeque<Bytes>,
    /// The whole body has come.
    pub(crate) is_whole: bool,
    /// The stream was reset.
    pub(crate) is_over: bool,
    pub(crate) wants_room: bool,
    /// Who reads the body.
    pub(crate) reader: Option<Waker>,
    /// Who writes the answer.
    pub(crate) writer: Option<Waker>,
}

/// The parties of one connection, by their streams.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    all: Vec<(StreamId, Party)>,
    /// The place of the one that was woken first for room.
    turn: usize,
}

impl Parties {
    pub(crate) fn enter(&mut self, stream: StreamId, party: Party) {
        match self.place(stream) {
            Ok(at) => self.all[at].1 = party,
            Err(at) => {
                // Room for few at a time: most connections have one stream.
                if self.all.len() == self.all.capacity() {
                    self.all.reserve_exact(self.all.len().max(1));
                }
                self.all.insert(at, (stream, party));
            }
        }
    }

    pub(crate) fn leave(&mut self, stream: StreamId) {
        if let Ok(at) = self.place(stream) {
            self.all.remove(at);
        }
        if self.all.len() < self.all.capacity() / 4 {
            self.all.shrink_to(self.all.len() * 2);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one of the streams is an event stream.
    pub(crate) fn has_slot(&self) -> bool {
        self.all.iter().any(|(_, party)| matches!(party, Party::Slot(_)))
    }

    pub(crate) fn get(&mut self, stream: StreamId) -> Option<&mut Party> {
        self.place(stream).ok().map(|at| &mut self.all[at].1)
    }

    pub(crate) fn slot(&mut self, stream: StreamId) -> Option<&mut SlotParty> {
        match self.get(stream)? {
            Party::Slot(slot) => Some(slot),
            Party::Exchange(_) => None,
        }
    }

    pub(crate) fn exchange(&mut self, stream: StreamId) -> Option<&mut Exchange> {
        match self.get(stream)? {
            Party::Slot(_) => None,
            Party::Exchange(exchange) => Some(exchange),
        }
    }

    /// Wakes all who were refused because the connection had too much to send. Each time another one comes first, because the first may
    /// take all the room.
    pub(crate) fn wake_for_room(&mut self, inbox: &dyn WakeSlot) {
        let turn = if self.turn + 1 < self.all.len() { self.turn + 1 } else { 0 };
        self.turn = turn;
        let (before, after) = self.all.split_at_mut(turn);
        for (_, party) in after.iter_mut().chain(before) {
            if mem::take(party.wants_room()) {
                party.go_on(inbox);
            }
        }
    }

    /// Tells all that their streams are over.
    pub(crate) fn end_all(&mut self, inbox: &dyn WakeSlot) {
        for (_, party) in &mut self.all {
            party.end(inbox);
        }
    }

    fn place(&self, stream: StreamId) -> Result<usize, usize> {
        self.all.binary_search_by_key(&stream, |(stream, _)| *stream)
    }
}

impl Party {
    /// The party was refused because the connection has too much to send. It is woken when there is room.
    pub(crate) fn wait_for_room(&mut self) {
        *self.wants_room() = true;
    }

    fn wants_room(&mut self) -> &mut bool {
        match self {
            Self::Slot(slot) => &mut slot.wants_room,
            Self::Exchange(exchange) => &mut exchange.wants_room,
        }
    }

    /// The party may write again.
    fn go_on(&mut self, inbox: &dyn WakeSlot) {
        match self {
            Self::Slot(slot) => inbox.wake_slot(slot.slot),
            Self::Exchange(exchange) => exchange.wake_writer(),
        }
    }

    /// The stream is over.
    pub(crate) fn end(&mut self, inbox: &dyn WakeSlot) {
        match self {
            Self::Slot(slot) => {
                slot.is_over = true;
                inbox.wake_slot(slot.slot);
            }
            Self::Exchange(exchange) => {
                exchange.is_over = true;
                exchange.wake_reader();
                exchange.wake_writer();
            }
        }
    }
}

impl Exchange {
    pub(crate) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    pub(crate) fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}
