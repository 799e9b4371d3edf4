//! [`Streams`]: the open streams of a server by transport.

use std::{
    any::Any,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What carries a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// HTTP/1 without TLS.
    Http1,
    /// HTTP/1 over TLS.
    Https1,
    /// HTTP/2 without TLS.
    Http2,
    /// HTTP/2 over TLS.
    Https2,
    /// The program itself ([`crate::Handle::subscribe`]), or a server of the program's own ([`crate::Handle::answer`]).
    Program,
}

impl Transport {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Http1, Self::Https1, Self::Http2, Self::Https2, Self::Program];

    /// The name in figures and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Https1 => "https1",
            Self::Http2 => "http2",
            Self::Https2 => "https2",
            Self::Program => "program",
        }
    }
}

/// The streams of a server, each counted for its transport. Relaxed everywhere: figures for people.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    opened: [AtomicU64; Transport::ALL.len()],
    closed: [AtomicU64; Transport::ALL.len()],
}

impl Streams {
    /// A stream opens. It counts as open until the seat is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        transport: Transport,
        peer: Option<SocketAddr>,
        holder: Option<&str>,
        seats: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Arc<StreamSeat> {
        self.opened[transport as usize].fetch_add(1, Ordering::Relaxed);
        let holder = holder.map(Box::from);
        Arc::new(StreamSeat { streams: Arc::clone(self), transport, peer, holder, _seats: seats })
    }

    /// Streams that are open, and those that were opened since the start, by transport.
    pub(crate) fn counted(&self) -> [(Transport, u64, u64); Transport::ALL.len()] {
        Transport::ALL.map(|transport| {
            // In this order, so that the difference is not below zero.
            let closed = self.closed[transport as usize].load(Ordering::Acquire);
            let opened = self.opened[transport as usize].load(Ordering::Acquire);
            (transport, opened.saturating_sub(closed), opened)
        })
    }
}

/// One stream, for as long as it is open, and what an operator may know of it.
#[derive(Debug)]
pub(crate) struct StreamSeat {
    streams: Arc<Streams>,
    pub(crate) transport: Transport,
    /// The address of the client. None for a stream of the program.
    pub(crate) peer: Option<SocketAddr>,
    /// The name of the grant.
    pub(crate) holder: Option<Box<str>>,
    /// What the stream holds besides, until it ends.
    _seats: Option<Arc<dyn Any + Send + Sync>>,
}

impl Drop for StreamSeat {
    fn drop(&mut self) {
        self.streams.closed[self.transport as usize].fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_counts_for_its_transport_until_it_ends() {
        let streams = Arc::<Streams>::default();
        let first = streams.enter(Transport::Https2, None, Some("ann"), None);
        let _second = streams.enter(Transport::Https2, None, None, None);
        let counted =
            |streams: &Streams| streams.counted().into_iter().filter(|(_, _, opened)| *opened > 0).collect::<Vec<_>>();
        assert_eq!(counted(&streams), [(Transport::Https2, 2, 2)]);
        drop(first);
        assert_eq!(counted(&streams), [(Transport::Https2, 1, 2)]);
    }
}
