//! [`Journal`]: what orders and keeps events somewhere else than in the hub's memory; and [`Desk`], the hub as such a
//! journal sees it: it takes submissions there and brings them back in their order.
//!
//! The hub's history is fed with what comes back, so reading never waits for a journal. Whatever is brought back first is
//! first for everybody: there is one journal, and it calls from one thread at a time.

use std::{io, task::Context};

use crate::{
    event::Event,
    event_id::EventId,
    hub::Hub,
    idempotency::{Answer, IdempotencyKey},
    submission::Submission,
    target::Target,
};

/// Orders and keeps events outside of the hub.
pub trait Journal: Send {
    /// Gives the hub what was kept before ([`Desk::restore`] in the order of ids, then [`Desk::restore_past`]). Called once,
    /// before there are publishers and subscribers.
    ///
    /// # Errors
    /// It cannot be read; the hub is not to be used then.
    fn restore(&mut self, desk: &dyn Desk) -> io::Result<()>;

    /// Takes submissions and brings each back, until [`Desk::is_closed`]; returns when what it has is safe. Called once,
    /// on a thread of its own.
    ///
    /// # Errors
    /// It cannot begin, or what it has may not be safe.
    fn run(self: Box<Self>, desk: &dyn Desk) -> io::Result<()>;
}

/// What a journal knows of its past, besides the events.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Where it begins: no event of it has an id at or below this one.
    pub born: EventId,
    /// At or above every id that anybody may have seen; the next one is above it.
    pub last: EventId,
    /// Events up to here may have been acknowledged and are lost, whatever their targets; at least `born`.
    pub lost: EventId,
    /// Events up to here may have been given up, whatever their targets.
    pub given_up: EventId,
    /// Events of a target up to an id were given up.
    pub marks: Vec<(Target, EventId)>,
}

/// An event that a journal has kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its place in the order.
    pub id: EventId,
    /// What its publisher gave. Live only: it is there for its key alone.
    pub event: Event,
    /// What its publisher called it.
    pub key: Option<IdempotencyKey>,
    /// The answer that its publisher had.
    pub matched: usize,
}

/// Why submissions were not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing of them is in the journal.
    NotPublished,
    /// They may turn up in it later.
    Unknown,
}

/// A hub whose events are ordered by a journal outside of it.
pub trait Desk: Send + Sync {
    /// One event from before, newer than those given so far.
    fn restore(&self, kept: Kept);

    /// What there is to know besides the events from before. Called once, behind them.
    fn restore_past(&self, past: Past);

    /// Moves what waits into `group`, in the order in which it came, and registers the caller to be woken when more
    /// comes, or when it is closed.
    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>);

    /// Whether nothing waits and nothing more will come.
    fn is_closed(&self) -> bool;

    /// The journal has these, with ids that rise from call to call: now they are everybody's.
    fn commit(&self, group: &mut dyn Iterator<Item = (EventId, Submission)>);

    /// The journal does not have these.
    fn refuse(&self, group: &mut dyn Iterator<Item = Submission>, refusal: Refusal);

    /// What keeps the journal from taking events, for whoever asks after its health; `None`: nothing.
    fn set_trouble(&self, trouble: Option<String>);

    /// The oldest id that the history or a key still holds.
    fn oldest(&self) -> Option<EventId>;

    /// For each event, whether the history or a key still holds it.
    fn holds(&self, events: &[(EventId, &[Target])]) -> Vec<bool>;

    /// Bytes of memory that the history takes.
    fn history_bytes(&self) -> usize;
}

/// Events that are committed under one lock: readers and subscribers wait for as long.
const COMMIT_STEP: usize = 64;

impl<S: Send> Desk for Hub<S> {
    fn restore(&self, kept: Kept) {
        let Kept { id, event, key, matched } = kept;
        let claim = key.map(|key| self.claim(&key, &event));
        let draft = self.draft(event);
        let now_ms = self.unix_ms();
        let mut order = self.order();
        order.journal.append(id, draft, now_ms);
        if let Some(claim) = claim {
            order.idempotency.store(claim, Answer { id, matched, tally: None });
        }
    }

    fn restore_past(&self, past: Past) {
        self.order().journal.restore_past(past);
    }

    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>) {
        // Register, then look.
        self.journal.register(cx.waker());
        if let Some(submissions) = &mut self.order().submissions {
            group.append(&mut submissions.waiting);
        }
    }

    fn is_closed(&self) -> bool {
        let order = self.order();
        order.is_draining && order.submissions.as_ref().is_none_or(|submissions| submissions.waiting.is_empty())
    }

    fn commit(&self, group: &mut dyn Iterator<Item = (EventId, Submission)>) {
        let mut wakers = Vec::new();
        loop {
            let step: Vec<_> = group.take(COMMIT_STEP).collect();
            if step.is_empty() {
                return;
            }
            let now_ms = self.unix_ms();
            let mut order = self.order();
            for (id, submission) in step {
                let Submission { draft, claim, answer, ticket, .. } = submission;
                let bytes_max = draft.bytes_max();
                let answer = self.hand_over(&mut order, id, draft, claim, answer, now_ms);
                self.unreserve(bytes_max);
                wakers.push(ticket.settle(Ok(answer)));
                self.answered(&mut order);
            }
            drop(order);
            self.wake_shards();
            wakers.drain(..).flatten().for_each(std::task::Waker::wake);
        }
    }

    fn refuse(&self, group: &mut dyn Iterator<Item = Submission>, refusal: Refusal) {
        let mut wakers = Vec::new();
        let mut order = self.order();
        for submission in group {
            let Submission { draft, claim, ticket, .. } = submission;
            if let Some(claim) = &claim {
                order.idempotency.give_up(claim);
            }
            self.unreserve(draft.bytes_max());
            wakers.push(ticket.settle(Err(refusal.into())));
            self.answered(&mut order);
        }
        // There is room again.
        wakers.push(order.gate.first().into_iter().collect());
        drop(order);
        self.wake_shards();
        wakers.into_iter().flatten().for_each(std::task::Waker::wake);
    }

    fn set_trouble(&self, trouble: Option<String>) {
        Self::set_trouble(self, trouble);
    }

    fn oldest(&self) -> Option<EventId> {
        let mut order = self.order();
        let of_keys = order.idempotency.oldest();
        order.journal.oldest().into_iter().chain(of_keys).min()
    }

    fn holds(&self, events: &[(EventId, &[Target])]) -> Vec<bool> {
        let order = self.order();
        let holds =
            |(id, targets): &(EventId, &[Target])| order.journal.holds(*id, targets) || order.idempotency.holds(*id);
        events.iter().map(holds).collect()
    }

    fn history_bytes(&self) -> usize {
        Self::history_bytes(self)
    }
}
