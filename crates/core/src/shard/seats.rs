//! [`Seats`]: the seats of connections that catch up. Each is dropped once its connection has caught up.

use std::collections::HashMap;

use crate::queue::subscriber::Seat;

/// The seats by connection. A connection without a seat has no entry.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// The seats of connections that have yet to catch up with what was kept when they came.
    catching_up: HashMap<u64, Seat>,
}

impl Seats {
    /// Keeps the seat of a new connection.
    pub(super) fn enter(&mut self, connection: u64, catching_up: Option<Seat>) {
        self.catching_up.extend(catching_up.map(|seat| (connection, seat)));
    }

    /// The connection has caught up.
    pub(super) fn caught_up(&mut self, connection: u64) {
        if !self.catching_up.is_empty() {
            self.catching_up.remove(&connection);
        }
    }

    /// The connection has ended.
    pub(super) fn leave(&mut self, connection: u64) {
        self.caught_up(connection);
    }
}
