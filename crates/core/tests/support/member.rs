//! [`Member`]: the naive model of one connection. [`Log`]: every event in the order it was given.
//!
//! A member compares the output of its outlet with the log at once: right audience, right bytes, in order, once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    task::Context,
    task::Poll,
};

use fanfare_core::{
    Channel, ClientId, Event, EventId, Form, GapReason, Pattern, Policy, Target,
    engine::{CloseReason, Closed, Cut, Feed, Framing, Life, SlotRef, Subscription},
};
use serde_json::Value;

use super::{CURSOR, Chunks, Dispatched, Flag, GAP, Judge, Link, MockSocket, Told, normalised, world::Plan};

/// One published event.
pub(crate) struct Entry {
    pub(crate) id: EventId,
    pub(crate) event: Event,
}

/// The order of the hub, as the receipts told it.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    by_number: HashMap<u64, usize>,
}

impl Log {
    pub(crate) fn push(&mut self, number: u64, entry: Entry) {
        assert!(self.entries.last().is_none_or(|last| last.id < entry.id), "{} goes back", entry.id);
        self.by_number.insert(number, self.entries.len());
        self.entries.push(entry);
    }

    /// Index of the first event above `id`.
    pub(crate) fn first_after(&self, id: EventId) -> usize {
        self.entries.partition_point(|entry| entry.id <= id)
    }
}

/// The way the bytes of a member leave.
pub(crate) enum Way {
    Opening(Subscription<MockSocket>),
    Socket { link: Link, framing: Framing, chunks: Chunks },
    Feed { feed: Feed<MockSocket>, life: Life, flag: Arc<Flag>, ending: Option<Result<(), Cut>> },
    Gone,
}

/// One connection.
pub(crate) struct Member {
    pub(crate) connection: u64,
    pub(crate) shard: usize,
    pub(crate) slot: SlotRef,
    pub(crate) client: ClientId,
    pub(crate) channels: Vec<Channel>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) policy: Policy,
    pub(crate) form: Form,
    /// The member is due events with a higher id.
    pub(crate) after: EventId,
    /// The newest id when the member was opened.
    pub(crate) opened: EventId,
    /// The member asked for the oldest event that is kept. Events evicted before are not owed to it.
    pub(crate) is_earliest: bool,
    /// Gaps received so far.
    pub(crate) told: Vec<Told>,
    /// The last event id received that belongs to the hub.
    pub(crate) last: EventId,
    /// Events for this member that did not come before a newer one.
    pub(crate) skipped: Vec<EventId>,
    /// Events received.
    pub(crate) received: HashSet<EventId>,
    /// Events of which somebody was told that they are lost to this member.
    pub(crate) given_up: HashSet<EventId>,
    /// The peer takes everything at once.
    pub(crate) is_quick: bool,
    /// The peer gets no more room before the end.
    pub(crate) is_stuck: bool,
    /// All was quiet at the member's end, so the figures must add up exactly.
    pub(crate) is_exact: bool,
    /// The time after which the stream ends, in milliseconds.
    pub(crate) lives_ms: Option<u64>,
    /// Acts of the test that may end the member.
    pub(crate) causes: Vec<CloseReason>,
    pub(crate) way: Way,
    pub(crate) judge: Judge,
    pub(crate) got: u64,
    /// Index in the log from which entries may still come.
    pub(crate) next: usize,
}

impl Member {
    pub(crate) fn new(subscription: Subscription<MockSocket>, shard: usize, client: ClientId) -> Self {
        Self {
            connection: subscription.connection(),
            shard,
            slot: subscription.slot(),
            client,
            channels: Vec::new(),
            patterns: Vec::new(),
            policy: Policy::DropNewest,
            form: Form::Plain,
            after: EventId::ZERO,
            opened: EventId::ZERO,
            is_earliest: false,
            told: Vec::new(),
            last: EventId::ZERO,
            skipped: Vec::new(),
            received: HashSet::new(),
            given_up: HashSet::new(),
            is_quick: false,
            is_stuck: false,
            is_exact: false,
            lives_ms: None,
            causes: Vec::new(),
            way: Way::Opening(subscription),
            judge: Judge::default(),
            got: 0,
            next: 0,
        }
    }

    pub(crate) fn is_reached_by(&self, event: &Event) -> bool {
        event.targets().iter().any(|target| self.is_reached_through(target))
    }

    fn is_reached_through(&self, target: &Target) -> bool {
        match target {
            Target::All => true,
            Target::Channel(channel) => {
                self.channels.contains(channel)
                    || self
                        .patterns
                        .iter()
                        .any(|pattern| is_match(pattern.as_str().as_bytes(), channel.as_str().as_bytes()))
            }
            Target::Client(client) => *client == self.client,
        }
    }

    pub(crate) fn is_due(&self, entry: &Entry) -> bool {
        entry.id > self.after && self.is_reached_by(&entry.event)
    }

    /// Number of events that were published for the member while it was open.
    pub(crate) fn matched(&self, log: &Log) -> u64 {
        let from = log.first_after(self.opened);
        log.entries[from..].iter().filter(|entry| self.is_reached_by(&entry.event)).count() as u64
    }

    /// Number of events that gaps reported as lost, of those published while the member was open.
    pub(crate) fn missed(&self) -> u64 {
        self.told.iter().filter_map(|told| told.missed).sum()
    }

    /// Takes the bytes that the socket has received.
    pub(crate) fn take_out(&mut self, log: &Log) {
        let events = match &mut self.way {
            Way::Socket { link, framing: Framing::Bare, .. } => self.judge.feed(&link.take_out()),
            Way::Socket { link, chunks, .. } => {
                let payloads = chunks.feed(&link.take_out());
                let mut events = Vec::new();
                for payload in payloads {
                    events.extend(self.judge.feed(&payload));
                    assert!(self.judge.is_between_events(), "a chunk is a whole event");
                }
                events
            }
            _ => return,
        };
        events.into_iter().for_each(|event| self.check(log, &event, None));
    }

    /// Polls the body up to `times`, as hyper would: only after a wake-up, and until it is pending.
    pub(crate) fn poll_feed(&mut self, log: &Log, times: usize) -> bool {
        let mut is_changed = false;
        for left in (0..times).rev() {
            let Way::Feed { feed, flag, ending, .. } = &mut self.way else { return is_changed };
            let waker = flag.waker();
            match feed.poll_next(&mut Context::from_waker(&waker)) {
                Poll::Pending => return is_changed,
                Poll::Ready(None) => {
                    *ending = Some(Ok(()));
                    return true;
                }
                Poll::Ready(Some(Err(cut))) => {
                    *ending = Some(Err(cut));
                    return true;
                }
                Poll::Ready(Some(Ok(message))) => {
                    let message = message.whole();
                    is_changed = true;
                    if left == 0 {
                        flag.raise();
                    }
                    let events = self.judge.feed(message.sse());
                    let published = events.iter().filter(|event| ![GAP, CURSOR].contains(&event.kind.as_str())).count();
                    assert_eq!(published, usize::from(message.id() != EventId::ZERO));
                    events.into_iter().for_each(|event| self.check(log, &event, Some(message.id())));
                }
            }
        }
        is_changed
    }

    fn check(&mut self, log: &Log, got: &Dispatched, id: Option<EventId>) {
        let who = self.connection;
        if got.kind == GAP {
            return self.hear(Told::parse(&got.data));
        }
        if got.kind == CURSOR {
            assert_eq!(got.data, "");
            return;
        }
        let (got, named) = match self.form {
            Form::Plain => (got.clone(), None),
            Form::Envelope => opened(got),
        };
        let number = got.data.split(' ').next().and_then(|number| number.parse().ok());
        let at = number.and_then(|number| log.by_number.get(&number).copied());
        let Some(at) = at else { panic!("connection {who} got what nobody published: {got:?}") };
        let entry = &log.entries[at];
        if let Some(named) = named {
            assert!(entry.event.targets().contains(&named), "{named:?} is none of {:?}", entry.event.targets());
            assert!(self.is_reached_through(&named), "connection {who} does not follow {named:?}");
        }
        assert!(at >= self.next, "connection {who} got {} twice or out of order", entry.id);
        // Whoever breaks off now comes back with this id: what it was not told by now it will never hear of.
        self.skip_to(log, at);
        self.next = at + 1;
        self.last = entry.id;
        assert!(entry.id > self.after, "connection {who} got {} from before its start", entry.id);
        assert!(self.is_reached_by(&entry.event), "connection {who} got {} that is not for it", entry.id);
        assert_eq!(got.data, normalised(entry.event.data()));
        assert_eq!(got.kind, entry.event.kind().unwrap_or("message"));
        let own_id = entry.event.own_id().map(str::to_owned);
        assert_eq!(got.last_id, own_id.unwrap_or_else(|| entry.id.to_string()));
        assert!(id.is_none_or(|id| id == entry.id));
        self.got += 1;
        assert!(!self.given_up.contains(&entry.id), "connection {who} got {}, which is said to be lost", entry.id);
        self.received.insert(entry.id);
    }

    /// Skips to the log's entry `at`. Events for the member before that do not come any more, so a gap must cover them.
    pub(crate) fn skip_to(&mut self, log: &Log, at: usize) {
        let from = self.next.max(log.first_after(self.after));
        for entry in log.entries.get(from..at).unwrap_or_default() {
            let is_asked_for = entry.event.is_kept() && !self.is_earliest;
            if self.is_reached_by(&entry.event) && (entry.id > self.opened || is_asked_for) {
                let is_told = self.told.iter().any(|told| told.covers(entry.id));
                let Self { connection: who, policy, after, opened, told, .. } = self;
                assert!(is_told, "{who} ({policy:?}, {after} {opened}) does not know of {}: {told:?}", entry.id);
                self.skipped.push(entry.id);
            }
        }
        self.next = self.next.max(at);
    }

    fn hear(&mut self, told: Told) {
        let who = self.connection;
        let (Some(from), Some(to)) = (told.from, told.to) else { panic!("connection {who}: {told:?}") };
        assert!(from < to && from >= self.last, "connection {who} has {} and hears {told:?}", self.last);
        assert_eq!(told.missed.is_some(), told.reason == GapReason::Busy, "connection {who}: {told:?}");
        assert!(told.missed != Some(0));
        self.told.push(told);
    }

    /// Checks the notice of the member's end against its output.
    pub(crate) fn check_closed(&mut self, log: &Log, closed: &Closed, plan: &Plan) {
        // Over the hub's limit whoever holds the most of a half-written message is closed.
        let is_squeezed = plan.config.hub_ring_bytes_max < usize::MAX;
        self.take_out(log);
        let who = format!("{closed:?}, after {}, opened {}, told {:?}", self.after, self.opened, self.told);
        assert_eq!(closed.client, self.client, "{who}");
        let account = closed.account;
        assert_eq!(account.written, self.got, "written is what came out: {who}");
        let allowed = match closed.reason {
            CloseReason::Busy => is_squeezed || (self.policy == Policy::Close && account.dropped > 0),
            CloseReason::WriteTimeout => !self.is_quick,
            reason => self.causes.contains(&reason),
        };
        assert!(allowed, "nothing explains this end: {who}, causes {:?}", self.causes);
        let matched = self.matched(log);
        assert!(account.matched <= matched, "more than {matched}: {who}");
        assert!(account.dropped >= account.repaired + account.lost, "{who}");
        assert!(self.missed() <= account.lost, "told of more than it lost: {who}");
        if plan.is_lossless {
            assert_eq!(account.lost, 0, "{who}");
        }
        if !self.is_exact {
            return;
        }
        if self.lives_ms.is_some_and(|lives_ms| closed.age_ms >= lives_ms) {
            assert_eq!(account.matched + account.replayed, account.written + account.owed + account.lost, "{who}");
            assert_eq!(self.missed(), account.lost, "it comes back with its cursor, and knows of what was lost: {who}");
            return;
        }
        self.skip_to(log, log.entries.len());
        assert_eq!(account.matched, matched, "{who}");
        assert_eq!((account.queued(), account.owed), (0, 0), "all was taken: {who}");
        assert_eq!(account.dropped, account.repaired + account.lost, "{who}");
        assert_eq!(account.matched + account.replayed, account.written + account.lost, "{who}");
        let lost = self.skipped.iter().filter(|id| **id > self.opened).count() as u64;
        assert_eq!((self.missed(), account.lost), (lost, lost), "what it did not get it was told, exactly: {who}");
    }

    /// Checks a member whose slot is gone and whose shard is at rest: its outlet must not look open.
    pub(crate) fn check_let_go(&mut self) {
        let who = self.connection;
        match &mut self.way {
            Way::Socket { link, .. } => assert!(link.is_closed(), "the socket of connection {who} is let go"),
            Way::Feed { feed, life, flag, ending: None } => {
                assert!(flag.is_up(), "the body of connection {who} is woken when it is cut");
                let next = feed.poll_next(&mut Context::from_waker(&flag.waker()));
                assert!(matches!(next, Poll::Ready(Some(Err(Cut)))), "the body of connection {who} is cut: {next:?}");
                assert!(life.has_ended(), "whoever runs connection {who} hears of it");
            }
            _ => {}
        }
    }

    /// Checks that a drained stream ended whole.
    pub(crate) fn check_drained(&self, spread_ms: u64) {
        let who = self.connection;
        match &self.way {
            Way::Socket { link, framing, chunks } => {
                assert!(link.is_shut(), "connection {who} was not told the end");
                assert!(*framing == Framing::Bare || chunks.is_over(), "connection {who} has no final chunk");
            }
            Way::Feed { ending, .. } => assert_eq!(*ending, Some(Ok(())), "connection {who}"),
            _ => return,
        }
        assert!(self.judge.is_between_events());
        let retry_ms = self.judge.retries_ms.last().copied();
        let is_good = |ms| (1_000..=1_000 + spread_ms).contains(&ms) || (self.lives_ms.is_some() && ms == 100);
        assert!(retry_ms.is_some_and(is_good), "{who}: {retry_ms:?}");
    }
}

/// Whether a pattern matches, the naive way.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|at| is_match(rest, &name[at..])),
        [one, rest @ ..] => name.first() == Some(one) && is_match(rest, &name[1..]),
    }
}

/// The event and the target in an envelope, which has no other member.
fn opened(got: &Dispatched) -> (Dispatched, Option<Target>) {
    assert_eq!(got.kind, "message", "an envelope has no type");
    let Ok(Value::Object(mut members)) = serde_json::from_str(&got.data) else { panic!("no envelope: {got:?}") };
    let mut text = |name: &str| match members.remove(name) {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => panic!("{name} is {other}"),
    };
    let kind = text("event").unwrap_or_else(|| "message".to_owned());
    let data = text("data").expect("an envelope has data");
    let channel = text("channel").map(|name| Target::Channel(Channel::new(&name).unwrap()));
    let client = text("client").map(|name| Target::Client(ClientId::new(&name).unwrap()));
    let all = (members.remove("all") == Some(Value::Bool(true))).then_some(Target::All);
    assert!(members.is_empty(), "{got:?} says more");
    let named: Vec<_> = [channel, client, all].into_iter().flatten().collect();
    let [named] = &named[..] else { panic!("{got:?} names {named:?}") };
    (Dispatched { kind, data, last_id: got.last_id.clone() }, Some(named.clone()))
}
