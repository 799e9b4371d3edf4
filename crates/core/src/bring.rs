//! What a journal that others write to as well brings back ([`crate::Desk::bring`]): submissions of this hub, events from
//! elsewhere, and that something was missed.
//!
//! Submissions are promised their room when they are left at the desk. Events from elsewhere are not, so the journal waits with
//! them while an inbox is more than half full. Promised room does not count there: the submission that it is for may come
//! behind an event that waits.

use std::{
    collections::VecDeque,
    task::{Context, Waker},
};

use crate::{
    event_id::EventId,
    gap::{Gap, GapReason},
    hub::Hub,
    idempotency::Answer,
    inbox::Item,
    journal::Brought,
    message::Draft,
    order::Order,
    submission::Submission,
    sync::Ordering,
};

/// Handed over under one lock: readers and subscribers wait for as long.
const STEP: usize = 64;
/// The same, in bytes of events from elsewhere.
const STEP_BYTES: usize = 1 << 20;

/// One that is ready to be handed over.
enum Ready {
    Own(EventId, Submission),
    Other(EventId, Draft),
    Lost(EventId, GapReason),
}

impl<S> Hub<S> {
    /// Whether more may be brought; if not, whoever has this `cx` is woken when it may.
    pub(crate) fn has_room_to_bring(&self, cx: &Context<'_>) -> bool {
        let mut has_room = self.is_half_empty();
        if !has_room {
            self.room_waker.register(cx.waker());
            // SeqCst: announce, then look again; a shard frees, then looks for announcements (`Hub::release`).
            self.journal_waits.store(true, Ordering::SeqCst);
            has_room = self.is_half_empty();
        }
        if has_room {
            self.journal_waits.store(false, Ordering::SeqCst);
        }
        has_room
    }

    fn is_half_empty(&self) -> bool {
        self.inboxes.iter().all(|inbox| inbox.is_half_empty())
    }

    /// Hands over a few, from the front.
    pub(crate) fn bring_some(&self, brought: &mut VecDeque<Brought>) {
        let step = self.prepare(brought);
        let now_ms = self.unix_ms();
        let mut order = self.order();
        let mut wakers = Vec::new();
        for ready in step {
            // Behind the last item of a drain nothing may follow; who is cut off comes back to another node.
            if order.is_draining && order.submissions.unanswered == 0 {
                break;
            }
            match ready {
                Ready::Own(id, submission) => wakers.extend(self.bring_own(&mut order, id, submission, now_ms)),
                Ready::Other(id, draft) => {
                    let answer = Answer { id, matched: 0, tally: None, is_repeat: false };
                    self.hand_over(&mut order, id, draft, None, answer, now_ms);
                }
                Ready::Lost(upto, reason) => self.bring_loss(&mut order, upto, reason),
            }
        }
        drop(order);
        self.wake_shards();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Encodes, outside of any lock.
    fn prepare(&self, brought: &mut VecDeque<Brought>) -> Vec<Ready> {
        let (mut step, mut bytes) = (Vec::new(), 0);
        while step.len() < STEP
            && bytes < STEP_BYTES.min(self.config().inbox_bytes_max)
            && let Some(next) = brought.pop_front()
        {
            step.push(match next {
                Brought::Own(id, submission) => Ready::Own(id, submission),
                Brought::Lost(upto, reason) => Ready::Lost(upto, reason),
                Brought::Other(id, event) => {
                    let draft = self.draft(event);
                    bytes += draft.bytes_max();
                    Ready::Other(id, draft)
                }
            });
        }
        step
    }

    fn bring_own(&self, order: &mut Order, id: EventId, submission: Submission, now_ms: u64) -> Vec<Waker> {
        let Submission { draft, claim, answer, promise, .. } = submission;
        let bytes_max = draft.bytes_max();
        if let Some(claim) = &claim {
            order.idempotency.give_up(claim);
        }
        let answer = self.hand_over(order, id, draft, None, answer, now_ms);
        self.answered(order, bytes_max);
        promise.keep(Ok(answer))
    }

    /// Everybody is told who is connected, and whoever comes later with an older cursor.
    fn bring_loss(&self, order: &mut Order, upto: EventId, reason: GapReason) {
        let from = order.journal.last();
        order.journal.lose(upto, reason);
        let gap = Gap { from: Some(from), to: Some(upto), missed: None, reason };
        for inbox in &self.inboxes {
            // Many of them must not pile up either.
            inbox.push_counted(Item::Lost(gap), 0);
        }
    }
}
