//! [`Record`]: what one frame says. [`Stored`] is an event as the journal has it.
//!
//! Decoding goes through the constructors of core, so an event that core would refuse is no record but damage.

use fanfare_core::{Event, EventId, IdempotencyKey, Target};

use crate::codec::{Reader, put_count, put_id, put_target, put_text, put_u64};

const EVENT: u8 = 1;
const POSITION: u8 = 2;
const END: u8 = 3;

// What an event has, as bits.
const IS_KEPT: u8 = 1;
const HAS_KIND: u8 = 1 << 1;
const HAS_OWN_ID: u8 = 1 << 2;
const HAS_RETRY: u8 = 1 << 3;
const HAS_KEY: u8 = 1 << 4;
const EVENT_BITS: u8 = IS_KEPT | HAS_KIND | HAS_OWN_ID | HAS_RETRY | HAS_KEY;

/// One event to append.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What the publisher says.
    pub event: &'a Event,
    /// The key it was published with, if it was.
    pub key: Option<&'a IdempotencyKey>,
    /// How many connections it reached: part of the answer to the same key.
    pub matched: u64,
}

impl Entry<'_> {
    /// Whether the journal has a use for it after it was delivered: to replay it, or to know its key again.
    pub(crate) fn is_recorded(&self) -> bool {
        self.event.is_kept() || self.key.is_some()
    }
}

/// One event as it was appended. It is live only if it is there for its key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the order.
    pub id: EventId,
    /// What the publisher said.
    pub event: Event,
    /// The key it was published with, if it was.
    pub key: Option<IdempotencyKey>,
    /// How many connections it reached.
    pub matched: u64,
}

impl Stored {
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry { event: &self.event, key: self.key.as_ref(), matched: self.matched }
    }
}

/// What one frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// An event.
    Event(Stored),
    /// Ids up to here were given to events that are not recorded.
    Position(EventId),
    /// The log was closed in order, and everything before is on the disk; this is the last id given.
    End(EventId),
}

impl Record {
    pub(crate) fn id(&self) -> EventId {
        match self {
            Self::Event(stored) => stored.id,
            Self::Position(id) | Self::End(id) => *id,
        }
    }

    /// Whether it may stand behind a record with the id `last`. The end gives no id, it repeats the last one.
    pub(crate) fn follows(&self, last: EventId) -> bool {
        match self {
            Self::End(id) => *id >= last,
            record => record.id() > last,
        }
    }

    /// The record that `payload` is, if it is one.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let record = match (reader.u8()?, reader.id()?) {
            (EVENT, id) => Self::Event(decode_event(id, &mut reader)?),
            // What stands behind it was there to see whether there is room.
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

pub(crate) fn put_event(payload: &mut Vec<u8>, id: EventId, entry: &Entry<'_>) {
    let event = entry.event;
    payload.push(EVENT);
    put_id(payload, id);
    payload.push(bits(entry));
    put_u64(payload, entry.matched);
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
    if let Some(key) = entry.key {
        put_text(payload, key.text());
        put_text(payload, key.scope());
    }
}

fn bits(entry: &Entry<'_>) -> u8 {
    let Entry { event, key, .. } = entry;
    [
        (event.is_kept(), IS_KEPT),
        (event.kind().is_some(), HAS_KIND),
        (event.own_id().is_some(), HAS_OWN_ID),
        (event.retry_ms().is_some(), HAS_RETRY),
        (key.is_some(), HAS_KEY),
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
        event = event.with_kind(reader.text()?).ok()?;
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
    let key = if has(HAS_KEY) { Some(IdempotencyKey::new(reader.text()?, reader.text()?).ok()?) } else { None };
    Some(Stored { id, event, key, matched })
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Channel, ClientId};
    use proptest::prelude::*;

    use super::*;

    fn encoded(id: EventId, entry: &Entry<'_>) -> Vec<u8> {
        let mut payload = Vec::new();
        put_event(&mut payload, id, entry);
        payload
    }

    fn full() -> (Event, IdempotencyKey) {
        let targets = vec![
            Target::All,
            Target::Channel(Channel::new("news").unwrap()),
            Target::Client(ClientId::new("ü").unwrap()),
        ];
        let event = Event::for_targets(targets, "a\nb\0").unwrap().with_kind("k").unwrap();
        let event = event.with_own_id("own").unwrap().with_retry_ms(100).unwrap().live_only();
        (event, IdempotencyKey::new("key", "scope").unwrap())
    }

    #[test]
    fn an_event_with_everything_comes_back_as_it_was() {
        let (event, key) = full();
        let id = EventId::new(7, u64::MAX);
        let payload = encoded(id, &Entry { event: &event, key: Some(&key), matched: 3 });
        let stored = Stored { id, event, key: Some(key), matched: 3 };
        assert_eq!(Record::decode(&payload), Some(Record::Event(stored)));
    }

    #[test]
    fn a_payload_that_is_too_short_or_too_long_is_no_record() {
        let (event, key) = full();
        let mut payload = encoded(EventId::new(7, 1), &Entry { event: &event, key: Some(&key), matched: 3 });
        for length in 0..payload.len() {
            assert_eq!(Record::decode(&payload[..length]), None, "{length}");
        }
        payload.push(0);
        assert_eq!(Record::decode(&payload), None);
    }

    #[test]
    fn an_event_that_core_would_refuse_is_no_record() {
        let event = Event::new(Target::All, "").with_kind("aanfare.x").unwrap();
        let mut payload = encoded(EventId::new(7, 1), &Entry { event: &event, key: None, matched: 0 });
        assert!(Record::decode(&payload).is_some());
        let at = payload.len() - "aanfare.x".len();
        payload[at] = b'f';
        assert_eq!(Record::decode(&payload), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(kind in 0_u8..5, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut payload = vec![kind];
            payload.extend(bytes);
            Record::decode(&payload);
        }
    }
}
