//! [`Pending`]: submissions and events on their way between the desk and the Stream, in both directions. Pending
//! outlives links.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    ops::Range,
    time::{Duration, Instant},
};

use fanfare_core::{
    EventId,
    journal::{Settled, Submission},
};

/// Submissions on their way to Redis, and events on their way to the desk.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Submissions that were taken from the desk and not sent yet.
    pub(crate) unsent: Vec<Submission>,
    /// Sent submissions, by the number that this node gave them, until the Stream brings them back.
    sent: BTreeMap<u64, Sent>,
    next: u64,
    /// Events that were read and not handed over yet.
    pub(crate) settled: VecDeque<Settled>,
    /// Id up to which the Stream was read.
    pub(crate) cursor: EventId,
}

#[derive(Debug)]
struct Sent {
    submission: Submission,
    at: Instant,
    /// Upper bound of the submission's id, once Redis has answered.
    upto: Option<EventId>,
}

impl Pending {
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.sent.is_empty() && self.settled.is_empty()
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
