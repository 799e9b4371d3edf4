//! Models: the real code of what threads share, run by loom in every interleaving that the memory model allows. Each
//! is two or three threads and a handful of messages; a thread that waits for ever fails it. See `sync/standin.rs`.
//!
//! `RUSTFLAGS='--cfg loom' cargo test --profile loom -p fanfare-core --lib --target-dir target/loom models::`

mod charged;
mod desk;
mod gate;
mod inbox;
mod life;
mod milestone;
mod port;
mod tally;

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use loom::sync::Notify;

use crate::{
    config::Config,
    event::{Event, budget::RingBudget, draft::Draft, event_id::EventId, message::Message, target::Target},
    hub::Hub,
    queue::{inbox::SlotRef, outlet::Socket},
    shard::Shard,
};

pub(crate) const SLOT: SlotRef = SlotRef { index: 0, connection: 1 };

/// No model writes to a socket.
#[derive(Debug)]
pub(crate) struct NoSocket(Infallible);

impl Socket for NoSocket {
    fn poll_write(&mut self, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn shut_write(&mut self) {
        match self.0 {}
    }
}

pub(crate) fn budget() -> Arc<RingBudget> {
    Arc::new(RingBudget::new(usize::MAX))
}

/// A hub of one shard whose inbox takes one publish.
pub(crate) fn hub() -> (Arc<Hub<NoSocket>>, Shard<NoSocket>) {
    let config = Config { inbox_messages_max: 1, ..Config::default() };
    let (hub, mut shards) = Hub::new(config, Box::new(|| 1));
    (hub, shards.remove(0))
}

pub(crate) fn event() -> Event {
    Event::new(Target::All, "x")
}

pub(crate) fn id(n: u64) -> EventId {
    EventId::new(1, n)
}

pub(crate) fn message(n: u64, budget: &Arc<RingBudget>) -> Message {
    Draft::new(event(), Arc::clone(budget)).finish(id(n))
}

/// As [`loom::model`], for what has too many interleavings: those in which threads are interrupted so many times, but
/// for their own waits.
pub(crate) fn bounded(interruptions_max: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions_max);
    builder.check(model);
}

/// A thread of its own that sleeps until it is woken, as a task does.
#[derive(Default)]
struct Sleeper(Arc<Alarm>);

#[derive(Default)]
struct Alarm(Notify);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

impl Sleeper {
    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    fn sleep(&self) {
        self.0.0.wait();
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (mut future, sleeper) = (pin!(future), Sleeper::default());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&sleeper.waker())) {
            return value;
        }
        sleeper.sleep();
    }
}
