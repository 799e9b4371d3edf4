//! [`Kit`]: a hub with its shards and clocks in one hand, for tests of one behaviour each.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    Channel, ClientId, Config, Event, EventId, Form, Heartbeat, Message, Policy, PublishError, Receipt, Start, Target,
    Wait,
    engine::{Closed, Feed, Framing, Hub, Notice, ReadRequest, Shard, Subscribe, Subscription, Turn, UnixClock},
    journal::{Refusal, Settled, Submission},
};

use super::{CURSOR, Chunks, Dispatched, GAP, Judge, Link, MockSocket, Told};

pub(crate) type PublishFuture = Pin<Box<dyn Future<Output = Result<Receipt, PublishError>> + Send>>;

pub(crate) fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

pub(crate) fn client(name: &str) -> ClientId {
    ClientId::new(name).unwrap()
}

pub(crate) fn all(data: &str) -> Event {
    Event::new(Target::All, data)
}

pub(crate) fn to_channel(name: &str, data: &str) -> Event {
    Event::new(Target::Channel(channel(name)), data)
}

pub(crate) fn to_client(name: &str, data: &str) -> Event {
    Event::new(Target::Client(client(name)), data)
}

/// A hub and all that drives it.
pub(crate) struct Kit {
    pub(crate) hub: Arc<Hub<MockSocket>>,
    pub(crate) shards: Vec<Shard<MockSocket>>,
    /// Monotonic time.
    pub(crate) now_ms: u64,
    /// Unix time. It may step back.
    pub(crate) unix_ms: Arc<AtomicU64>,
    notices: Vec<Notice>,
}

impl Kit {
    pub(crate) fn new(config: Config) -> Self {
        Self::with(|clock| Hub::new(config, clock))
    }

    /// A kit whose test gives the order of events.
    pub(crate) fn behind_journal(config: Config) -> Self {
        Self::with(|clock| Hub::behind_journal(config, clock))
    }

    fn with(new: impl FnOnce(UnixClock) -> (Arc<Hub<MockSocket>>, Vec<Shard<MockSocket>>)) -> Self {
        let unix_ms = Arc::new(AtomicU64::new(1_000));
        let clock = Arc::clone(&unix_ms);
        let (hub, shards) = new(Box::new(move || clock.load(Ordering::Relaxed)));
        Self { hub, shards, now_ms: 0, unix_ms, notices: Vec::new() }
    }

    pub(crate) fn publishing(&self, event: Event, wait: Wait) -> PublishFuture {
        let hub = Arc::clone(&self.hub);
        Box::pin(async move { hub.publish(event, wait).await })
    }

    /// Publishes an event. There must be room.
    pub(crate) fn publish(&self, event: Event) -> Receipt {
        match poll(&mut self.publishing(event, Wait::Journal)) {
            Poll::Ready(receipt) => receipt.unwrap(),
            Poll::Pending => panic!("the inbox has no room"),
        }
    }

    /// Settles all of them. None may need room.
    pub(crate) fn settle_all(&self, settled: impl IntoIterator<Item = Settled>) {
        let mut settled: VecDeque<_> = settled.into_iter().collect();
        self.hub.desk().settle(&mut settled, &Context::from_waker(Waker::noop()));
        assert!(settled.is_empty());
    }

    pub(crate) fn commit(&self, group: impl IntoIterator<Item = (EventId, Submission)>) {
        self.settle_all(group.into_iter().map(|(id, submission)| Settled::Own(id, submission)));
    }

    pub(crate) fn refuse(&self, group: Vec<Submission>, refusal: Refusal) {
        self.settle_all(group.into_iter().map(|submission| Settled::Refused(submission, refusal)));
    }

    /// Publishes one event to all for each word of `text`.
    pub(crate) fn say(&self, text: &str) {
        for word in text.split_whitespace() {
            self.publish(all(word));
        }
    }

    /// A connection of client `u`, with its head not out yet.
    pub(crate) fn subscribe(&self, channels: &[&str]) -> Subscription<MockSocket> {
        self.subscribe_as("u", channels, Start::Now, Policy::DropNewest)
    }

    pub(crate) fn subscribe_as(
        &self,
        name: &str,
        channels: &[&str],
        start: Start,
        policy: Policy,
    ) -> Subscription<MockSocket> {
        let wishes = Subscribe { client: client(name), start, policy, ..self.wishes(channels) };
        self.hub.subscribe(wishes).unwrap()
    }

    /// The wishes of client `u`.
    pub(crate) fn wishes(&self, channels: &[&str]) -> Subscribe {
        Subscribe {
            client: client("u"),
            channels: channels.iter().map(|name| channel(name)).collect(),
            patterns: Vec::new(),
            start: Start::Now,
            policy: Policy::DropNewest,
            heartbeat: Heartbeat::Comment,
            form: Form::Plain,
            shard: 0,
            now_ms: self.now_ms,
            expires_ms: None,
            catching_up: None,
            held: None,
        }
    }

    pub(crate) fn attach(&self, subscription: Subscription<MockSocket>, framing: Framing, room: usize) -> Link {
        let (socket, link) = Link::new(Arc::clone(self.hub.inbox(0)), subscription.slot(), room);
        subscription.attach_socket(socket, framing, 0);
        link
    }

    /// A live connection of client `u` that takes `room` bytes.
    pub(crate) fn connect(&mut self, policy: Policy, room: usize) -> Link {
        let subscription = self.subscribe_as("u", &[], Start::Now, policy);
        let link = self.attach(subscription, Framing::Chunked, room);
        self.run();
        link
    }

    /// Drives every shard until it is idle. The shards' questions to the journal are answered here only during a pause.
    pub(crate) fn run(&mut self) {
        for shard in &mut self.shards {
            for turns in 0.. {
                assert!(turns < 100_000, "a shard that never comes to rest");
                match shard.turn(self.now_ms) {
                    Turn::More => {}
                    Turn::Paused { until_ms } => {
                        let reads = shard.take_reads();
                        self.now_ms = if reads.is_empty() { until_ms } else { self.now_ms };
                        reads.into_iter().for_each(|request| self.hub.read(request));
                    }
                    Turn::Idle => break,
                }
            }
        }
    }

    pub(crate) fn turn(&mut self) -> Turn {
        self.shards[0].turn(self.now_ms)
    }

    /// Sweeps every slot once at `now_ms`.
    pub(crate) fn sweep_at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        for shard in &mut self.shards {
            (0..fanfare_core::engine::SWEEP_TICKS).for_each(|_| shard.sweep(now_ms));
        }
    }

    pub(crate) fn reads(&mut self) -> Vec<ReadRequest> {
        self.shards.iter_mut().flat_map(Shard::take_reads).collect()
    }

    /// Answers the shards' questions to the journal. Returns their number.
    pub(crate) fn answer(&mut self) -> usize {
        let reads = self.reads();
        let count = reads.len();
        reads.into_iter().for_each(|request| self.hub.read(request));
        count
    }

    /// Runs and answers until no question is left.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.run();
            if self.answer() == 0 {
                return;
            }
        }
        panic!("it asks the journal again and again");
    }

    /// Notices since the last call.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        self.shards.iter_mut().flat_map(Shard::take_notices).collect()
    }

    /// Connections that closed since the last call.
    pub(crate) fn closed(&mut self) -> Vec<Closed> {
        let closed = |notice| match notice {
            Notice::Closed(closed) => Some(closed),
            Notice::Busy { .. } => None,
        };
        self.notices().into_iter().filter_map(closed).collect()
    }
}

/// Polls a future once.
pub(crate) fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Data of all events that the client of `link` has received, whole and chunked, without gaps.
pub(crate) fn data_of(link: &Link) -> Vec<String> {
    events_of(link)
        .into_iter()
        .filter(|event| ![GAP, CURSOR].contains(&event.kind.as_str()))
        .map(|event| event.data)
        .collect()
}

/// The gaps that the client of `link` has received.
pub(crate) fn told_to(link: &Link) -> Vec<Told> {
    events_of(link).iter().filter(|event| event.kind == GAP).map(|event| Told::parse(&event.data)).collect()
}

/// All events that the client of `link` has received, whole and chunked, with gaps.
pub(crate) fn events_of(link: &Link) -> Vec<Dispatched> {
    let mut judge = Judge::default();
    Chunks::default().feed(&link.out()).into_iter().flat_map(|payload| judge.feed(&payload)).collect()
}

/// The messages that wait in `feed`.
pub(crate) fn taken(feed: &mut Feed<MockSocket>) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Poll::Ready(Some(Ok(message))) = feed.poll_next(&mut Context::from_waker(Waker::noop())) {
        messages.push(message.whole());
    }
    messages
}

/// Data of the one event in `message`. Empty for a control line.
pub(crate) fn data_in(message: &Message) -> String {
    Judge::default().feed(message.sse()).into_iter().map(|event| event.data).collect()
}
