//! [`Room`]: how many bytes requests, or answers, may hold together; [`Held`]: those of one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A count of bytes and its limit. Relaxed everywhere: nothing else is read because of it.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max })
    }

    /// Whether more than half of it is taken.
    pub(crate) fn is_short(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.bytes_max / 2
    }

    /// Takes none yet.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { room: Arc::clone(self), bytes: 0 }
    }
}

/// Bytes that are given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Held {
    /// Whether nobody else holds anything of a room that there is.
    pub(crate) fn is_alone(&self) -> bool {
        self.room.bytes_max > 0 && self.room.bytes.load(Ordering::Relaxed) == self.bytes
    }

    /// Adds `bytes`; false if that is more than all may have together.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let before = self.room.bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= self.room.bytes_max
    }

    /// Only `bytes` are left of what was added.
    pub(crate) fn set(&mut self, bytes: usize) {
        let gone = self.bytes.saturating_sub(bytes);
        self.bytes -= gone;
        self.room.bytes.fetch_sub(gone, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_the_limit_and_not_one_byte_more() {
        let room = Room::new(10);
        let (mut one, mut other) = (room.hold(), room.hold());
        assert!(one.add(4) && other.add(6) && room.is_short());
        assert!(!one.add(1));
        one.set(0);
        assert!(other.add(4));
        drop((one, other));
        assert!(!room.is_short() && room.hold().add(10));
    }
}
