//! [`Room`]: the bytes that requests, or answers, may hold together. [`Share`]: the bytes of one of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::limits::holdings::Holdings;

/// A count of bytes and its limit. Relaxed everywhere: nothing else is read because of it.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: AtomicUsize,
    bytes_max: AtomicUsize,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max: AtomicUsize::new(bytes_max) })
    }

    /// Sets another limit. What is held stays.
    pub(crate) fn set_bytes_max(&self, bytes_max: usize) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    fn bytes_max(&self) -> usize {
        self.bytes_max.load(Ordering::Relaxed)
    }

    /// Whether more than half of the room is taken.
    pub(crate) fn is_short(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.bytes_max() / 2
    }

    /// An empty share, for a request of `connection`.
    pub(crate) fn share_for(self: &Arc<Self>, connection: &Arc<Holdings>) -> Share {
        Share { room: Arc::clone(self), connection: Arc::clone(connection), bytes: 0 }
    }
}

/// Bytes of one request or answer, which are given back when the share is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    connection: Arc<Holdings>,
    bytes: usize,
}

impl Share {
    /// Whether no other share holds anything. False in a room without space.
    fn is_alone(&self) -> bool {
        self.room.bytes_max() > 0 && self.room.bytes.load(Ordering::Relaxed) == self.bytes
    }

    /// Adds `bytes`. False if all shares together are more than the room, or if several requests of the connection hold more
    /// than they leave to others.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.connection.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.room.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.fits()
    }

    /// The result of [`Share::add`], as of now.
    pub(crate) fn fits(&self) -> bool {
        self.room.bytes.load(Ordering::Relaxed) <= self.room.bytes_max() && !self.is_too_much_for_connection()
    }

    /// Whether several requests of the connection hold more than they leave to others.
    pub(crate) fn is_too_much_for_connection(&self) -> bool {
        let of_connection = self.connection.bytes.load(Ordering::Relaxed);
        let left = self.room.bytes_max().saturating_sub(self.room.bytes.load(Ordering::Relaxed));
        of_connection > self.bytes && of_connection > left
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `bytes` and no more. False as for [`Share::add`], except that a share alone in the room may hold all it needs.
    pub(crate) fn set_to(&mut self, bytes: usize) -> bool {
        self.set(bytes);
        self.add(bytes - self.bytes) || self.is_alone()
    }

    /// Gives back whatever is held beyond `bytes`.
    pub(crate) fn set(&mut self, bytes: usize) {
        let gone = self.bytes.saturating_sub(bytes);
        self.bytes -= gone;
        self.connection.bytes.fetch_sub(gone, Ordering::Relaxed);
        self.room.bytes.fetch_sub(gone, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_the_limit_and_not_one_byte_more() {
        let room = Room::new(10);
        let hold = || room.share_for(&Arc::default());
        let (mut one, mut other) = (hold(), hold());
        assert!(one.add(4) && other.add(6) && room.is_short());
        assert!(!one.add(1));
        one.set(0);
        assert!(other.add(4));
        drop((one, other));
        assert!(!room.is_short() && hold().add(10));
    }

    #[test]
    fn several_requests_of_a_connection_have_half_and_not_one_byte_more() {
        let (room, connection) = (Room::new(10), Arc::default());
        let (mut one, mut other) = (room.share_for(&connection), room.share_for(&connection));
        assert!(one.add(3) && other.add(2));
        assert!(!other.add(1));
        other.set(2);
        let mut elsewhere = room.share_for(&Arc::default());
        assert!(elsewhere.add(5));
        drop((other, elsewhere));
        assert!(one.add(7), "one request alone may have all");
    }

    #[test]
    fn the_only_one_may_have_more_than_there_is() {
        let room = Room::new(10);
        let (mut one, mut other) = (room.share_for(&Arc::default()), room.share_for(&Arc::default()));
        assert!(one.set_to(11) && one.set_to(5));
        assert!(other.set_to(5) && !other.set_to(6) && other.set_to(0));
        assert!(!Room::new(0).share_for(&Arc::default()).set_to(1), "where there is no room at all");
    }

    #[test]
    fn the_limit_can_change_and_what_is_held_stays() {
        let room = Room::new(10);
        let (mut one, mut other) = (room.share_for(&Arc::default()), room.share_for(&Arc::default()));
        assert!(one.add(8));
        room.set_bytes_max(7);
        assert!(!other.add(1) && one.bytes() == 8);
        other.set(0);
        room.set_bytes_max(9);
        assert!(other.add(1) && !other.add(1));
    }
}
