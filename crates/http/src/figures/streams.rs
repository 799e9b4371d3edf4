//! [`Streams`]: the open streams of a server by transport.

use std::{
    any::Any,
    net::{IpAddr, Ipv6Addr, SocketAddr},
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
        let more = (holder.is_some() || seats.is_some())
            .then(|| Box::new(More { holder: holder.map(Box::from), _seats: seats }));
        Arc::new(StreamSeat { streams: Arc::clone(self), more, peer: peer.map(Address::from), transport })
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

/// One stream, for as long as it is open, and what an operator may know of it. Each idle stream has one, so it is small.
#[derive(Debug)]
pub(crate) struct StreamSeat {
    streams: Arc<Streams>,
    more: Option<Box<More>>,
    peer: Option<Address>,
    pub(crate) transport: Transport,
}

/// What few streams have.
#[derive(Debug)]
struct More {
    /// The name of the grant.
    holder: Option<Box<str>>,
    /// What the stream holds until it ends.
    _seats: Option<Arc<dyn Any + Send + Sync>>,
}

/// An address and a port in 18 bytes, where a [`SocketAddr`] has 32. Without a flow and a scope.
#[derive(Clone, Copy, Debug)]
struct Address {
    ip: Ipv6Addr,
    port: u16,
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        Self { ip, port: address.port() }
    }
}

impl StreamSeat {
    /// The address of the client. None for a stream of the program.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer.map(|Address { ip, port }| SocketAddr::new(ip.to_canonical(), port))
    }

    /// The name of the grant.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.more.as_ref()?.holder.as_deref()
    }
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
    fn an_address_comes_out_as_it_went_in() {
        let streams = Arc::<Streams>::default();
        for peer in ["192.0.2.7:65535", "[2001:db8::7]:80", "127.0.0.1:1"] {
            let seat = streams.enter(Transport::Http1, Some(peer.parse().unwrap()), None, None);
            assert_eq!(seat.peer().unwrap().to_string(), peer);
        }
        assert_eq!(streams.enter(Transport::Program, None, None, None).peer(), None);
    }

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
