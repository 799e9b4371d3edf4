//! [`Order`] as a [`Desk`]: an external journal takes submissions here and settles them in its own order.
//!
//! The order of settling is the order of the hub. There is one journal, and it calls from one thread at a time.
//!
//! A submission has its room promised in every inbox before the journal can take it. Events of others have no promise, so they
//! wait while an inbox is more than half full. Promised room does not count as full here, because a submission may be settled
//! behind the very event that waits.

use std::{collections::VecDeque, task::Context};

use crate::{
    event::{
        event_id::EventId,
        gap::{Gap, GapReason},
        target::Target,
    },
    history::past::Past,
    order::{
        Locked, Order,
        answer::{Answer, PublishError, Refusal},
        journal::{Desk, Holds, Kept, KeptKey, Oldest, Settled},
        submission::{Publish, Submission},
        wakes::Wakes,
    },
};

/// Events that are settled under one lock. Readers and subscribers wait meanwhile.
const STEP: usize = 64;
/// Bytes of others' events that are settled under one lock.
const STEP_BYTES: usize = 1 << 20;

/// A [`Settled`] with its event encoded, for the work under the lock.
enum Prepared {
    Own(EventId, Submission),
    Other(EventId, Publish),
    Lost(EventId, GapReason),
    Answered(Submission, Result<Answer, PublishError>),
}

impl<S: Send> Desk for Order<S> {
    fn restore(&self, kept: Kept) {
        let Kept { id, event, key } = kept;
        let draft = event.map(|event| self.draft(event));
        let now_ms = self.unix_ms();
        let mut locked = self.lock();
        if let Some(draft) = draft {
            if let Some(channel) = draft.purges() {
                locked.history.purge(id, channel);
            } else {
                locked.history.append(id, draft, now_ms);
            }
        }
        if let Some(KeptKey { claim, matched }) = key {
            locked.keys.store(claim, Answer { matched, ..Answer::of(id) });
        }
    }

    fn restore_past(&self, past: Past) {
        self.lock().history.restore_past(past);
        self.external.set_ready();
    }

    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>) {
        self.external.register(cx);
        self.lock().submissions.take(group);
    }

    fn is_closed(&self) -> bool {
        let locked = self.lock();
        (self.drain.has_begun() || locked.submissions.is_closed()) && locked.submissions.are_taken()
    }

    fn settle(&self, settled: &mut VecDeque<Settled>, cx: &Context<'_>) {
        while !settled.is_empty() {
            let step = self.prepare(settled, cx);
            if step.is_empty() {
                return;
            }
            self.settle_step(step);
        }
    }

    fn question(&self, cx: &Context<'_>) -> u64 {
        self.external.register(cx);
        self.external.question()
    }

    fn answer(&self, question: u64) {
        self.external.answer(question);
    }

    fn set_trouble(&self, trouble: Option<String>) {
        self.external.set_trouble(trouble);
    }

    fn oldest(&self) -> Oldest {
        let mut locked = self.lock();
        Oldest { event: locked.history.oldest(), key: locked.keys.oldest() }
    }

    fn holds(&self, published: &[(EventId, &[Target])]) -> Vec<Holds> {
        let locked = self.lock();
        let holds = |(id, targets): &(EventId, &[Target])| Holds {
            event: locked.history.holds(*id, targets),
            key: locked.keys.holds(*id),
        };
        published.iter().map(holds).collect()
    }

    fn held_bytes(&self) -> usize {
        let locked = self.lock();
        locked.history.bytes() + locked.keys.bytes()
    }
}

impl<S> Order<S> {
    /// Takes a few from the front and encodes them, without the lock. Takes none if the first has to wait for room.
    fn prepare(&self, settled: &mut VecDeque<Settled>, cx: &Context<'_>) -> Vec<Prepared> {
        let (mut step, mut bytes) = (Vec::new(), 0);
        let mut has_room = None;
        while step.len() < STEP
            && let Some(next) = settled.pop_front()
        {
            let needs_room = matches!(next, Settled::Other(..) | Settled::Lost(..));
            let is_too_much = needs_room && bytes > 0 && bytes >= STEP_BYTES.min(self.inbox_bytes_max);
            if is_too_much || (needs_room && !*has_room.get_or_insert_with(|| self.has_room_for_others(cx))) {
                settled.push_front(next);
                break;
            }
            step.push(match next {
                Settled::Own(id, submission) => Prepared::Own(id, submission),
                Settled::Other(id, event) => {
                    let draft = self.draft(event);
                    bytes += draft.bytes_max();
                    Prepared::Other(id, Publish { draft, claim: None, matched: 0, tally: None })
                }
                Settled::Lost(upto, reason) => Prepared::Lost(upto, reason),
                Settled::Repeat { submission, id, matched } => {
                    Prepared::Answered(submission, Ok(Answer { matched, is_repeat: true, ..Answer::of(id) }))
                }
                Settled::Refused(submission, refusal) => Prepared::Answered(submission, Err(refusal.into())),
            });
        }
        step
    }

    /// Whether every inbox is at most half full. If not, wakes the journal of `cx` once they are.
    fn has_room_for_others(&self, cx: &Context<'_>) -> bool {
        self.gate.poll_journal(cx, || self.inboxes.iter().all(|inbox| inbox.is_half_empty()))
    }

    fn settle_step(&self, step: Vec<Prepared>) {
        let now_ms = self.unix_ms();
        let mut wakes = self.wakes();
        let mut locked = self.lock();
        wakes.add_shards();
        for prepared in step {
            // No event may follow the last item of a drain. The clients come back to another node and get the rest there.
            if self.is_over(&locked) {
                break;
            }
            match prepared {
                Prepared::Own(id, submission) => self.settle_own(&mut locked, id, submission, now_ms, &mut wakes),
                Prepared::Other(id, publish) => {
                    self.hand_over(&mut locked, id, publish, now_ms);
                }
                Prepared::Lost(upto, reason) => {
                    let from = Some(locked.history.last());
                    self.lose(&mut locked, Gap { from, to: Some(upto), missed: None, reason }, upto);
                }
                Prepared::Answered(submission, result) => {
                    self.settle_unpublished(&mut locked, submission, result, &mut wakes)
                }
            }
        }
    }

    /// Settles a submission with its id.
    fn settle_own(
        &self,
        locked: &mut Locked,
        id: EventId,
        submission: Submission,
        now_ms: u64,
        wakes: &mut Wakes<'_, S>,
    ) {
        let room = submission.room();
        let Submission { mut publish, reply, .. } = submission;
        // A shared journal answers repeats of a key itself.
        if locked.history.is_shared()
            && let Some(claim) = publish.claim.take()
        {
            locked.keys.give_up(&claim);
        }
        let answer = self.hand_over(locked, id, publish, now_ms);
        self.answered(locked, room);
        wakes.add(reply.give(Ok(answer)));
    }

    /// Answers a submission with `result`, without publishing it. The next publisher has room then.
    fn settle_unpublished(
        &self,
        locked: &mut Locked,
        submission: Submission,
        result: Result<Answer, PublishError>,
        wakes: &mut Wakes<'_, S>,
    ) {
        let room = submission.room();
        if let Some(claim) = &submission.publish.claim {
            locked.keys.give_up(claim);
        }
        self.answered(locked, room);
        wakes.add(submission.reply.give(result));
        wakes.add(self.gate.first());
    }

    /// Gives the journal nothing more. The journal ends once it has answered the waiting submissions.
    pub(crate) fn close_journal(&self) {
        self.lock().submissions.close();
        self.external.wake();
    }
}

impl<S: Send> Order<S> {
    /// Notes that the journal has ended, in order or not. All that wait for it are answered, and publishes are refused.
    pub(crate) fn journal_ended(&self) {
        let mut wakes = self.wakes();
        let mut locked = self.lock();
        locked.submissions.close();
        let mut waiting = Vec::new();
        locked.submissions.take(&mut waiting);
        wakes.add(self.gate.all());
        for submission in waiting {
            self.settle_unpublished(&mut locked, submission, Err(Refusal::NotPublished.into()), &mut wakes);
        }
        // The journal has taken the others and never answered them.
        let was_over = locked.submissions.is_empty();
        locked.submissions.give_up();
        let is_draining = self.drain.has_begun();
        if is_draining && !was_over {
            self.post_drain();
        }
        wakes.add_shards();
        drop(locked);
        self.external.answer_all();
        if !is_draining {
            self.external.set_trouble(Some("it has ended".to_owned()));
        }
    }
}
