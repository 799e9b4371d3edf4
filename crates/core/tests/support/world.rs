//! [`World`]: a hub under random operations, and a naive model that is compared with it after every step.
//!
//! The world is a strict shell. It drives a shard only after a wake-up or More (besides random turns), and polls
//! publishers and bodies only after a wake-up. A lost wake-up therefore shows as undone work.

mod asking;
mod ending;
mod joining;
mod outside;

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    Account, Config, Event, EventId, Form, Heartbeat, Pattern, Policy, Receipt, Start, Target, Wait,
    engine::{Amount, CloseReason, Framing, Hub, Life, Notice, ReadRequest, Shard, Subscribe, Turn},
};

use super::{
    Chunks, Flag, Kit, Link, MockSocket, PublishFuture, Rng, channel, client,
    member::{Entry, Log, Member, Way},
};

use asking::Asked;
pub(crate) use ending::Ending;
use outside::Outside;

/// The kind of a world.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) config: Config,
    /// No event may be lost: the history holds everything, all slots are repaired, and no event is live only.
    pub(crate) is_lossless: bool,
    /// An external journal gives the order.
    pub(crate) is_outside: bool,
    /// Others write to the external journal too.
    pub(crate) is_shared: bool,
    pub(crate) members_max: usize,
}

struct Publishing {
    future: PublishFuture,
    flag: Arc<Flag>,
    number: u64,
    event: Event,
    wait: Wait,
    /// The place in the log, and the most connections that the event can reach. None until it is ordered.
    committed: Option<(usize, usize)>,
}

/// One hub and its model.
pub(crate) struct World {
    rng: Rng,
    plan: Plan,
    kit: Kit,
    owners: Vec<Arc<Flag>>,
    has_more: Vec<bool>,
    /// The end of each shard's pause. A paused shard sleeps until then, or until an outlet that may go on wakes it.
    paused_until_ms: Vec<Option<u64>>,
    log: Log,
    members: Vec<Member>,
    /// Members whose slots are gone.
    gone: Vec<Member>,
    /// Those of them that were looked at.
    past: Vec<Member>,
    asked: Vec<Asked>,
    /// Answers to questions for a fate, and those of them that say that it is too long ago.
    pub(crate) answered: usize,
    pub(crate) vague: usize,
    /// The figures of all that have gone.
    all: Account,
    abandoned: u64,
    publishing: Vec<Publishing>,
    reads: Vec<ReadRequest>,
    outside: Option<Outside>,
    is_draining: bool,
    /// No events come from other writers any more.
    is_resting: bool,
    numbers: u64,
    dropped: u64,
    busy: u64,
    has_resumed: bool,
    /// Number of connections that came and went.
    pub(crate) closed: usize,
    /// Number of events that came out somewhere.
    pub(crate) delivered: u64,
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let kit =
            if plan.is_outside { Kit::behind_journal(plan.config.clone()) } else { Kit::new(plan.config.clone()) };
        let outside = plan.is_outside.then(|| Outside::new(plan.is_shared));
        let owners: Vec<_> = kit.shards.iter().map(|_| Flag::new()).collect();
        for (shard, owner) in kit.shards.iter().zip(&owners) {
            shard.inbox().register(&Context::from_waker(&owner.waker()));
        }
        Self {
            rng: Rng::new(seed),
            has_more: vec![false; owners.len()],
            paused_until_ms: vec![None; owners.len()],
            owners,
            kit,
            plan,
            log: Log::default(),
            members: Vec::new(),
            gone: Vec::new(),
            past: Vec::new(),
            asked: Vec::new(),
            answered: 0,
            vague: 0,
            all: Account::default(),
            abandoned: 0,
            publishing: Vec::new(),
            reads: Vec::new(),
            outside,
            is_draining: false,
            is_resting: false,
            numbers: 0,
            dropped: 0,
            busy: 0,
            has_resumed: false,
            closed: 0,
            delivered: 0,
        }
    }

    pub(crate) fn step(&mut self) {
        if self.plan.is_outside && self.rng.chance(15) {
            self.step_outside();
        }
        match self.rng.below(100) {
            0..24 => self.publish(),
            24..30 => {
                self.poll_publishers(1);
            }
            30..34 => self.subscribe(),
            34..42 => self.attach(),
            42..68 => {
                let shard = self.rng.below(self.kit.shards.len());
                self.turn(shard);
            }
            68..80 => self.give(),
            80..88 => {
                self.poll_feeds(1);
            }
            88..91 => self.answer(),
            91..94 => self.sweep(),
            94..96 => self.leave(),
            96 => self.send(),
            97 => self.drop_publisher(),
            98 if self.rng.chance(50) => self.ask(),
            98 => self.step_clock(),
            _ if self.rng.chance(10) => self.settle_one(),
            _ if self.rng.chance(20) => self.purge(),
            _ => {}
        }
    }

    fn hub(&self) -> &Arc<Hub<MockSocket>> {
        &self.kit.hub
    }

    fn event(&mut self) -> Event {
        self.numbers += 1;
        let rng = &mut self.rng;
        let length = if rng.chance(90) { rng.below(12) } else { rng.below(300) };
        let text: String = (0..length).map(|_| rng.pick(&['a', 'b', '\n', '\r', ':', ' ', 'ü', '\u{feff}'])).collect();
        let data = format!("{} {text}", self.numbers);
        let name =
            |rng: &mut Rng| Target::Channel(channel(["a", "b", "c", "d", "e", "ab", "abc", "de", "dxe"][rng.below(9)]));
        let event = match rng.below(10) {
            0..3 => Event::new(Target::All, data),
            3..6 => Event::new(name(rng), data),
            6..8 => Event::new(Target::Client(client(&format!("u{}", rng.below(5)))), data),
            _ => Event::for_targets((0..rng.within(2, 4)).map(|_| name(rng)).collect(), data).unwrap(),
        };
        let event = if rng.chance(20) { event.with_kind("k").unwrap() } else { event };
        let event = if rng.chance(10) { event.with_own_id(&own_id(self.numbers)).unwrap() } else { event };
        if !self.plan.is_lossless && rng.chance(10) { event.live_only() } else { event }
    }

    fn publish(&mut self) {
        let wait = if self.rng.chance(30) { Wait::Written } else { Wait::Journal };
        let event = self.event();
        let future = self.kit.publishing(event.clone(), wait);
        let (flag, number) = (Flag::raised(), self.numbers);
        self.publishing.push(Publishing { future, flag, number, event, wait, committed: None });
        self.poll_publisher(self.publishing.len() - 1);
    }

    /// Polls a publisher that was woken. False if it was not.
    fn poll_publisher(&mut self, at: usize) -> bool {
        let publisher = &mut self.publishing[at];
        if !publisher.flag.take() {
            return false;
        }
        let before = self.kit.hub.last_id();
        let waker = publisher.flag.waker();
        let answer = publisher.future.as_mut().poll(&mut Context::from_waker(&waker));
        let id = self.kit.hub.last_id();
        if id != before {
            assert!(publisher.committed.is_none());
            let (number, event) = (publisher.number, publisher.event.clone());
            let entry = Entry { id, event };
            let due = self.members.iter().filter(|member| member.is_due(&entry)).count();
            self.publishing[at].committed = Some((self.log.entries.len(), due));
            self.log.push(number, entry);
            let first = self.publishing.iter().position(|publisher| publisher.committed.is_none());
            assert!(first.is_none_or(|first| first > at), "a publisher was overtaken at the gate");
        }
        if let Poll::Ready(receipt) = answer {
            let publisher = self.publishing.remove(at);
            let is_refused = self.outside.as_ref().is_some_and(|outside| outside.refused.contains(&publisher.number));
            assert_eq!(receipt.is_err(), is_refused, "{receipt:?}");
            if let Ok(receipt) = receipt {
                self.check_receipt(&publisher, &receipt);
            }
        }
        true
    }

    fn check_receipt(&self, publisher: &Publishing, receipt: &Receipt) {
        let (at, due_max) = publisher.committed.expect("a receipt is for what was ordered");
        let entry = &self.log.entries[at];
        assert_eq!(receipt.id, entry.id);
        assert_eq!(receipt.outcome.is_some(), publisher.wait == Wait::Written);
        let Some(outcome) = receipt.outcome else { return };
        assert_eq!(outcome.matched(), receipt.matched);
        // Who is still there was there all the time.
        let is_sure = |member: &&Member| member.is_due(entry) && entry.id > member.opened && member.lives_ms.is_none();
        let due_min = self.members.iter().filter(is_sure).count();
        let span = due_min..=due_max;
        assert!(span.contains(&receipt.matched), "{} for {span:?}: {outcome:?}", receipt.matched);
    }

    fn poll_publishers(&mut self, times: usize) -> bool {
        let mut is_changed = false;
        for _ in 0..times {
            let woken = (0..self.publishing.len()).find(|at| self.publishing[*at].flag.is_up());
            is_changed |= woken.is_some_and(|at| self.poll_publisher(at));
        }
        is_changed
    }

    /// Purges a channel. With a journal, or while somebody waits at the gate, that is a publish like others.
    fn purge(&mut self) {
        if self.plan.is_lossless || self.plan.is_outside {
            return;
        }
        let name = self.rng.pick(&["a", "b", "ab"]);
        let purged = Box::pin(self.kit.hub.purge(channel(name))).as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(purged.is_pending() || self.kit.hub.kept_of(&channel(name)) == (0, 0), "{purged:?}");
    }

    fn drop_publisher(&mut self) {
        if let Some(at) = self.any(self.publishing.len()) {
            self.publishing.remove(at);
        }
    }

    fn any(&mut self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.rng.below(count))
    }

    /// A random member with the wanted way out.
    fn find(&mut self, is_wanted: impl Fn(&Member) -> bool) -> Option<usize> {
        let found: Vec<_> = (0..self.members.len()).filter(|at| is_wanted(&self.members[*at])).collect();
        self.any(found.len()).map(|at| found[at])
    }

    fn attach(&mut self) {
        if let Some(at) = self.find(|member| matches!(member.way, Way::Opening(_))) {
            self.attach_one(at);
        }
    }

    fn attach_one(&mut self, at: usize) {
        let (rng, member) = (&mut self.rng, &mut self.members[at]);
        let Way::Opening(subscription) = std::mem::replace(&mut member.way, Way::Gone) else { return };
        if rng.chance(35) {
            let life = Life::default();
            let (feed, flag) = (subscription.into_feed(life.clone()), Flag::raised());
            member.way = Way::Feed { feed, life, flag, ending: None };
            return;
        }
        let framing = if rng.chance(75) { Framing::Chunked } else { Framing::Bare };
        member.is_quick = rng.chance(30);
        member.is_stuck = !member.is_quick && rng.chance(20);
        let room = if member.is_quick { usize::MAX } else { rng.below(200) };
        let (socket, link) = Link::new(Arc::clone(self.kit.hub.inbox(member.shard)), member.slot, room);
        if rng.chance(40) {
            link.write_max(rng.within(1, 40));
        }
        subscription.attach_socket(socket, framing, 0);
        member.way = Way::Socket { link, framing, chunks: Chunks::default() };
    }

    /// Gives a slow member some room.
    fn give(&mut self) {
        let is_wanted = |member: &Member| matches!(member.way, Way::Socket { .. }) && !member.is_stuck;
        let Some(at) = self.find(is_wanted) else { return };
        let bytes = if self.rng.chance(50) { self.rng.within(1, 3) } else { self.rng.below(300) };
        let member = &mut self.members[at];
        if let (Way::Socket { link, .. }, false) = (&member.way, member.is_quick) {
            link.give(bytes);
        }
        member.take_out(&self.log);
    }

    fn send(&mut self) {
        let Some(at) = self.find(|member| matches!(member.way, Way::Socket { .. })) else { return };
        if let Way::Socket { link, .. } = &self.members[at].way {
            link.send(self.rng.within(1, 9));
            self.members[at].causes.push(CloseReason::TooMuchInput);
        }
    }

    fn leave(&mut self) {
        let Some(at) = self.any(self.members.len()) else { return };
        let how = self.rng.below(3);
        let member = &mut self.members[at];
        match &member.way {
            Way::Opening(_) => {
                member.causes.push(CloseReason::HandshakeFailed);
                member.way = Way::Gone;
            }
            Way::Socket { link, .. } => {
                member.causes.push(CloseReason::ClientGone);
                [Link::end, Link::reset, Link::break_writes][how](link);
            }
            Way::Feed { .. } => {
                member.causes.push(CloseReason::ClientGone);
                member.way = Way::Gone;
            }
            Way::Gone => {}
        }
    }

    /// Polls bodies that were woken for some of their messages.
    fn poll_feeds(&mut self, bodies: usize) -> bool {
        let mut is_changed = false;
        for _ in 0..bodies {
            let Some(at) = self.find(|member| matches!(&member.way, Way::Feed { flag, .. } if flag.is_up())) else {
                break;
            };
            let times = self.rng.within(1, 4);
            let member = &mut self.members[at];
            if let Way::Feed { flag, .. } = &member.way {
                flag.take();
            }
            is_changed |= member.poll_feed(&self.log, times);
            // As hyper does with a body that has ended. A drain looks at it first.
            if member.lives_ms.is_some()
                && !self.is_draining
                && matches!(member.way, Way::Feed { ending: Some(Ok(())), .. })
            {
                member.way = Way::Gone;
            }
        }
        is_changed
    }

    fn step_clock(&mut self) {
        let unix_ms = self.rng.below(2_000) as u64;
        self.kit.unix_ms.store(unix_ms, std::sync::atomic::Ordering::Relaxed);
    }

    fn sweep(&mut self) {
        self.kit.now_ms += self.rng.below(12) as u64;
        let shard = self.rng.below(self.kit.shards.len());
        self.kit.shards[shard].sweep(self.kit.now_ms);
        self.look(shard);
    }

    fn turn(&mut self, shard: usize) {
        self.owners[shard].take();
        let waker = self.owners[shard].waker();
        let inbox = Arc::clone(self.hub().inbox(shard));
        inbox.register(&Context::from_waker(&waker));
        let turn = self.kit.shards[shard].turn(self.kit.now_ms);
        self.has_more[shard] = turn == Turn::More;
        self.paused_until_ms[shard] = match turn {
            Turn::Paused { until_ms } => Some(until_ms),
            _ => None,
        };
        assert!(self.paused_until_ms[shard].is_none_or(|until_ms| until_ms > self.kit.now_ms), "a pause ends");
        if turn == Turn::Idle {
            assert!(inbox.is_empty());
            // With an external journal there are events that it has not answered yet.
            let is_empty = inbox.load() == Amount::default();
            assert!(is_empty || self.plan.is_outside, "an idle shard holds no places");
        }
        self.look(shard);
        self.hear_answers();
    }

    /// Takes the notices of a shard.
    fn look(&mut self, shard: usize) {
        let shard: &mut Shard<_> = &mut self.kit.shards[shard];
        self.reads.extend(shard.take_reads());
        for notice in shard.take_notices() {
            match notice {
                Notice::Busy { dropped, .. } => self.busy += dropped,
                Notice::Closed(closed) => {
                    let at = self.members.iter().position(|member| member.connection == closed.connection);
                    let mut member = self.members.swap_remove(at.expect("a connection ends once"));
                    self.count(&closed.account);
                    member.check_closed(&self.log, &closed, &self.plan);
                    self.closed += 1;
                    self.delivered += member.got;
                    self.gone.push(member);
                }
            }
        }
    }

    fn answer(&mut self) {
        let Some(at) = self.any(self.reads.len()) else { return };
        let request = self.reads.swap_remove(at);
        self.kit.hub.read(request);
    }
}

/// Number of an event in the world.
fn number_of(event: &Event) -> u64 {
    event.data().split(' ').next().and_then(|number| number.parse().ok()).expect("the data begins with it")
}

/// The publisher's own id that event number `number` may have.
fn own_id(number: u64) -> String {
    format!("own-{number}")
}
