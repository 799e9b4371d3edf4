//! The open streams of a connection, by number. A new one always has the highest number, so it goes to the end.

use crate::{
    event::StreamId,
    window::{ReceiveWindow, SendWindow},
};

/// An open stream. Its response is not whole, for with the end of the response the stream goes.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// What the peer takes of the response at the moment.
    pub(crate) window: SendWindow,
    /// Bytes of the response that the peer has not returned.
    pub(crate) in_flight: u32,
    pub(crate) receive: ReceiveWindow,
    /// Bytes of the body that nobody has used.
    pub(crate) untaken: u32,
    /// Bytes that are to come by Content-Length, or [`ANY_LENGTH`].
    pub(crate) body_bytes: u64,
    /// Whether the request is whole.
    pub(crate) is_whole: bool,
    /// Whether the head of the response has left.
    pub(crate) is_answered: bool,
    /// Whether a write was refused, and no room was announced since.
    pub(crate) is_waiting: bool,
}

/// There is no Content-Length.
pub(crate) const ANY_LENGTH: u64 = u64::MAX;

/// All open streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Vec<Stream>,
    /// The place of the stream behind the one that was asked for last: streams are written to in turn.
    next: usize,
}

impl Streams {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        let place = self.place(id)?;
        self.open.get_mut(place)
    }

    /// Adds a stream. Its number is higher than that of all others. Room is made for few at a time: most connections have one.
    pub(crate) fn add(&mut self, stream: Stream) {
        if self.open.len() == self.open.capacity() {
            self.open.reserve_exact(self.open.len().max(1));
        }
        self.open.push(stream);
    }

    /// Removes a stream, and gives back memory once most of it is unused.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<Stream> {
        let place = self.place(id)?;
        let stream = self.open.remove(place);
        if self.open.len() <= self.open.capacity() / 4 {
            self.open.shrink_to(self.open.len() * 2);
        }
        Some(stream)
    }

    #[cfg(test)]
    pub(crate) fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Stream>()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.open.iter_mut()
    }

    /// All streams, beginning with the first one after `turn`.
    pub(crate) fn after_mut(&mut self, turn: u32) -> impl Iterator<Item = &mut Stream> {
        let place = self.open.partition_point(|stream| stream.id.get() <= turn);
        let (before, after) = self.open.split_at_mut(place);
        after.iter_mut().chain(before)
    }

    fn place(&mut self, id: StreamId) -> Option<usize> {
        let is_next = self.open.get(self.next).is_some_and(|stream| stream.id == id);
        let place = if is_next { self.next } else { self.open.binary_search_by_key(&id, |stream| stream.id).ok()? };
        self.next = if place + 1 < self.open.len() { place + 1 } else { 0 };
        Some(place)
    }
}
