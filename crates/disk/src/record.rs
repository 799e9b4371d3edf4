//! [`Record`]: the contents of one frame. [`Stored`] is the journal's part of one publish: its event, its key, or both.
//!
//! Decoding uses the constructors of core, so an event that core would refuse is damage.

use fanfare_core::{
    Event, EventId, IdempotencyKey, Target,
    journal::{Claim, Holds, KeptKey},
};

use crate::codec::{Reader, put_count, put_id, put_target, put_text, put_u64};

const EVENT: u8 = 1;
const POSITION: u8 = 2;
const END: u8 = 3;
const KEY: u8 = 4;

// Bits for the parts that an event has.
const IS_KEPT: u8 = 1;
const HAS_KIND: u8 = 1 << 1;
const HAS_OWN_ID: u8 = 1 << 2;
const HAS_RETRY: u8 = 1 << 3;
/// The key in the words of its publisher, as segments of format 1 have it.
const HAS_KEY_TEXT: u8 = 1 << 4;
const HAS_CLAIM: u8 = 1 << 5;
const EVENT_BITS: u8 = IS_KEPT | HAS_KIND | HAS_OWN_ID | HAS_RETRY | HAS_KEY_TEXT | HAS_CLAIM;

/// One event to append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// The event.
    pub(crate) event: &'a Event,
    /// The key of the publish with the answer to it, if there was one.
    pub(crate) key: Option<KeptKey>,
}

impl Entry<'_> {
    /// Whether the journal needs the event after its delivery: to replay it, or to know its key again.
    pub(crate) fn is_recorded(&self) -> bool {
        self.event.is_kept() || self.key.is_some()
    }

    /// Appends the record. The record of a live-only event has no more than the key.
    pub(crate) fn put(&self, payload: &mut Vec<u8>, id: EventId) {
        put(payload, id, Some(self.event).filter(|event| event.is_kept()), self.key);
    }
}

/// The journal's part of one publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Position in the order of the journal.
    pub(crate) id: EventId,
    /// The event. None if only the key is left.
    pub(crate) event: Option<Event>,
    /// The key of the publish, if it may still be remembered.
    pub(crate) key: Option<KeptKey>,
}

impl Stored {
    /// Appends a record of the live parts, if there are any.
    pub(crate) fn put(&self, payload: &mut Vec<u8>, holds: Holds) {
        put(payload, self.id, self.event.as_ref().filter(|_| holds.event), self.key.filter(|_| holds.key));
    }

    /// Whether any part is live.
    pub(crate) fn is_live(&self, holds: Holds) -> bool {
        holds.event && self.event.is_some() || holds.key && self.key.is_some()
    }
}

/// The contents of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// An event, a key, or both.
    Stored(Stored),
    /// Ids up to here were given to events that are not recorded.
    Position(EventId),
    /// The log was closed in order with this last id, and everything before is on the disk.
    End(EventId),
}

impl Record {
    pub(crate) fn id(&self) -> EventId {
        match self {
            Self::Stored(stored) => stored.id,
            Self::Position(id) | Self::End(id) => *id,
        }
    }

    /// Whether the record may stand behind one with the id `last`. An end gives no id: it repeats the last one.
    pub(crate) fn follows(&self, last: EventId) -> bool {
        match self {
            Self::End(id) => *id >= last,
            record => record.id() > last,
        }
    }

    /// The record that `payload` encodes. None if it encodes none.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let record = match (reader.u8()?, reader.id()?) {
            (EVENT, id) => Self::Stored(decode_event(id, &mut reader)?),
            (KEY, id) => Self::Stored(Stored { id, event: None, key: Some(decode_key(&mut reader)?) }),
            // The bytes behind the id only tested the room on the disk.
            (POSITION, id) => return Some(Self::Position(id)),
            (END, id) => Self::End(id),
            _ => return None,
        };
        reader.is_empty().then_some(record)
    }
}

pub(crate) fn put_position(payload: &mut Vec<u8>, id: EventId) {
    payload.push(POSITION);
    put_id(payload, id);
}

pub(crate) fn put_end(payload: &mut Vec<u8>, id: EventId) {
    payload.push(END);
    put_id(payload, id);
}

fn put(payload: &mut Vec<u8>, id: EventId, event: Option<&Event>, key: Option<KeptKey>) {
    match (event, key) {
        (Some(event), key) => put_event(payload, id, event, key),
        (None, Some(key)) => {
            payload.push(KEY);
            put_id(payload, id);
            put_matched(payload, Some(key));
            payload.extend_from_slice(&key.claim.to_bytes());
        }
        (None, None) => put_position(payload, id),
    }
}

fn put_matched(payload: &mut Vec<u8>, key: Option<KeptKey>) {
    put_u64(payload, key.map_or(0, |key| u64::try_from(key.matched).unwrap_or(u64::MAX)));
}

fn put_event(payload: &mut Vec<u8>, id: EventId, event: &Event, key: Option<KeptKey>) {
    payload.push(EVENT);
    put_id(payload, id);
    payload.push(bits(event, key));
    put_matched(payload, key);
    put_count(payload, event.targets().len());
    for target in event.targets() {
        put_target(payload, target);
    }
    put_text(payload, event.data());
    for text in [event.kind(), event.own_id()].into_iter().flatten() {
        put_text(payload, text);
    }
    if let Some(retry_ms) = event.retry_ms() {
        put_u64(payload, retry_ms);
    }
    if let Some(key) = key {
        payload.extend_from_slice(&key.claim.to_bytes());
    }
}

fn bits(event: &Event, key: Option<KeptKey>) -> u8 {
    [
        (event.is_kept(), IS_KEPT),
        (event.kind().is_some(), HAS_KIND),
        (event.own_id().is_some(), HAS_OWN_ID),
        (event.retry_ms().is_some(), HAS_RETRY),
        (key.is_some(), HAS_CLAIM),
    ]
    .into_iter()
    .filter_map(|(is_set, bit)| is_set.then_some(bit))
    .sum()
}

fn decode_event(id: EventId, reader: &mut Reader<'_>) -> Option<Stored> {
    let bits = reader.u8()?;
    if bits & !EVENT_BITS != 0 {
        return None;
    }
    let has = |bit| bits & bit != 0;
    let matched = reader.u64()?;
    let targets = (0..reader.u32()?).map(|_| reader.target()).collect::<Option<Vec<Target>>>()?;
    let mut event = Event::for_targets(targets, reader.text()?).ok()?;
    if has(HAS_KIND) {
        event = event.with_kept_kind(reader.text()?).ok()?;
    }
    if has(HAS_OWN_ID) {
        event = event.with_own_id(reader.text()?).ok()?;
    }
    if has(HAS_RETRY) {
        event = event.with_retry_ms(reader.u64()?).ok()?;
    }
    if !has(IS_KEPT) {
        event = event.live_only();
    }
    let claim = if has(HAS_CLAIM) {
        Some(Claim::from_bytes(reader.array()?))
    } else if has(HAS_KEY_TEXT) {
        Some(Claim::new(&IdempotencyKey::new(reader.text()?, reader.text()?).ok()?, &event))
    } else {
        None
    };
    let key = claim.map(|claim| KeptKey { claim, matched: saturated(matched) });
    // In segments of format 1 a live-only event may be there for its key.
    Some(Stored { id, event: Some(event).filter(Event::is_kept), key })
}

fn decode_key(reader: &mut Reader<'_>) -> Option<KeptKey> {
    let matched = saturated(reader.u64()?);
    Some(KeptKey { claim: Claim::from_bytes(reader.array()?), matched })
}

fn saturated(matched: u64) -> usize {
    usize::try_from(matched).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Channel, ClientId};
    use proptest::prelude::*;

    use super::*;

    const ID: EventId = EventId::new(7, u64::MAX);

    fn encoded(event: Option<&Event>, key: Option<KeptKey>) -> Vec<u8> {
        let mut payload = Vec::new();
        put(&mut payload, ID, event, key);
        payload
    }

    fn full() -> Event {
        let targets = vec![
            Target::All,
            Target::Channel(Channel::new("news").unwrap()),
            Target::Client(ClientId::new("ü").unwrap()),
        ];
        let event = Event::for_targets(targets, "a\nb\0").unwrap().with_kind("k").unwrap();
        event.with_own_id("own").unwrap().with_retry_ms(100).unwrap()
    }

    fn key_of(event: &Event) -> KeptKey {
        KeptKey { claim: Claim::new(&IdempotencyKey::new("key", "scope").unwrap(), event), matched: 3 }
    }

    /// As segments of format 1 have it.
    fn with_key_text(event: &Event) -> Vec<u8> {
        let mut payload = encoded(Some(event), Some(key_of(event)));
        payload.truncate(payload.len() - Claim::BYTES);
        payload[17] ^= HAS_CLAIM | HAS_KEY_TEXT;
        put_text(&mut payload, "key");
        put_text(&mut payload, "scope");
        payload
    }

    #[test]
    fn an_event_with_everything_comes_back_as_it_was_and_a_key_without_its_event_too() {
        let event = full();
        for event in [Some(event.clone()), None] {
            for key in [Some(key_of(&full())), None].into_iter().filter(|key| key.is_some() || event.is_some()) {
                let stored = Stored { id: ID, event: event.clone(), key };
                assert_eq!(Record::decode(&encoded(event.as_ref(), key)), Some(Record::Stored(stored)));
            }
        }
    }

    #[test]
    fn a_key_takes_57_bytes_whatever_its_event_was() {
        let mut payload = Vec::new();
        let event = Event::new(Target::All, "x".repeat(100_000)).live_only();
        Entry { event: &event, key: Some(key_of(&event)) }.put(&mut payload, ID);
        assert_eq!(payload.len(), 57);
        let stored = Stored { id: ID, event: Some(full()), key: Some(key_of(&full())) };
        payload.clear();
        stored.put(&mut payload, Holds { event: false, key: true });
        assert_eq!(payload, encoded(None, stored.key));
    }

    #[test]
    fn a_key_of_format_1_is_the_same_key_and_its_event_is_there_if_it_was_kept() {
        let event = full();
        let stored = Stored { id: ID, event: Some(event.clone()), key: Some(key_of(&event)) };
        assert_eq!(Record::decode(&with_key_text(&event)), Some(Record::Stored(stored)));
        let live = event.live_only();
        let stored = Stored { id: ID, event: None, key: Some(key_of(&live)) };
        assert_eq!(Record::decode(&with_key_text(&live)), Some(Record::Stored(stored)));
    }

    #[test]
    fn a_payload_that_is_too_short_or_too_long_is_no_record() {
        let event = full();
        for mut payload in
            [encoded(Some(&event), Some(key_of(&event))), encoded(None, Some(key_of(&event))), with_key_text(&event)]
        {
            for length in 0..payload.len() {
                assert_eq!(Record::decode(&payload[..length]), None, "{length}");
            }
            payload.push(0);
            assert_eq!(Record::decode(&payload), None);
        }
    }

    #[test]
    fn an_event_that_core_would_refuse_is_no_record() {
        let event = Event::new(Target::All, "").with_kind("aanfare.x").unwrap();
        let mut payload = encoded(Some(&event), None);
        assert!(Record::decode(&payload).is_some());
        let at = payload.len() - "aanfare.x".len();
        payload[at] = b'f';
        assert_eq!(Record::decode(&payload), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(kind in 0_u8..6, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut payload = vec![kind];
            payload.extend(bytes);
            Record::decode(&payload);
        }
    }
}
