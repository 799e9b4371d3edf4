//! [`Room`]: the agreement between the writing thread and the one that gives space back while a disk is full.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::{Mutex, MutexGuard};

use crate::reserve::Reserve;

/// State of a full disk, shared by both threads.
#[derive(Debug)]
pub(crate) struct Room {
    /// Locked by the thread that may take room, also room that has just become free.
    turn: Mutex<Reserve>,
    is_full: AtomicBool,
}

impl Room {
    pub(crate) fn new(reserve: Reserve) -> Self {
        Self { turn: Mutex::new(reserve), is_full: AtomicBool::new(false) }
    }

    /// Takes the turn. Until the guard is dropped, no other thread takes room on the disk.
    pub(crate) fn take_turn(&self) -> MutexGuard<'_, Reserve> {
        self.turn.lock()
    }

    /// Whether the last write found no room.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: a reader who looks too early looks again a second later.
        self.is_full.load(Ordering::Relaxed)
    }

    pub(crate) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}

/// Whether an error says that there is no room, for anybody or for this user.
pub(crate) fn is_about_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
