//! [`H2Streams`]: how many event streams are open over HTTP/2, and how many may be. They need no descriptor of their own, so
//! memory bounds them, and a connection may not take the places of all others.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::handoff::Handoff;

/// All of a server.
#[derive(Debug)]
pub(crate) struct H2Streams {
    // Relaxed everywhere: nothing else is read because of it.
    open: AtomicUsize,
    max: usize,
}

impl H2Streams {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), max })
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A place for one stream more of `connection`, unless all are taken, or it has as many as are left for others: one
    /// connection can take half of all, two a third each, and there is always a place for one that has none. `left` is how many
    /// there may be for other reasons.
    pub(crate) fn enter(self: &Arc<Self>, connection: &Arc<Handoff>, left: usize) -> Option<H2Place> {
        let counted = |open: usize| {
            let free = self.max.saturating_sub(open).min(left);
            (connection.h2_streams() < free).then_some(open + 1)
        };
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).ok()?;
        connection.add_h2_stream();
        Some(H2Place { streams: Arc::clone(self), connection: Arc::clone(connection) })
    }
}

/// One stream counted, for as long as this lives.
#[derive(Debug)]
pub(crate) struct H2Place {
    streams: Arc<H2Streams>,
    connection: Arc<Handoff>,
}

impl Drop for H2Place {
    fn drop(&mut self) {
        self.connection.remove_h2_stream();
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_the_limit_and_one_connection_no_more_than_it_leaves() {
        let streams = H2Streams::new(8);
        let connections: Vec<_> = (0..8).map(|_| Arc::new(Handoff::default())).collect();
        let take = |at: usize| std::iter::from_fn(|| streams.enter(&connections[at], usize::MAX)).collect::<Vec<_>>();
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
        let (streams, connection) = (H2Streams::new(8), Arc::new(Handoff::default()));
        assert!(streams.enter(&connection, 0).is_none());
        let _place = streams.enter(&connection, 1).unwrap();
        assert!(streams.enter(&connection, 1).is_none());
        assert!(streams.enter(&connection, 2).is_some());
    }
}
