//! [`Stage`]: a hub with one shard that is driven by hand. It has the default limits, so the shard works in the same
//! pieces as when it serves. Its questions to the journal are answered between two turns, on the same thread. The clock
//! stands still unless a bench moves it, so the shard waits for no client: there is no patience.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    ClientId, Config, Event, Form, Heartbeat, IdempotencyKey, Policy, Receipt, Start, Wait,
    engine::{Framing, Hub, ReadRequest, Shard, SlotRef, Subscribe, Subscription, Turn},
};

use crate::{
    channel, client,
    link::{Link, NoSocket},
};

/// How many may join before the shard takes them, so that its inbox stays small.
const JOINED_MAX: usize = 1_000;

/// A hub and its shard.
#[derive(Debug)]
pub struct Stage {
    hub: Arc<Hub<NoSocket>>,
    pub(crate) shard: Shard<NoSocket>,
    policy: Policy,
    joined: usize,
    now_ms: u64,
}

impl Stage {
    /// A stage without clients. All that come have this policy.
    pub fn new(policy: Policy) -> Self {
        let (hub, mut shards) = Hub::new(Config { patience_ms: 0, ..Config::default() }, Box::new(|| 1));
        Self { hub, shard: shards.remove(0), policy, joined: 0, now_ms: 0 }
    }

    /// A stage with `slots` clients whose sockets take everything.
    pub fn of(slots: usize) -> Self {
        let mut stage = Self::new(Policy::default());
        stage.join(slots, &Link::open());
        stage
    }

    /// The hub, to be used by other threads while this one drives the shard.
    pub fn hub(&self) -> Arc<Hub<NoSocket>> {
        Arc::clone(&self.hub)
    }

    /// Lets `slots` clients come, each with one connection.
    pub fn join(&mut self, slots: usize, link: &Link) -> Vec<SlotRef> {
        let from = self.joined;
        self.join_as(slots, link, |number| client(from + number))
    }

    /// Lets `slots` connections come, the client of each given by its number.
    pub fn join_as(&mut self, slots: usize, link: &Link, client: impl Fn(usize) -> ClientId) -> Vec<SlotRef> {
        let mut joined = Vec::with_capacity(slots);
        for number in 0..slots {
            joined.push(self.connect(client(number), link));
            if number % JOINED_MAX == 0 {
                self.settle();
            }
        }
        self.joined += slots;
        self.settle();
        joined
    }

    /// Opens a connection whose head is out. The shard has not taken it yet.
    pub fn connect(&self, client: ClientId, link: &Link) -> SlotRef {
        self.connect_for(follow(client, self.policy), link)
    }

    /// Opens a connection with wishes of its own. Its head is out.
    pub fn connect_for(&self, wishes: Subscribe, link: &Link) -> SlotRef {
        let subscription = enter(&self.hub, wishes);
        let slot = subscription.slot();
        subscription.attach_socket(link.socket(), Framing::Chunked, 0);
        slot
    }

    /// Opens a connection whose head is not out. The shard has not taken it yet.
    pub fn subscribe(&self, client: ClientId) -> Subscription<NoSocket> {
        subscribe(&self.hub, client, self.policy)
    }

    /// Publishes one event. The shard has not taken it yet.
    pub fn publish(&self, event: Event) {
        let publish = pin!(self.hub.publish(event, Wait::Journal));
        assert!(matches!(poll(publish), Poll::Ready(Ok(_))), "the inbox has room");
    }

    /// Publishes one event with an idempotency key.
    pub fn publish_once(&self, event: Event, key: &IdempotencyKey) -> Receipt {
        let publish = pin!(self.hub.publish_once(event, key, Wait::Journal));
        let Poll::Ready(Ok(receipt)) = poll(publish) else { unreachable!("the inbox has room, and the key is good") };
        receipt
    }

    /// Publishes one event, and lets the shard do all there is to do.
    pub fn fan_out(&mut self, event: Event) {
        self.publish(event);
        self.settle();
    }

    /// The same for a publisher that wants a receipt with counts.
    pub fn fan_out_counted(&mut self, event: Event) -> Receipt {
        let hub = self.hub();
        let mut publish = pin!(hub.publish(event, Wait::Written));
        assert!(poll(publish.as_mut()).is_pending(), "no shard has it yet");
        self.settle();
        let Poll::Ready(Ok(receipt)) = poll(publish) else { unreachable!("the shard is done") };
        receipt
    }

    /// Lets the shard do one piece of its work, and answers its questions to the journal.
    pub fn turn(&mut self) -> Turn {
        let turn = self.shard.turn(self.now_ms);
        let reads = self.shard.take_reads();
        let is_answered = !reads.is_empty();
        reads.into_iter().for_each(|request| self.hub.read(request));
        if is_answered { Turn::More } else { turn }
    }

    /// Lets the shard do all there is to do.
    pub fn settle(&mut self) {
        while self.turn() != Turn::Idle {}
    }

    /// Lets the shard do all that it can do without the journal, and gives its questions, which the caller must answer.
    pub fn ask(&mut self) -> Vec<ReadRequest> {
        while self.shard.turn(self.now_ms) == Turn::More {}
        self.shard.take_reads()
    }

    /// Lets this time pass.
    pub fn pass_ms(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Tells the shard that the sockets of `slots` may go on, and lets it do what it can.
    pub fn go_on(&mut self, slots: &[SlotRef]) {
        for slot in slots {
            self.hub.inbox(0).wake_slot(*slot);
        }
        self.settle();
    }

    /// Lets the sockets of `link`, which are those of `slots`, take all waiting messages. Then they are full again.
    pub fn empty(&mut self, link: &Link, slots: &[SlotRef]) {
        link.set_open();
        self.go_on(slots);
        link.set_shut();
        assert_eq!(self.hub.ring_bytes(), 0, "nothing is left in a ring");
    }

    /// Ends the clients behind `link`, and lets the shard hear of it.
    pub fn part(&mut self, link: &Link, slots: &[SlotRef]) {
        link.set_gone();
        self.go_on(slots);
        link.set_open();
        self.forget_notices();
    }

    /// Throws away the shard's notices. To be called now and then where connections end.
    pub fn forget_notices(&mut self) {
        self.shard.take_notices();
    }
}

/// Opens a connection on the one shard of `hub`, its head not out. The shard has not taken it yet.
pub fn subscribe(hub: &Arc<Hub<NoSocket>>, client: ClientId, policy: Policy) -> Subscription<NoSocket> {
    enter(hub, follow(client, policy))
}

fn enter(hub: &Arc<Hub<NoSocket>>, wishes: Subscribe) -> Subscription<NoSocket> {
    hub.subscribe(wishes).unwrap_or_else(|_| unreachable!("there is no limit"))
}

/// The default wishes of a client: the one channel, from now on.
pub fn follow(client: ClientId, policy: Policy) -> Subscribe {
    let (heartbeat, form) = (Heartbeat::default(), Form::default());
    let (channels, patterns, start) = (vec![channel()], Vec::new(), Start::Now);
    Subscribe {
        client,
        channels,
        patterns,
        start,
        policy,
        heartbeat,
        form,
        shard: 0,
        now_ms: 0,
        expires_ms: None,
        catching_up: None,
        held: None,
    }
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
