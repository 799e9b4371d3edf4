//! [`H2Streams`]: the open event streams over HTTP/2, and their limit. They need no descriptor of their own, so memory bounds them,
//! and one connection must leave some to the others.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fanfare_callers::{Caller, Seat};

use crate::limits::holdings::Holdings;

/// The event streams over HTTP/2 of a server.
#[derive(Debug)]
pub(crate) struct H2Streams {
    // Relaxed everywhere: nothing else is read because of it.
    open: AtomicUsize,
    max: AtomicUsize,
}

impl H2Streams {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), max: AtomicUsize::new(max) })
    }

    /// Sets another limit. Streams that are open stay.
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// Number of streams that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts one stream more of `connection`. `None` if all are taken, or if the connection has as many as are left for others:
    /// one connection can have half of all, two a third each, and one that has none can always have one. `left` is the number
    /// of streams that other limits leave.
    pub(crate) fn enter(
        self: &Arc<Self>,
        connection: &Arc<Holdings>,
        left: usize,
        caller: Seat<Caller>,
    ) -> Option<H2Seat> {
        let counted = |open: usize| {
            let free = self.max.load(Ordering::Relaxed).saturating_sub(open).min(left);
            (connection.streams.load(Ordering::Relaxed) < free).then_some(open + 1)
        };
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).ok()?;
        connection.streams.fetch_add(1, Ordering::Relaxed);
        Some(H2Seat { streams: Arc::clone(self), connection: Arc::clone(connection), _caller: caller })
    }
}

/// One stream, counted until the seat is dropped.
#[derive(Debug)]
pub(crate) struct H2Seat {
    streams: Arc<H2Streams>,
    connection: Arc<Holdings>,
    /// The seat among the streams of the client's address.
    _caller: Seat<Caller>,
}

impl Drop for H2Seat {
    fn drop(&mut self) {
        self.connection.streams.fetch_sub(1, Ordering::Relaxed);
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use fanfare_callers::{Callers, Holding, Limits};

    use super::*;

    /// The seat of somebody who is not limited.
    fn seat() -> Seat<Caller> {
        Callers::new(&Limits::NONE, &Limits::NONE, 1).proxy().enter(Holding::Stream).unwrap()
    }

    #[test]
    fn all_together_have_the_limit_and_one_connection_no_more_than_it_leaves() {
        let streams = H2Streams::new(8);
        let connections: Vec<_> = (0..8).map(|_| Arc::new(Holdings::default())).collect();
        let take =
            |at: usize| std::iter::from_fn(|| streams.enter(&connections[at], usize::MAX, seat())).collect::<Vec<_>>();
        let one = take(0);
        assert_eq!(one.len(), 4);
        let others: Vec<_> = (1..5).map(take).collect();
        assert_eq!(others.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 0]);
        assert_eq!(streams.open(), 8);
        drop(one);
        assert_eq!(take(5).len(), 2);
    }

    #[test]
    fn what_is_left_of_all_streams_counts_as_well() {
        let (streams, connection) = (H2Streams::new(8), Arc::new(Holdings::default()));
        assert!(streams.enter(&connection, 0, seat()).is_none());
        let _seat = streams.enter(&connection, 1, seat()).unwrap();
        assert!(streams.enter(&connection, 1, seat()).is_none());
        assert!(streams.enter(&connection, 2, seat()).is_some());
    }
}
