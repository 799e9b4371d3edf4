//! [`Keys`]: the idempotency keys of recent publishes and their answers, so that a repeated publish happens once.
//!
//! Looked up and written under the order lock, in the same step as the append.

use std::collections::{HashMap, VecDeque};

use crate::{
    event::event_id::EventId,
    order::{
        answer::{Answer, PublishError},
        claim::{Claim, Digest},
        ticket::Ticket,
    },
};

/// Keys that are forgotten at a time.
const EXPIRE_MAX: usize = 256;
/// Bytes of memory that a key takes, roughly. On a disk it takes fewer.
const KEY_BYTES: usize = 200;

/// Keys and answers by age. Of an event only its fingerprint is remembered.
#[derive(Debug)]
pub(crate) struct Keys {
    tickets: HashMap<Digest, (Digest, Ticket)>,
    /// The answered keys, oldest first.
    ages: VecDeque<(EventId, Digest)>,
    age_ms_max: u64,
    keys_max: usize,
}

impl Keys {
    pub(crate) fn new(age_ms_max: u64, keys_max: usize) -> Self {
        Self { tickets: HashMap::new(), ages: VecDeque::new(), age_ms_max, keys_max }
    }

    /// The ticket of a publish that repeats `claim`, if the key is known.
    ///
    /// # Errors
    /// [`PublishError::KeyReused`]: the key was used for another event.
    pub(crate) fn find(&mut self, claim: &Claim, now_ms: u64) -> Result<Option<Ticket>, PublishError> {
        self.expire(now_ms);
        let is_young = |ticket: &Ticket| ticket.id().is_none_or(|id| !self.is_old(id.ms(), now_ms));
        match self.tickets.get(&claim.key).filter(|(_, ticket)| is_young(ticket)) {
            Some((fingerprint, _)) if *fingerprint != claim.fingerprint => Err(PublishError::KeyReused),
            found => Ok(found.map(|(_, ticket)| ticket.for_repeat())),
        }
    }

    /// Notes that `claim` is on its way. A publisher that repeats it waits for the same answer as `ticket`.
    pub(crate) fn begin(&mut self, claim: &Claim, ticket: Ticket) {
        if self.keys_max > 0 {
            self.tickets.insert(claim.key, (claim.fingerprint, ticket));
        }
    }

    /// Forgets `claim`, which was not published, so that it may be tried again.
    pub(crate) fn give_up(&mut self, claim: &Claim) {
        if self.tickets.get(&claim.key).is_some_and(|(_, ticket)| ticket.id().is_none()) {
            self.tickets.remove(&claim.key);
        }
    }

    /// The id of the oldest answer.
    pub(crate) fn oldest(&self) -> Option<EventId> {
        self.ages.front().map(|(id, _)| *id)
    }

    /// Whether the key of the publish with this id is remembered.
    pub(crate) fn holds(&self, id: EventId) -> bool {
        self.ages.binary_search_by_key(&id, |(id, _)| *id).is_ok()
    }

    fn is_old(&self, at_ms: u64, now_ms: u64) -> bool {
        now_ms.saturating_sub(at_ms) > self.age_ms_max
    }

    /// Bytes of memory that all keys take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.ages.len().saturating_mul(KEY_BYTES)
    }

    /// Remembers the answer to `claim`, which has none yet. Ids rise from call to call.
    pub(crate) fn store(&mut self, claim: Claim, answer: Answer) {
        if self.keys_max == 0 {
            return;
        }
        if self.ages.len() >= self.keys_max {
            self.forget_oldest();
        }
        self.ages.push_back((answer.id, claim.key));
        self.tickets.insert(claim.key, (claim.fingerprint, Ticket::known(answer)));
    }

    /// Forgets some keys that are too old, more than come between two calls.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        for _ in 0..EXPIRE_MAX {
            if self.ages.front().is_none_or(|(id, _)| !self.is_old(id.ms(), now_ms)) {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((id, key)) = self.ages.pop_front() else { return };
        // The key may have come again since. Then the newer answer stays.
        if self.tickets.get(&key).is_some_and(|(_, ticket)| ticket.id() == Some(id)) {
            self.tickets.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Event, target::Target},
        order::claim::IdempotencyKey,
    };

    fn answer(ms: u64) -> Answer {
        Answer::of(EventId::new(ms, 0))
    }

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::new(text, "").unwrap()
    }

    #[test]
    fn a_key_lives_for_its_time_and_not_longer() {
        let mut keys = Keys::new(100, 10);
        let claim = || Claim::new(&key("k"), &Event::new(Target::All, "x"));
        keys.store(claim(), answer(1_000));
        assert_eq!(keys.bytes(), KEY_BYTES);
        assert!(keys.find(&claim(), 1_100).unwrap().is_some());
        assert!(keys.find(&claim(), 1_101).unwrap().is_none());
        assert_eq!((keys.tickets.len(), keys.ages.len(), keys.bytes()), (0, 0, 0));
    }

    #[test]
    fn above_the_limit_the_oldest_key_is_forgotten() {
        let mut keys = Keys::new(100, 2);
        let claim = |text| Claim::new(&key(text), &Event::new(Target::All, "x"));
        for text in ["a", "b", "c"] {
            keys.store(claim(text), answer(1));
        }
        let found = ["a", "b", "c"].map(|text| keys.find(&claim(text), 1).unwrap().is_some());
        assert_eq!(found, [false, true, true]);
        assert_eq!(keys.bytes(), 2 * KEY_BYTES);
    }

    #[test]
    fn a_key_takes_as_much_whatever_its_event_is() {
        let mut keys = Keys::new(100, 10);
        let large = "x".repeat(1 << 20);
        for (number, data) in [("1", ""), ("2", large.as_str())] {
            let long = number.repeat(256);
            keys.store(Claim::new(&key(&long), &Event::new(Target::All, data)), answer(1));
        }
        assert_eq!(keys.bytes(), 2 * KEY_BYTES);
        // A bucket of the map and a place in the list, at the worst fill of both.
        let bucket = size_of::<(Digest, (Digest, Ticket))>() + 1;
        assert!(bucket * 16 / 7 + 2 * size_of::<(EventId, Digest)>() <= KEY_BYTES * 3 / 2, "{bucket}");
    }

    #[test]
    fn another_event_is_told_apart_and_another_target_or_scope_is_another_key() {
        let mut keys = Keys::new(100, 10);
        let event = |data: &str| Event::new(Target::All, data);
        keys.store(Claim::new(&key("k"), &event("x")), answer(1));
        assert_eq!(keys.find(&Claim::new(&key("k"), &event("y")), 1).err(), Some(PublishError::KeyReused));
        let other = IdempotencyKey::new("k", "other").unwrap();
        assert!(keys.find(&Claim::new(&other, &event("y")), 1).unwrap().is_none());
        let client = crate::event::name::ClientId::new("c").unwrap();
        let to_client = Event::new(Target::Client(client), "x");
        assert!(keys.find(&Claim::new(&key("k"), &to_client), 1).unwrap().is_none());
    }
}
