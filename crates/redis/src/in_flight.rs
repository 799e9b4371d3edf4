//! [`InFlight`]: submissions and events on their way between the desk and the Stream, in both directions. They outlive
//! links.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    ops::Range,
    task::Context,
    time::{Duration, Instant},
};

use fanfare_core::{
    EventId, GapReason,
    journal::{Desk, Settled, Submission},
};

/// Submissions on their way to Redis, and events on their way to the desk.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// Submissions that were taken from the desk and not sent yet.
    unsent: Vec<Submission>,
    /// Sent submissions, by the number that this node gave them, until the Stream brings them back.
    sent: BTreeMap<u64, Sent>,
    next: u64,
    /// Events that were read and not handed over yet.
    settled: VecDeque<Settled>,
    /// Id up to which the Stream was read.
    cursor: EventId,
}

#[derive(Debug)]
struct Sent {
    submission: Submission,
    at: Instant,
    /// Upper bound of the submission's id, once Redis has answered.
    upto: Option<EventId>,
}

impl InFlight {
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.sent.is_empty() && self.settled.is_empty()
    }

    /// Fetches the submissions that wait at the desk. False if none are unsent then.
    pub(crate) fn fetch(&mut self, desk: &dyn Desk, cx: &Context<'_>) -> bool {
        desk.take(&mut self.unsent, cx);
        self.has_unsent()
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Takes all unsent submissions.
    pub(crate) fn take_unsent(&mut self) -> Vec<Submission> {
        mem::take(&mut self.unsent)
    }

    /// Takes the first unsent submissions, at most `events_max` and `bytes_max`, but one of any size.
    pub(crate) fn take_group(&mut self, events_max: usize, bytes_max: usize) -> Vec<Submission> {
        let mut bytes = 0_usize;
        let is_over = |submission: &Submission| {
            bytes = bytes.saturating_add(submission.event().data().len());
            bytes > bytes_max
        };
        let unsent = &mut self.unsent;
        let fit = unsent.iter().position(is_over).unwrap_or(unsent.len()).clamp(1, events_max).min(unsent.len());
        unsent.drain(..fit).collect()
    }

    /// Id up to which the Stream was read.
    pub(crate) fn cursor(&self) -> EventId {
        self.cursor
    }

    /// Notes that the Stream was read up to `id`.
    pub(crate) fn read_up_to(&mut self, id: EventId) {
        self.cursor = id;
    }

    /// Adds an event that was read.
    pub(crate) fn push(&mut self, settled: Settled) {
        self.settled.push_back(settled);
    }

    /// Adds the news that events up to `upto` may be missing. Losses with no event between them are one.
    pub(crate) fn lose(&mut self, upto: EventId, reason: GapReason) {
        match self.settled.back_mut() {
            Some(Settled::Lost(last, before)) if *before == reason => *last = upto,
            _ => self.push(Settled::Lost(upto, reason)),
        }
    }

    /// Hands over the events that were read, as far as there is room. False if some are left. Then the caller is woken when
    /// there is room.
    pub(crate) fn settle(&mut self, desk: &dyn Desk, cx: &Context<'_>) -> bool {
        desk.settle(&mut self.settled, cx);
        self.settled.is_empty()
    }

    /// Whether the desk has all events up to `id`.
    pub(crate) fn has_settled(&self, id: EventId) -> bool {
        self.cursor >= id && self.settled.is_empty()
    }

    /// The number of the next submission.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Notes that these submissions are sent, in this order. Returns their numbers.
    pub(crate) fn send(&mut self, submissions: Vec<Submission>) -> Range<u64> {
        let (first, at) = (self.next, Instant::now());
        for submission in submissions {
            self.sent.insert(self.next, Sent { submission, at, upto: None });
            self.next += 1;
        }
        first..self.next
    }

    /// Takes one submission out: it has an id now, or will get none.
    pub(crate) fn take(&mut self, number: u64) -> Option<Submission> {
        self.sent.remove(&number).map(|sent| sent.submission)
    }

    /// Takes all submissions with these numbers that are still there.
    pub(crate) fn take_all(&mut self, numbers: Range<u64>) -> Vec<Submission> {
        let found: Vec<_> = self.sent.range(numbers).map(|(number, _)| *number).collect();
        found.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// Notes that Redis has appended these submissions, the last of them with this id.
    pub(crate) fn appended(&mut self, numbers: Range<u64>, last: EventId) {
        self.sent.range_mut(numbers).for_each(|(_, sent)| sent.upto = Some(last));
    }

    /// Takes the submissions that should have come by now. The Stream was trimmed before they could be read.
    pub(crate) fn take_passed(&mut self) -> Vec<Submission> {
        let cursor = self.cursor;
        let is_passed = |sent: &Sent| sent.upto.is_some_and(|upto| upto <= cursor);
        // The answered submissions are the oldest.
        let answered = self.sent.iter().take_while(|(_, sent)| sent.upto.is_some());
        let passed: Vec<_> = answered.filter(|(_, sent)| is_passed(sent)).map(|(number, _)| *number).collect();
        passed.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// Takes the submissions below the number `end`.
    pub(crate) fn take_below(&mut self, end: u64) -> Vec<Submission> {
        let above = self.sent.split_off(&end);
        mem::replace(&mut self.sent, above).into_values().map(|sent| sent.submission).collect()
    }

    /// Takes the submissions below the number `end` that were sent at least `age` ago.
    pub(crate) fn take_older(&mut self, age: Duration, end: u64) -> Vec<Submission> {
        let now = Instant::now();
        let mut older = Vec::new();
        while let Some(first) = self.sent.first_entry()
            && *first.key() < end
            && now.saturating_duration_since(first.get().at) >= age
        {
            older.push(first.remove().submission);
        }
        older
    }
}
