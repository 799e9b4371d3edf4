//! [`Node`]: a hub behind the journal, on threads, without connections.

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
    time::{Duration, SystemTime},
};

use fanfare_core::{
    Channel, Event, EventId, Gap, PublishError, ReadLimit, Receipt, Retention, Retentions, Start, Target, Wait,
    engine::{Hub, Shard, Socket, Turn},
    journal::Journal as _,
};
use fanfare_redis::{Config, RedisJournal};

use crate::support::PATIENCE;

const EVERYTHING: ReadLimit = ReadLimit { messages_max: usize::MAX, bytes_max: usize::MAX };

/// A socket that never exists, because nobody is connected.
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

pub(crate) struct Node {
    pub(crate) hub: Arc<Hub<NoSocket>>,
    shard: Option<Shard<NoSocket>>,
    threads: Vec<JoinHandle<()>>,
}

/// A publish that was begun.
pub(crate) struct Publishing(mpsc::Receiver<Result<Receipt, PublishError>>);

impl Publishing {
    #[track_caller]
    pub(crate) fn wait(self) -> Result<Receipt, PublishError> {
        self.0.recv_timeout(PATIENCE).expect("an answer")
    }
}

/// Everything by default, and more time for an answer than a busy machine ever takes.
pub(crate) fn config(url: &str) -> Config {
    Config {
        address: url.parse().unwrap(),
        name: "fanfare".parse().unwrap(),
        events_max: 1_000_000,
        bytes_max: 1 << 30,
        timeout: PATIENCE,
        replicas: 0,
        subscribe: Vec::new(),
        message_bytes_max: 1 << 20,
        keys_max: 1_000,
        keys_ms: 600_000,
    }
}

pub(crate) fn channel() -> Channel {
    Channel::new("c").unwrap()
}

pub(crate) fn event(data: &str) -> Event {
    Event::new(Target::Channel(channel()), data)
}

#[track_caller]
pub(crate) fn id_of(answer: Result<Receipt, PublishError>) -> EventId {
    answer.unwrap().id
}

impl Node {
    pub(crate) fn start(config: Config) -> Self {
        let mut node = Self::paused(config);
        node.resume();
        node
    }

    /// A node that takes nothing from its inbox yet.
    pub(crate) fn paused(config: Config) -> Self {
        let each = Retention { events_max: 100_000, bytes_max: 1 << 30, ..Retention::default() };
        let history = Retentions { each, bytes_max: 1 << 30, ..Retentions::default() };
        let core = fanfare_core::Config { history, ..fanfare_core::Config::default() };
        let (hub, mut shards) = Hub::behind_journal(core, Box::new(unix_ms));
        let mut journal = Box::new(RedisJournal::new(config));
        journal.restore(hub.desk()).unwrap();
        let desk = Arc::clone(&hub);
        let thread = thread::spawn(move || journal.run(desk.desk()).unwrap());
        Self { hub, shard: shards.pop(), threads: vec![thread] }
    }

    /// From now on somebody does.
    pub(crate) fn resume(&mut self) {
        let Some(shard) = self.shard.take() else { return };
        self.threads.push(thread::spawn(move || drive(shard)));
    }

    /// Asks whether it has everything that is in the Stream now; told when it has.
    pub(crate) fn ask(&self) -> mpsc::Receiver<()> {
        let (sender, answer) = mpsc::channel();
        let hub = Arc::clone(&self.hub);
        thread::spawn(move || {
            block_on(hub.caught_up());
            // The test may be over.
            let _ = sender.send(());
        });
        answer
    }

    /// Publishes, and waits for the answer.
    #[track_caller]
    pub(crate) fn publish(&self, event: Event) -> Result<Receipt, PublishError> {
        self.begin(event).wait()
    }

    /// Begins to publish.
    pub(crate) fn begin(&self, event: Event) -> Publishing {
        let (sender, answer) = mpsc::channel();
        let hub = Arc::clone(&self.hub);
        thread::spawn(move || sender.send(block_on(hub.publish(event, Wait::Journal))));
        Publishing(answer)
    }

    /// Publishes all of these in their order, without waiting for each; the id of the last.
    #[track_caller]
    pub(crate) fn publish_all(&self, events: impl IntoIterator<Item = Event>) -> EventId {
        let begun: Vec<_> =
            events.into_iter().map(|event| block_on(self.hub.begin(event, None, Wait::Journal)).unwrap()).collect();
        begun.into_iter().map(|underway| id_of(block_on(underway.receipt()))).last().unwrap()
    }

    /// The data of the events in its history.
    pub(crate) fn data(&self) -> Vec<String> {
        let page = self.hub.history(&channel(), &Start::Earliest, EVERYTHING);
        page.messages.iter().map(|message| message.fields().data).collect()
    }

    /// The gap that a reader is told who had everything up to there.
    pub(crate) fn gap_after(&self, id: EventId) -> Option<Gap> {
        self.hub.history(&channel(), &Start::After(id), EVERYTHING).gap
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.resume();
        self.hub.drain();
        for thread in self.threads.drain(..) {
            // A thread that has panicked has failed its test already, or is the reason why the test ends.
            let _ = thread.join();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(thread::current()))));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}

/// Does what an owner of a shard does, until it has drained.
fn drive(mut shard: Shard<NoSocket>) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while !shard.is_drained() {
        shard.inbox().register(&Context::from_waker(&waker));
        while shard.turn(0) == Turn::More {}
        if shard.inbox().is_empty() && !shard.is_drained() {
            thread::park_timeout(Duration::from_millis(100));
        }
    }
}

fn unix_ms() -> u64 {
    u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}
