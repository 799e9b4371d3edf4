//! [`Seat`]: one connection counted for its shard. The counts show which shard has the fewest.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fanfare_callers::Caller;

use crate::limits::sockets::SocketSeat;

/// The connections of one shard. Relaxed everywhere: only evenness depends on the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(Arc<AtomicUsize>);

impl Seats {
    /// Number of seats that are taken.
    pub(crate) fn taken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes a seat for a connection. `socket` is `None` for a connection that another server has accepted.
    pub(crate) fn take(&self, socket: Option<SocketSeat>) -> Seat {
        self.0.fetch_add(1, Ordering::Relaxed);
        Seat { _shard: ShardSeat(self.clone()), socket }
    }
}

/// One connection, counted for its shard and among the sockets until the seat is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    _shard: ShardSeat,
    socket: Option<SocketSeat>,
}

impl Seat {
    /// The socket counts for its caller too.
    pub(crate) fn count_for(&mut self, caller: fanfare_callers::Seat<Caller>) {
        if let Some(socket) = &mut self.socket {
            socket.count_for(caller);
        }
    }
}

#[derive(Debug)]
struct ShardSeat(Seats);

impl Drop for ShardSeat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
