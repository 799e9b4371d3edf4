//! [`Idempotency`]: the keys of recent publishes and their answers, so that a publish that is repeated is done once.
//!
//! Looked at and written under the hub's order lock, in the same step as the append.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use crate::{
    event::Event,
    event_id::EventId,
    name::{self, NameError},
    receipt::Tally,
};

/// Keys that are forgotten at a time.
const EXPIRE_MAX: usize = 64;

/// What a publisher calls one publish, so that it can be repeated safely: 1 to 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    text: Box<str>,
    scope: Box<str>,
}

impl IdempotencyKey {
    /// The key `text` within `scope`: the way of publishing, and who publishes. Other scopes and other targets do not
    /// know it.
    ///
    /// # Errors
    /// [`NameError`] says which rule of names `text` breaks.
    pub fn new(text: &str, scope: &str) -> Result<Self, NameError> {
        name::check(text).map(|()| Self { text: text.into(), scope: scope.into() })
    }
}

/// A key on its way into the journal, with what it stands for.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The text, and the scope and targets as a number.
    key: (Arc<str>, u64),
    /// The event as a number: the same key with another event is a mistake.
    fingerprint: u64,
}

/// The first answer to a key.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) id: EventId,
    pub(crate) matched: usize,
    /// If the first publisher asked for the outcome.
    pub(crate) tally: Option<Arc<Tally>>,
}

/// The same key came with another event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reused;

/// Keys and answers, by age.
#[derive(Debug)]
pub(crate) struct Idempotency {
    answers: HashMap<(Arc<str>, u64), (u64, Answer)>,
    /// Oldest first.
    ages: VecDeque<(EventId, (Arc<str>, u64))>,
    age_ms_max: u64,
    keys_max: usize,
}

/// Makes claims: apart from the keys, because it needs no lock.
#[derive(Debug, Default)]
pub(crate) struct Claims(RandomState);

impl Claims {
    pub(crate) fn claim(&self, key: &IdempotencyKey, event: &Event) -> Claim {
        let scope = self.0.hash_one((&key.scope, event.targets()));
        Claim { key: (key.text.as_ref().into(), scope), fingerprint: self.0.hash_one(event) }
    }
}

impl Idempotency {
    pub(crate) fn new(age_ms_max: u64, keys_max: usize) -> Self {
        Self { answers: HashMap::new(), ages: VecDeque::new(), age_ms_max, keys_max }
    }

    /// The answer that `claim` has been given already, if it has.
    ///
    /// # Errors
    /// The answer was to another event.
    pub(crate) fn find(&mut self, claim: &Claim, now_ms: u64) -> Result<Option<Answer>, Reused> {
        self.expire(now_ms);
        let found = self.answers.get(&claim.key).filter(|(_, answer)| !self.is_old(answer.id.ms(), now_ms));
        match found {
            Some((fingerprint, _)) if *fingerprint != claim.fingerprint => Err(Reused),
            found => Ok(found.map(|(_, answer)| answer.clone())),
        }
    }

    fn is_old(&self, at_ms: u64, now_ms: u64) -> bool {
        now_ms.saturating_sub(at_ms) > self.age_ms_max
    }

    /// Remembers the answer to `claim`, which has none yet; its id is the newest.
    pub(crate) fn store(&mut self, claim: Claim, answer: Answer) {
        if self.keys_max == 0 {
            return;
        }
        if self.ages.len() >= self.keys_max {
            self.forget_oldest();
        }
        self.ages.push_back((answer.id, claim.key.clone()));
        self.answers.insert(claim.key, (claim.fingerprint, answer));
    }

    /// Forgets some of what is too old: more than comes in between.
    fn expire(&mut self, now_ms: u64) {
        for _ in 0..EXPIRE_MAX {
            if self.ages.front().is_none_or(|(id, _)| !self.is_old(id.ms(), now_ms)) {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((id, key)) = self.ages.pop_front() else { return };
        // Unless it has come again since.
        if self.answers.get(&key).is_some_and(|(_, answer)| answer.id == id) {
            self.answers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn answer(ms: u64) -> Answer {
        Answer { id: EventId::new(ms, 0), matched: 0, tally: None }
    }

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::new(text, "").unwrap()
    }

    #[test]
    fn a_key_lives_for_its_time_and_not_longer() {
        let (claims, mut keys) = (Claims::default(), Idempotency::new(100, 10));
        let claim = || claims.claim(&key("k"), &Event::new(Target::All, "x"));
        keys.store(claim(), answer(1_000));
        assert!(keys.find(&claim(), 1_100).unwrap().is_some());
        assert!(keys.find(&claim(), 1_101).unwrap().is_none());
        assert_eq!((keys.answers.len(), keys.ages.len()), (0, 0));
    }

    #[test]
    fn above_the_limit_the_oldest_key_is_forgotten() {
        let (claims, mut keys) = (Claims::default(), Idempotency::new(100, 2));
        let claim = |text| claims.claim(&key(text), &Event::new(Target::All, "x"));
        for text in ["a", "b", "c"] {
            keys.store(claim(text), answer(1));
        }
        let found = ["a", "b", "c"].map(|text| keys.find(&claim(text), 1).unwrap().is_some());
        assert_eq!(found, [false, true, true]);
    }

    #[test]
    fn another_event_is_told_apart_and_another_target_or_scope_is_another_key() {
        let (claims, mut keys) = (Claims::default(), Idempotency::new(100, 10));
        let event = |data: &str| Event::new(Target::All, data);
        keys.store(claims.claim(&key("k"), &event("x")), answer(1));
        assert_eq!(keys.find(&claims.claim(&key("k"), &event("y")), 1).err(), Some(Reused));
        let other = IdempotencyKey::new("k", "other").unwrap();
        assert!(keys.find(&claims.claim(&other, &event("y")), 1).unwrap().is_none());
        let client = crate::name::ClientId::new("c").unwrap();
        let to_client = Event::new(Target::Client(client), "x");
        assert!(keys.find(&claims.claim(&key("k"), &to_client), 1).unwrap().is_none());
        assert!(IdempotencyKey::new(&"k".repeat(256), "").is_ok());
        assert_eq!(IdempotencyKey::new(&"k".repeat(257), ""), Err(NameError::TooLong));
    }
}
