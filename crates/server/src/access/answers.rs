//! [`Answers`]: the answers of an application that are kept, each for as long as it says. Bounded in number and in time.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use fanfare_http::Decision;

/// The digest of a question.
pub(super) type Digest = [u8; 32];

/// Longest time that an answer is kept.
const AGE_MAX: Duration = Duration::from_secs(3_600);

/// Answers by the digest of their question.
#[derive(Debug)]
pub(super) struct Answers {
    kept: HashMap<Digest, Kept>,
    /// The questions in the order of their answers. One that was answered again stands there again.
    order: VecDeque<(Digest, u64)>,
    /// The number of the last answer.
    number: u64,
    max: usize,
}

#[derive(Debug)]
struct Kept {
    decision: Decision,
    until: Instant,
    number: u64,
}

impl Answers {
    /// At most `max` answers.
    pub(super) fn new(max: usize) -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new(), number: 0, max }
    }

    /// The answer to a question, if it still holds.
    pub(super) fn find(&self, question: &Digest, now: Instant) -> Option<Decision> {
        let kept = self.kept.get(question).filter(|kept| now < kept.until)?;
        Some(kept.decision.clone())
    }

    /// Keeps an answer. The oldest makes room.
    pub(super) fn keep(&mut self, question: Digest, decision: Decision, age: Duration, now: Instant) {
        if age.is_zero() || self.max == 0 {
            return;
        }
        self.number += 1;
        let kept = Kept { decision, until: now + age.min(AGE_MAX), number: self.number };
        self.kept.insert(question, kept);
        self.order.push_back((question, self.number));
        while let Some((oldest, number)) = self.order.front() {
            // Those that were answered again, or are over, go on the way.
            let kept = self.kept.get(oldest).filter(|kept| kept.number == *number);
            let is_needed = kept.is_some_and(|kept| now < kept.until);
            if is_needed && self.kept.len() <= self.max {
                break;
            }
            if kept.is_some() {
                self.kept.remove(oldest);
            }
            self.order.pop_front();
        }
        if self.order.len() > 2 * self.max {
            self.order.retain(|(question, number)| self.kept.get(question).is_some_and(|kept| kept.number == *number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn question(number: u16) -> Digest {
        let mut digest = [0; 32];
        digest[..2].copy_from_slice(&number.to_be_bytes());
        digest
    }

    fn has(answers: &Answers, number: u16, now: Instant) -> bool {
        answers.find(&question(number), now).is_some()
    }

    #[test]
    fn an_answer_holds_as_long_as_it_says_and_an_hour_at_most() {
        let (mut answers, now) = (Answers::new(10), Instant::now());
        answers.keep(question(1), Decision::Allow, SECOND, now);
        answers.keep(question(2), Decision::Allow, 9_999 * SECOND, now);
        answers.keep(question(3), Decision::Allow, Duration::ZERO, now);
        assert_eq!([1, 2, 3].map(|number| has(&answers, number, now)), [true, true, false]);
        let later = now + SECOND;
        assert_eq!([1, 2].map(|number| has(&answers, number, later)), [false, true]);
        assert!(has(&answers, 2, now + 3_599 * SECOND) && !has(&answers, 2, now + 3_600 * SECOND));
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut answers, now) = (Answers::new(2), Instant::now());
        for number in [1, 2, 1, 3] {
            answers.keep(question(number), Decision::Allow, SECOND, now);
        }
        assert_eq!([1, 2, 3].map(|number| has(&answers, number, now)), [true, false, true], "1 was answered again");
    }

    #[test]
    fn the_same_question_again_and_again_takes_no_more_room() {
        let (mut answers, now) = (Answers::new(3), Instant::now());
        for round in 0..1_000 {
            answers.keep(question(round % 2), Decision::Allow, SECOND, now);
            assert!(answers.order.len() <= 7 && answers.kept.len() <= 2);
        }
    }

    #[test]
    fn with_no_room_nothing_is_kept() {
        let (mut answers, now) = (Answers::new(0), Instant::now());
        answers.keep(question(1), Decision::Allow, SECOND, now);
        assert!(!has(&answers, 1, now) && answers.order.is_empty());
    }
}
