//! The things that the tests of this crate share: events that own their text, and [`agree`].
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod agree;

use fanfare_sse::{Item, Limits, Parser};

/// More than any test has.
pub(crate) static EVERYTHING: Limits =
    Limits { data_bytes: 1 << 20, id_bytes: 1 << 20, kind_bytes: 1 << 20, comment_bytes: 1 << 20 };

/// An event that is kept as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) kind: String,
    pub(crate) data: String,
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The events that `bytes` complete.
pub(crate) fn feed(parser: &mut Parser, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    parser.feed(bytes, |item| {
        if let Item::Event(event) = item {
            assert_eq!(event.data.len() as u64, event.data_bytes);
            events.push(Event { id: event.id.map(text), kind: text(event.kind), data: text(event.data) });
        }
    });
    events
}
