//! New members of a world: what they wish, and where their streams begin.

use fanfare_core::{
    EventId, Form, Heartbeat, Pattern, Policy, Start,
    engine::{CloseReason, Subscribe},
};

use super::{World, own_id};
use crate::support::{
    channel, client,
    member::{Entry, Member},
};

impl World {
    pub(super) fn subscribe(&mut self) {
        if self.members.len() >= self.plan.members_max {
            return;
        }
        let rng = &mut self.rng;
        let (shard, client) = (rng.below(self.kit.shards.len()), client(&format!("u{}", rng.below(5))));
        let channels: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|_| rng.chance(40)).map(channel).collect();
        let policies = [Policy::Repair, Policy::DropNewest, Policy::DropOldest, Policy::Close];
        let policy = if self.plan.is_lossless || rng.chance(50) { Policy::Repair } else { rng.pick(&policies) };
        let heartbeat = rng.pick(&[Heartbeat::Comment, Heartbeat::Cursor]);
        let form = if rng.chance(30) { Form::Envelope } else { Form::Plain };
        let start = if self.rng.chance(40) { Start::Now } else { self.start() };
        let (followed, now_ms) = (channels.clone(), self.kit.now_ms);
        let patterns = self.patterns();
        let expires_ms = self.rng.chance(15).then(|| now_ms + self.rng.below(400) as u64);
        let begins = start.clone();
        let subscribe = Subscribe {
            client: client.clone(),
            channels,
            patterns: patterns.clone(),
            start,
            policy,
            heartbeat,
            form,
            shard,
            now_ms,
            expires_ms,
            ..self.kit.wishes(&[])
        };
        let opened = self.kit.hub.last_id();
        let subscription = self.kit.hub.subscribe(subscribe).unwrap();
        let after = subscription.cursor();
        let is_unknown = subscription.gap().is_some();
        let member = Member::new(subscription, shard, client);
        let is_earliest = begins == Start::Earliest;
        let member = Member { channels: followed, patterns, policy, form, after, opened, is_earliest, ..member };
        let causes = expires_ms.map(|_| CloseReason::Expired).into_iter().collect();
        let member = Member { causes, last: after, lives_ms: expires_ms.map(|at| at - now_ms), ..member };
        self.check_start(&member, &begins, is_unknown);
        self.has_resumed |= after < opened;
        self.members.push(member);
    }

    /// The patterns that a new member follows besides. Most follow none.
    fn patterns(&mut self) -> Vec<Pattern> {
        let rng = &mut self.rng;
        let count = if rng.chance(70) { 0 } else { rng.within(1, 3) };
        let texts = ["*", "a*", "b*", "*c", "d*e", "ab*", "*a*", "a", "**"];
        (0..count).map(|_| Pattern::new(rng.pick(&texts)).unwrap()).collect()
    }

    /// A random place in the order, or none.
    fn start(&mut self) -> Start {
        let rng = &mut self.rng;
        let back = rng.below(40);
        match rng.below(8) {
            0 => Start::After(EventId::ZERO),
            1 => Start::After(EventId::new(rng.below(3_000) as u64, rng.below(3) as u64)),
            2 => Start::Since { ms: rng.below(3_000) as u64 },
            3 => Start::Earliest,
            4 => Start::AfterOwn(vec![own_id(self.numbers.saturating_sub(back as u64))]),
            _ => {
                let from = self.log.entries.len().saturating_sub(back + 1);
                self.log.entries.get(from).map_or(Start::Now, |entry| Start::After(entry.id))
            }
        }
    }

    /// Checks the beginning of a stream against the text of the contract.
    fn check_start(&self, member: &Member, start: &Start, is_unknown: bool) {
        let last = member.opened;
        let expected = match start {
            Start::Now => (last, false),
            Start::After(id) if *id > last => (last, true),
            Start::After(id) => (*id, false),
            Start::Since { ms: 1_000 } => (EventId::new(1_000, 0), false),
            Start::Since { ms } => (EventId::new(*ms, 0).before().min(last), false),
            Start::Earliest => (member.after, false),
            Start::AfterOwn(own_ids) => {
                let is_it = |entry: &&Entry| {
                    let is_named = entry.event.own_id().is_some_and(|id| own_ids.iter().any(|own_id| own_id == id));
                    is_named && member.is_reached_by(&entry.event)
                };
                // The oldest, whether it is kept or not.
                match self.log.entries.iter().find(is_it) {
                    // All that had it may have been evicted.
                    Some(_) if is_unknown && !self.plan.is_lossless => (last, true),
                    Some(entry) => (entry.id, false),
                    None => (last, true),
                }
            }
        };
        assert_eq!((member.after, is_unknown), expected, "{start:?}");
        assert!(*start != Start::Earliest || self.log.entries.first().is_none_or(|first| member.after < first.id));
    }
}
