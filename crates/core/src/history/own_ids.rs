//! [`OwnIds`]: the positions of the ids that publishers gave their events, so that a client can resume with one.
//!
//! Several events may have one id, and a client that shows it may have got any of them. So the oldest counts: a client can
//! recognise an event that comes twice, but cannot recover one that is skipped. For the same reason an id stays here when its
//! event leaves the history, because a later event may have it again.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    hash::{BuildHasher as _, RandomState},
};

use crate::event::{event_id::EventId, message::Message, name::Channel, pattern::Pattern, target::Target};

/// Times that a search compares a name with a pattern. An id of more channels than that allows is not found by pattern.
const COMPARED_MAX: usize = 4_096;

/// The positions of the ids, separate for each target.
#[derive(Debug)]
pub(super) struct OwnIds {
    /// Positions by the hash of id and target. Two that share a hash begin at the older position, which only repeats events.
    places: HashMap<u64, Places>,
    /// The channels of each id, for patterns: by the hash of the id alone and the key in `places`.
    channels: BTreeMap<(u64, u64), Channel>,
    /// Ids whose last kept event was evicted, in that order.
    given_up: VecDeque<u64>,
    remembered_max: usize,
    hasher: RandomState,
}

/// The events of one target with one id.
#[derive(Debug)]
struct Places {
    /// The first event, kept or not.
    oldest: EventId,
    /// The hash of the id alone.
    id_hash: u64,
    /// The number of kept events.
    kept: u32,
    /// Whether one event was live only. The history never had that one, so nothing of it can be evicted.
    is_live_only: bool,
    /// The number of times that the id stands in `given_up`.
    given_up: u32,
}

impl OwnIds {
    /// Remembers up to `remembered_max` ids without a kept event.
    pub(super) fn new(remembered_max: usize) -> Self {
        let (places, channels, given_up) = (HashMap::new(), BTreeMap::new(), VecDeque::new());
        Self { places, channels, given_up, remembered_max, hasher: RandomState::new() }
    }

    /// Notes `message`, which is the newest and may be live only.
    pub(super) fn push(&mut self, message: &Message) {
        let Some(own_id) = message.own_id() else { return };
        let id_hash = self.hasher.hash_one(own_id);
        for target in message.targets() {
            let key = self.key(own_id, target);
            let places = match self.places.entry(key) {
                Entry::Occupied(places) => places.into_mut(),
                Entry::Vacant(free) => {
                    if let Target::Channel(channel) = target {
                        self.channels.insert((id_hash, key), channel.clone());
                    }
                    free.insert(Places { oldest: message.id(), id_hash, kept: 0, is_live_only: false, given_up: 0 })
                }
            };
            if message.is_kept() {
                places.kept += 1;
            } else {
                places.is_live_only = true;
                self.give_up(key);
            }
        }
    }

    /// Notes that `message` was evicted.
    pub(super) fn remove(&mut self, message: &Message) {
        let Some(own_id) = message.own_id() else { return };
        for target in message.targets() {
            let key = self.key(own_id, target);
            if let Some(places) = self.places.get_mut(&key) {
                places.kept = places.kept.saturating_sub(1);
                self.give_up(key);
            }
        }
    }

    /// Notes that an event with this id is not in the history. Forgets the ids that have been out of it for longest.
    fn give_up(&mut self, key: u64) {
        if let Some(places) = self.places.get_mut(&key).filter(|places| places.kept == 0) {
            places.given_up += 1;
            self.given_up.push_back(key);
        }
        while self.given_up.len() > self.remembered_max
            && let Some(key) = self.given_up.pop_front()
        {
            if let Some(places) = self.places.get_mut(&key) {
                places.given_up -= 1;
                if places.given_up == 0 && places.kept == 0 {
                    self.channels.remove(&(places.id_hash, key));
                    self.places.remove(&key);
                }
            }
        }
    }

    /// The position after which a client with `own_id`, these targets and these patterns begins: that of the oldest event with the
    /// id. None unless one of the events is still kept or was live only. The oldest itself may be evicted. Then the read tells the
    /// hole.
    pub(super) fn find(&self, own_id: &str, targets: &[Target], patterns: &[Pattern]) -> Option<EventId> {
        let mut keys: Vec<_> = targets.iter().map(|target| self.key(own_id, target)).collect();
        if !patterns.is_empty() {
            keys.extend(self.matching(own_id, patterns)?);
        }
        let places = || keys.iter().filter_map(|key| self.places.get(key));
        let is_known = places().any(|places| places.kept > 0 || places.is_live_only);
        places().map(|places| places.oldest).min().filter(|_| is_known)
    }

    /// The keys of an id for the channels that match. None if it has too many channels to look at.
    fn matching(&self, own_id: &str, patterns: &[Pattern]) -> Option<Vec<u64>> {
        let id_hash = self.hasher.hash_one(own_id);
        let (mut keys, mut left) = (Vec::new(), COMPARED_MAX);
        for ((_, key), channel) in self.channels.range((id_hash, 0)..=(id_hash, u64::MAX)) {
            left = left.checked_sub(patterns.len())?;
            if patterns.iter().any(|pattern| pattern.matches(channel.as_str())) {
                keys.push(*key);
            }
        }
        Some(keys)
    }

    fn key(&self, own_id: &str, target: &Target) -> u64 {
        self.hasher.hash_one((own_id, target))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Event, budget::RingBudget, draft::Draft, name::Channel};

    fn target(name: &str) -> Target {
        Target::Channel(Channel::new(name).unwrap())
    }

    fn message(name: &str, own_id: &str, n: u64) -> Message {
        let event = Event::new(target(name), "x").with_own_id(own_id).unwrap();
        Draft::new(event, Arc::new(RingBudget::new(0))).finish(EventId::new(1, n))
    }

    fn find(own_ids: &OwnIds, own_id: &str) -> Option<u64> {
        own_ids.find(own_id, &[target("a"), target("b")], &[]).map(EventId::n)
    }

    #[test]
    fn the_oldest_event_with_an_id_counts_whichever_of_them_are_given_up() {
        let mut own_ids = OwnIds::new(9);
        let events = [message("a", "x", 1), message("b", "x", 2), message("a", "x", 3), message("c", "x", 0)];
        events.iter().for_each(|event| own_ids.push(event));
        assert_eq!(find(&own_ids, "x"), Some(1));
        for given_up in [0, 2] {
            own_ids.remove(&events[given_up]);
            assert_eq!(find(&own_ids, "x"), Some(1), "the client may hold that one");
        }
        own_ids.remove(&events[1]);
        assert_eq!(find(&own_ids, "x"), None, "nothing of it is kept");
        own_ids.push(&message("b", "x", 9));
        assert_eq!(find(&own_ids, "x"), Some(1), "it is remembered");
    }

    #[test]
    fn as_many_given_up_ids_are_remembered_as_may_be_and_not_one_more() {
        let mut own_ids = OwnIds::new(2);
        let reused = |own_ids: &mut OwnIds, own_id: &str, n: u64| {
            let again = message("a", own_id, n);
            own_ids.push(&again);
            let found = find(own_ids, own_id);
            own_ids.remove(&again);
            found
        };
        for (own_id, n) in [("x", 1), ("y", 2)] {
            let event = message("a", own_id, n);
            own_ids.push(&event);
            own_ids.remove(&event);
        }
        assert_eq!(reused(&mut own_ids, "x", 3), Some(1));
        // Now x has been out of the history for less long than y.
        assert_eq!(reused(&mut own_ids, "z", 4), Some(4));
        assert_eq!(reused(&mut own_ids, "y", 5), Some(5), "y was forgotten");
        assert_eq!((own_ids.places.len(), own_ids.channels.len()), (2, 2));
    }

    #[test]
    fn an_id_is_found_by_pattern_up_to_the_limit_of_channels_and_not_past_it() {
        let mut own_ids = OwnIds::new(0);
        let pattern = |text| Pattern::new(text).unwrap();
        let find = |own_ids: &OwnIds| own_ids.find("x", &[], &[pattern("c9*")]).map(EventId::n);
        for n in 0..4_096 {
            own_ids.push(&message(&format!("c{n}"), "x", n));
        }
        assert_eq!(find(&own_ids), Some(9));
        let last = message("another", "x", 4_096);
        own_ids.push(&last);
        assert_eq!(find(&own_ids), None, "a gap tells it");
        own_ids.remove(&last);
        assert_eq!(find(&own_ids), Some(9));
    }
}
