//! What the benches share: sockets that are no sockets, and a hub that is driven by hand.
//!
//! Everything here measures the engine alone; the kernel's part is the load generator's business.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    Channel, ClientId, Config, Event, Framing, Hub, Policy, Shard, Socket, Start, Subscribe, Turn, Wait,
};

/// A socket that takes everything, or nothing.
#[derive(Debug)]
pub struct NoSocket {
    /// Whether it is full.
    pub is_full: bool,
}

impl Socket for NoSocket {
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.is_full {
            return Poll::Pending;
        }
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn shut_write(&mut self) {}
}

/// A hub with one shard.
#[derive(Debug)]
pub struct Stage {
    hub: Arc<Hub<NoSocket>>,
    shard: Shard<NoSocket>,
}

impl Stage {
    /// With `slots` connections on the channel `bench`, whose sockets are all full or all not.
    pub fn new(slots: usize, is_full: bool) -> Self {
        let (hub, mut shards) = Hub::new(Config::default(), Box::new(|| 1));
        let mut stage = Self { hub, shard: shards.remove(0) };
        for number in 0..slots {
            let subscribed = stage.hub.subscribe(Subscribe {
                client: name(&format!("client-{number}")),
                channels: vec![channel()],
                start: Start::Now,
                policy: Policy::DropNewest,
                shard: 0,
                now_ms: 0,
            });
            let subscription = subscribed.unwrap_or_else(|_| unreachable!("there is no limit"));
            subscription.attach_socket(NoSocket { is_full }, Framing::Chunked, 0);
        }
        stage.settle();
        stage
    }

    /// Publishes one event; the shard has not taken it yet.
    pub fn publish(&self, event: Event) {
        let publish = std::pin::pin!(self.hub.publish(event, Wait::Journal));
        let answer = publish.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(answer, Poll::Ready(Ok(_))), "the inbox has room");
    }

    /// Lets the shard do all there is to do.
    pub fn settle(&mut self) {
        while self.shard.turn(0) == Turn::More {}
    }
}

/// The channel of [`Stage`].
pub fn channel() -> Channel {
    Channel::new("bench").unwrap_or_else(|_| unreachable!("a legal name"))
}

fn name(text: &str) -> ClientId {
    ClientId::new(text).unwrap_or_else(|_| unreachable!("a legal name"))
}
