//! The rest of a world: between two steps, for one member that leaves, and at its end, when nothing may be left behind.

use std::task::{Context, Poll};

use fanfare_core::{
    Account, Target,
    engine::{Amount, CloseReason, Figures, Shard},
};

use super::World;
use crate::support::{channel, client, member::Way};

/// The way a world ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every client takes what waits and leaves.
    Leave,
    /// The hub drains.
    Drain,
}

impl World {
    /// Whether a shell would drive the shard: it was woken, and during a pause not only by publishes.
    pub(super) fn is_due(&self, shard: usize) -> bool {
        match self.paused_until_ms[shard] {
            Some(until_ms) => self.kit.now_ms >= until_ms || self.hub().inbox(shard).ends_pause(),
            None => self.has_more[shard] || self.owners[shard].is_up(),
        }
    }

    /// Drives everything that was woken until nothing is.
    pub(super) fn come_to_rest(&mut self, with_feeds: bool) {
        self.is_resting = true;
        for _ in 0..100_000 {
            let mut is_changed = false;
            for shard in 0..self.kit.shards.len() {
                if self.is_due(shard) {
                    self.turn(shard);
                    is_changed = true;
                }
            }
            is_changed |= self.step_outside();
            is_changed |= self.poll_publishers(4);
            is_changed |= with_feeds && self.poll_feeds(4);
            is_changed |= !self.reads.is_empty();
            self.answer();
            if !is_changed && let Some(until_ms) = self.paused_until_ms.iter().flatten().min() {
                self.kit.now_ms = self.kit.now_ms.max(*until_ms);
                continue;
            }
            if !is_changed {
                for mut member in std::mem::take(&mut self.gone) {
                    member.check_let_go();
                    member.way = Way::Gone;
                    self.past.push(member);
                }
                self.is_resting = false;
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Takes all that waits for one member. Then the member leaves, and its figures must add up.
    pub(super) fn settle_one(&mut self) {
        let Some(at) = self.find(|member| matches!(member.way, Way::Socket { .. })) else { return };
        let connection = self.members[at].connection;
        self.members[at].is_stuck = false;
        if let Way::Socket { link, .. } = &self.members[at].way {
            link.open();
        }
        self.come_to_rest(false);
        let Some(member) = self.members.iter_mut().find(|member| member.connection == connection) else { return };
        let Way::Socket { link, .. } = &member.way else { return };
        link.end();
        member.is_exact = true;
        member.causes.push(CloseReason::ClientGone);
        self.come_to_rest(false);
        assert!(self.members.iter().all(|member| member.connection != connection));
    }

    /// Ends the world and checks that it leaves nothing behind.
    pub(crate) fn finish(mut self, ending: Ending) -> (usize, u64) {
        while let Some(at) = self.members.iter().position(|member| matches!(member.way, Way::Opening(_))) {
            self.attach_one(at);
        }
        if ending == Ending::Drain {
            self.drain();
        }
        for member in &self.members {
            if let Way::Socket { link, .. } = &member.way {
                link.open();
            }
        }
        self.come_to_rest(true);
        assert!(self.publishing.is_empty(), "publishers wait at the gate of an empty hub");
        assert_eq!(self.hub().ring_bytes(), 0, "everything was taken");
        assert_eq!(self.hub().registry().connections(), self.members.len());
        for member in &mut self.members {
            member.take_out(&self.log);
            member.is_exact = true;
            member.causes.extend([CloseReason::ClientGone, CloseReason::Drained]);
            if ending == Ending::Drain {
                member.check_drained(self.plan.config.drain_spread_ms);
            }
            match &member.way {
                Way::Socket { link, .. } => link.end(),
                _ => member.way = Way::Gone,
            }
        }
        self.come_to_rest(true);
        assert!(self.members.is_empty(), "who left is forgotten");
        (0..4 * self.kit.shards.len()).for_each(|at| {
            let shard = at % self.kit.shards.len();
            self.kit.shards[shard].sweep(self.kit.now_ms);
            self.look(shard);
        });
        self.check_totals();
        // What is lost to one that has yet to come so far is dropped, and no sign that anybody is busy.
        assert!(self.busy <= self.dropped, "{} of {} in the notices of busy targets", self.busy, self.dropped);
        assert!(self.has_resumed || self.busy == self.dropped);
        let registry = self.hub().registry();
        assert_eq!((registry.connections(), registry.estimate(&[Target::All, Target::Channel(channel("a"))])), (0, 0));
        (0..5).for_each(|u| assert!(self.hub().registry().connections_of(&client(&format!("u{u}"))).is_empty()));
        assert_eq!(self.hub().ring_bytes(), 0);
        let is_free = |shard: &Shard<_>| shard.inbox().load() == Amount::default();
        assert!(self.kit.shards.iter().all(is_free), "no place is held for nobody");
        assert!(self.kit.shards.iter().all(|shard| shard.open() == 0));
        (self.closed, self.delivered)
    }

    /// Adds the figures of a member that has gone.
    pub(super) fn count(&mut self, account: &Account) {
        self.dropped += account.dropped;
        self.all.matched += account.matched;
        self.all.replayed += account.replayed;
        self.all.written += account.written;
        self.all.dropped += account.dropped;
        self.all.repaired += account.repaired;
        self.all.lost += account.lost;
        self.abandoned += account.lag();
    }

    /// Checks the totals of the hub against those of all that were there.
    fn check_totals(&self) {
        let Figures { totals, events, .. } = self.hub().figures();
        let Account { matched, replayed, written, dropped, repaired, lost, .. } = self.all;
        assert_eq!((totals.matched, totals.replayed - totals.reread, totals.written), (matched, replayed, written));
        assert_eq!((totals.dropped, totals.repaired, totals.lost), (dropped, repaired, lost));
        assert_eq!((totals.abandoned, totals.opened), (self.abandoned, self.closed as u64));
        assert_eq!(totals.closed.iter().sum::<u64>(), totals.opened);
        assert_eq!(matched + replayed, written + lost + self.abandoned, "each delivery is made, lost or left");
        assert!(totals.written_bytes >= 8 * totals.written, "an event has a line at least");
        assert!(events >= self.log.entries.len() as u64);
    }

    /// Drains the hub. Publishers that wait at the gate are refused.
    pub(super) fn drain(&mut self) {
        self.come_to_rest(false);
        for _ in 0..12 {
            self.publish();
        }
        self.take_submissions();
        self.is_draining = true;
        self.hub().drain();
        for mut refused in std::mem::take(&mut self.publishing) {
            if refused.committed.is_some() || self.is_outside(refused.number) {
                self.publishing.push(refused);
                continue;
            }
            assert!(refused.flag.take(), "who waits at the gate is woken by a drain");
            let answer = refused.future.as_mut().poll(&mut Context::from_waker(&refused.flag.waker()));
            assert!(matches!(answer, Poll::Ready(Err(fanfare_core::PublishError::Draining))));
        }
    }
}
