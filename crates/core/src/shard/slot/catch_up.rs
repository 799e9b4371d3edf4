//! A slot that misses events and catches up: it is fed from the history, after its start or after its ring was full. If the history
//! has lost some of its events, the client receives a gap.

use crate::{
    config::Config,
    event::{
        account::Fate,
        event_id::EventId,
        gap::{Gap, GapReason},
        message::Message,
        notice::CloseReason,
    },
    history::read::{Batch, Hole},
    policy::Policy,
    queue::{
        outlet::{Outlet, Socket},
        subscriber::Form,
    },
    shard::{
        envelope::envelope,
        ledger::Ledger,
        slot::Slot,
        state::{Asked, CatchUp, GoesOn, State},
    },
};

impl<S: Socket> Slot<S> {
    /// Whether the slot gets nothing live, and goes on as soon as its outlet has taken everything.
    pub(crate) fn is_behind(&self) -> bool {
        match &self.state {
            State::CatchUp(catch_up) => catch_up.asked == Asked::No,
            State::Dropping => true,
            _ => false,
        }
    }

    /// Has the slot wait for its turn to ask, if it has to be fed from the history up to `position` before it goes live. False if
    /// it may go live.
    pub(crate) fn line_up_for_history(&mut self, position: EventId) -> bool {
        match &mut self.state {
            State::CatchUp(catch_up) if catch_up.cursor < position => {
                catch_up.asked = Asked::Soon;
                true
            }
            _ => false,
        }
    }

    /// Whether the slot waits for its turn to ask.
    pub(crate) fn is_to_ask(&self) -> bool {
        matches!(&self.state, State::CatchUp(catch_up) if catch_up.asked == Asked::Soon)
    }

    /// Asks for the events above the id that this returns, with [`Query::checked`](crate::history::read::Query::checked).
    pub(crate) fn ask(&mut self) -> Option<(EventId, u64)> {
        let State::CatchUp(catch_up) = &mut self.state else { return None };
        catch_up.asked = Asked::Yes { owed: self.account.owed };
        Some((catch_up.cursor, catch_up.checked))
    }

    /// Whether the outlet has taken everything and would take more. A body that has not says so later.
    pub(crate) fn want_all_taken(&self) -> bool {
        match &self.outlet {
            Outlet::Unattached => false,
            Outlet::Body { port, .. } => port.want_empty(),
            Outlet::Socket { .. } => self.is_flushed() && !self.is_full,
        }
    }

    /// Counts a message that cannot go out now: the history owes it, or it is lost.
    pub(crate) fn skip(&mut self, message: &Message, ledger: &mut Ledger) -> Fate {
        let (is_repaired, is_busy) = match (&self.state, self.subscriber.policy) {
            (State::CatchUp(catch_up), _) => (message.is_kept(), catch_up.is_busy),
            // The client comes back for it.
            (_, Policy::Close) => (message.is_kept(), true),
            _ => (false, true),
        };
        if is_repaired {
            self.account.dropped += u64::from(is_busy);
            ledger.totals.dropped += u64::from(is_busy);
            self.account.owed += 1;
            return Fate::Owed { is_busy };
        }
        self.account.dropped += 1;
        self.account.lost += 1;
        ledger.totals.count_lost(1);
        self.losses_mut().lose(1, message.id());
        Fate::Lost { is_busy }
    }

    /// Takes a batch of the history. The gap goes first, then as many messages as there is room for. The rest is read again.
    pub(crate) fn take_batch(&mut self, batch: Batch, config: &Config, ledger: &mut Ledger, now_ms: u64) {
        let State::CatchUp(catch_up) = &self.state else { return };
        let CatchUp { cursor, is_busy, asked: Asked::Yes { owed }, .. } = **catch_up else { return };
        // A batch by pattern may only say how far it has looked. The stream is as silent as before.
        if !batch.messages.is_empty() || batch.hole.is_some() {
            self.begin_to_wait(ledger, now_ms);
        }
        let older = batch.hole.as_ref().and_then(|hole| self.note_hole(hole, owed, cursor, is_busy, ledger));
        let newer = self.tell_loss(ledger);
        if let Some(hole) = &batch.hole {
            self.trail_mut().miss(cursor, hole.to, [older, newer], &mut ledger.room);
        }
        let (mut is_whole, mut cursor, opened) = (true, cursor, self.subscriber.opened);
        for message in batch.messages {
            let message = match self.form {
                Form::Plain => message,
                Form::Envelope => envelope(&message, &self.subscriber),
            };
            let ring = self.ring_or_new(config);
            is_whole = ring.has_room(message.bytes());
            if !is_whole {
                break;
            }
            let is_of_its_time = message.id() > opened;
            if is_busy && is_of_its_time {
                ledger.accounts.note_repaired(&message);
                ledger.totals.repaired += 1;
            }
            ledger.totals.replayed += u64::from(!is_of_its_time);
            if is_of_its_time && !is_busy {
                self.note_fed(ledger, now_ms);
            }
            cursor = message.id();
            if let Some(setbacks) = &mut self.setbacks {
                setbacks.trail.give(cursor);
            }
            let ring = self.ring_or_new(config);
            let pushed = ring.push(message);
            debug_assert!(pushed.is_ok(), "there is room");
            let account = &mut self.account;
            account.position = cursor;
            account.replayed += u64::from(!is_of_its_time);
            account.owed = account.owed.saturating_sub(u64::from(is_of_its_time));
            account.repaired += u64::from(is_busy && is_of_its_time);
        }
        let cursor = if is_whole { batch.next.max(cursor) } else { cursor };
        self.state = State::CatchUp(Box::new(CatchUp { cursor, is_busy, checked: batch.checked, asked: Asked::No }));
    }

    /// Notes that the history gives events that were published since the stream is open.
    fn note_fed(&mut self, ledger: &mut Ledger, now_ms: u64) {
        let opened = self.subscriber.opened;
        let trail = self.trail_mut();
        if !trail.is_repairing() {
            trail.repair(opened, now_ms, &mut ledger.room);
        }
    }

    /// Notes that the history has lost events. Those published since the connection is open are counted: the history owed `owed` of
    /// them, and has `hole.kept`.
    fn note_hole(
        &mut self,
        hole: &Hole,
        owed: u64,
        cursor: EventId,
        is_busy: bool,
        ledger: &mut Ledger,
    ) -> Option<Gap> {
        let opened = self.subscriber.opened;
        // Nobody counted events that are older than the connection.
        let older = hole.to.min(opened);
        let gap = (cursor < opened && older > self.known()).then(|| {
            let (from, to, reason) = (Some(self.account.position), Some(older), hole.reason);
            let gap = Gap { from, to, missed: None, reason };
            self.with_front(|front| front.push(gap));
            ledger.totals.count_gap(&gap);
            gap
        });
        self.losses_mut().learn(hole.to);
        let lost = owed.saturating_sub(hole.kept);
        self.account.owed -= lost;
        self.account.lost += lost;
        if !is_busy {
            self.account.dropped += lost;
            ledger.totals.dropped += lost;
        }
        ledger.accounts.note_gone(&hole.target, lost);
        ledger.totals.lost += lost;
        if lost > 0 {
            self.losses_mut().lose(lost, hole.to);
        }
        gap
    }

    /// Puts a gap that every stream receives before the ring, so that no client comes behind it without knowing. A slot that is
    /// further behind may get it twice.
    pub(crate) fn tell(&mut self, gap: Gap, ledger: &mut Ledger, now_ms: u64) {
        if self.is_closing() {
            return;
        }
        self.begin_to_wait(ledger, now_ms);
        let is_new = self.with_front(|front| match front.last_mut() {
            // The one before has not left yet.
            Some(last) if last.missed.is_none() && last.reason == gap.reason => {
                last.to = gap.to;
                false
            }
            _ => {
                front.push(gap);
                true
            }
        });
        if is_new {
            ledger.totals.count_gap(&gap);
        }
        self.trail_mut().lose(gap, &mut ledger.room);
    }

    /// Events up to this id may be missing without a gap.
    fn known(&self) -> EventId {
        self.setbacks.as_ref().map_or(EventId::ZERO, |setbacks| setbacks.losses.known())
    }

    /// Turns the loss behind the ring into a gap: everything before it has been taken.
    fn tell_loss(&mut self, ledger: &mut Ledger) -> Option<Gap> {
        let (missed, to) = self.setbacks.as_mut()?.losses.take_behind()?;
        let from = self.account.position.max(self.subscriber.opened.min(to));
        let gap = Gap { from: Some(from), to: Some(to), missed: Some(missed), reason: GapReason::Busy };
        self.with_front(|front| front.push(gap));
        ledger.totals.count_gap(&gap);
        // A slot that catches up loses only events that no history keeps. The others are in the hole of a batch.
        let is_all = matches!(self.state, State::Dropping);
        self.trail_mut().drop_all(gap, is_all, &mut ledger.room);
        Some(gap)
    }

    /// Goes live: the client has everything up to now, or receives a gap. If the stream is about to end, the client finds what the
    /// history still owes by its cursor.
    pub(crate) fn go_live(&mut self, ledger: &mut Ledger, now_ms: u64) {
        self.tell_loss(ledger);
        if let (State::CatchUp(catch_up), Some(setbacks)) = (&self.state, &mut self.setbacks) {
            setbacks.trail.repaired(catch_up.cursor, now_ms);
        }
        self.state = State::Live;
    }

    /// Whether `message` was published while the connection was open.
    fn is_of_its_time(&self, message: &Message) -> bool {
        message.id() > self.subscriber.opened
    }

    /// Empties the ring; a partly written message stays. The history owes the messages then, or they are lost.
    ///
    /// # Errors
    /// The policy is to close the connection.
    pub(crate) fn empty_ring(&mut self, ledger: &mut Ledger, now_ms: u64) -> GoesOn {
        let mut emptied: Vec<_> = match (&self.outlet, &self.ring) {
            (Outlet::Body { port, .. }, _) => port.empty(),
            (_, Some(ring)) => std::iter::from_fn(|| ring.pop()).collect(),
            (_, None) => return Ok(()),
        };
        emptied.retain(|message| message.id() != EventId::ZERO);
        let Some(first) = emptied.first() else { return Ok(()) };
        self.is_unread = matches!(self.outlet, Outlet::Body { .. });
        let (before, mut ends) = (first.id().before(), Ok(()));
        if let Some(setbacks) = &mut self.setbacks {
            setbacks.trail.take_back(before);
        }
        match (&mut self.state, self.subscriber.policy) {
            (State::CatchUp(catch_up), _) => {
                catch_up.cursor = before;
                catch_up.asked = Asked::No;
            }
            (State::Live, Policy::Repair) => self.repair(before, ledger, now_ms),
            (_, Policy::Close) => ends = Err(CloseReason::Busy),
            (_, Policy::Repair | Policy::DropNewest | Policy::DropOldest) => {
                self.lose_all(&emptied, ledger);
                return Ok(());
            }
        }
        self.account.position = before;
        for message in &emptied {
            if self.is_of_its_time(message) {
                let fate = self.skip(message, ledger);
                ledger.accounts.note(message, fate);
            } else {
                self.account.replayed -= 1;
                ledger.totals.reread += 1;
            }
        }
        ends
    }
}
