//! [`Entry`]: one entry of the Stream, and how an event is written as one.
//!
//! An entry of Fanfare has the fields `at` (its position, and the node that appended it), `head` (JSON: the targets of
//! the event and everything else except its data) and `data`. Or it has `at` and `lost`, which tells all nodes that
//! earlier events may be lost.

use std::borrow::Cow;

use fanfare_core::{Channel, ClientId, Event, EventId, IdempotencyKey, Target};
use redis::Value;
use serde::{Deserialize, Serialize};

/// Largest number of bytes of an event besides its data. The names of a publish are in its body too, or in a head of 16
/// KiB.
const EVENT_EXTRA_BYTES_MAX: usize = 128 << 10;
/// Largest number of bytes of the field `at`, which takes some 70. A longer field was written by somebody else.
const AT_BYTES_MAX: usize = 256;

/// One entry as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: EventId,
    /// Bytes that the entry took to read, about.
    pub(crate) bytes: usize,
    /// None if somebody else has appended the entry.
    pub(crate) at: Option<At>,
    pub(crate) body: Body,
}

/// The position of an entry, as the script that appended it has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// Name of the Stream's life. Another epoch is another Stream.
    pub(crate) epoch: Box<str>,
    /// Number of the entry. Entries of Fanfare are numbered without a gap.
    pub(crate) n: u64,
    /// The node that appended the entry. Empty for an entry that is no event.
    pub(crate) node: Box<str>,
    /// Number that the node gave the event.
    pub(crate) number: u64,
}

/// Contents of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// An event, not yet decoded.
    Event { head: Vec<u8>, data: Vec<u8> },
    /// The Stream has gone back: earlier events may be lost.
    Lost,
    /// Neither of them.
    Foreign,
}

/// All of an event except its data. Unknown members come from a newer version, which must not give them a meaning that
/// may be left out.
#[derive(Debug, Serialize, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    to: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    keep: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_yes(keep: &bool) -> bool {
    *keep
}

/// The field `head` of `event`. Equal events have equal heads.
pub(crate) fn head(event: &Event) -> String {
    let to = event.targets().iter().map(|target| match target {
        Target::All => Cow::Borrowed("*"),
        Target::Channel(channel) => Cow::Owned(format!("#{}", channel.as_str())),
        Target::Client(client) => Cow::Owned(format!("@{}", client.as_str())),
    });
    let head = Head {
        to: to.collect(),
        event: event.kind().map(Cow::Borrowed),
        id: event.own_id().map(Cow::Borrowed),
        retry: event.retry_ms(),
        keep: event.is_kept(),
    };
    // Serializing texts and numbers cannot fail.
    serde_json::to_string(&head).unwrap_or_default()
}

/// The name of `key` in Redis, which differs by scope and by targets.
pub(crate) fn key_name(key: &IdempotencyKey, event: &Event) -> String {
    let targets: Vec<_> = event.targets().iter().map(ToString::to_string).collect();
    format!("{}\n{}\n{}", key.scope(), key.text(), targets.join("\n"))
}

/// The event that `head` and `data` encode. `None` if core would refuse it, or if it is larger than a publish whose
/// body may have `body_bytes_max`.
pub(crate) fn event(head: &[u8], data: Vec<u8>, body_bytes_max: usize) -> Option<Event> {
    let bytes_max = body_bytes_max.saturating_add(EVENT_EXTRA_BYTES_MAX);
    if head.len().saturating_add(data.len()) > bytes_max {
        return None;
    }
    let head: Head<'_> = serde_json::from_slice(head).ok()?;
    let targets = head.to.iter().map(|text| target(text)).collect::<Option<Vec<_>>>()?;
    let mut event = Event::for_targets(targets, String::from_utf8(data).ok()?).ok()?;
    if let Some(kind) = &head.event {
        event = event.with_kept_kind(kind).ok()?;
    }
    if let Some(own_id) = &head.id {
        event = event.with_own_id(own_id).ok()?;
    }
    if let Some(retry_ms) = head.retry {
        event = event.with_retry_ms(retry_ms).ok()?;
    }
    Some(if head.keep { event } else { event.live_only() })
}

fn target(text: &str) -> Option<Target> {
    match text.split_at_checked(1)? {
        ("*", "") => Some(Target::All),
        ("#", name) => Channel::new(name).ok().map(Target::Channel),
        ("@", name) => ClientId::new(name).ok().map(Target::Client),
        _ => None,
    }
}

impl Entry {
    /// The entries of an answer to XREAD of one Stream; empty if none came in time. `None` if the value is no such
    /// answer.
    pub(crate) fn of_reply(reply: Value) -> Option<Vec<Self>> {
        let Value::Array(mut streams) = reply else { return matches!(reply, Value::Nil).then(Vec::new) };
        let Some(Value::Array(mut stream)) = streams.pop().filter(|_| streams.is_empty()) else { return None };
        let Some(Value::Array(entries)) = stream.pop() else { return None };
        entries.into_iter().map(Self::of_value).collect()
    }

    fn of_value(value: Value) -> Option<Self> {
        let Value::Array(parts) = value else { return None };
        let [Value::BulkString(id), fields] = <[Value; 2]>::try_from(parts).ok()? else { return None };
        let id = str::from_utf8(&id).ok()?.parse().ok()?;
        // An entry that was deleted while it was read has no fields.
        let fields = if let Value::Array(fields) = fields { fields } else { Vec::new() };
        Some(Self::of_fields(id, fields))
    }

    fn of_fields(id: EventId, fields: Vec<Value>) -> Self {
        let (mut at, mut head, mut data, mut is_lost) = (None, None, None, false);
        let bytes = fields.iter().map(|field| if let Value::BulkString(bytes) = field { bytes.len() } else { 0 }).sum();
        let mut fields = fields.into_iter();
        while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) = (fields.next(), fields.next()) {
            match name.as_slice() {
                b"at" => at = At::parse(&value),
                b"head" => head = Some(value),
                b"data" => data = Some(value),
                b"lost" => is_lost = true,
                _ => {}
            }
        }
        let body = match (head, data) {
            (Some(head), Some(data)) => Body::Event { head, data },
            _ if is_lost => Body::Lost,
            _ => Body::Foreign,
        };
        let at = at.filter(|_| body != Body::Foreign);
        Self { id, bytes, body: if at.is_some() { body } else { Body::Foreign }, at }
    }
}

impl At {
    fn parse(text: &[u8]) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= AT_BYTES_MAX)?;
        let mut parts = str::from_utf8(text).ok()?.split(':');
        let at = Self {
            epoch: parts.next()?.into(),
            n: parts.next()?.parse().ok()?,
            // The bytes of the epoch so far stand between them, for trim.lua.
            node: parts.nth(1)?.into(),
            number: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(fields: &[&str]) -> Entry {
        let value = Value::Array(vec![bulk("7-1"), Value::Array(fields.iter().map(|field| bulk(field)).collect())]);
        Entry::of_value(value).unwrap()
    }

    fn full() -> Event {
        let targets = vec![
            Target::All,
            Target::Channel(Channel::new("*news").unwrap()),
            Target::Client(ClientId::new("ü").unwrap()),
        ];
        let event = Event::for_targets(targets, "a\r\nb\0").unwrap().with_kind("k\"").unwrap();
        event.with_own_id("own").unwrap().with_retry_ms(100).unwrap().live_only()
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        let plain = Event::new(Target::All, "x");
        assert_eq!(head(&plain), r#"{"to":["*"]}"#);
        for one in [plain, full()] {
            assert_eq!(event(head(&one).as_bytes(), one.data().into(), usize::MAX), Some(one));
        }
    }

    #[test]
    fn what_core_would_refuse_is_no_event() {
        let odd =
            [r#"{"to":[]}"#, r#"{"to":["news"]}"#, r#"{"to":["*x"]}"#, r##"{"to":["#"]}"##, r#"{"to":[""]}"#, "", "{}"];
        for head in odd.into_iter().chain([r#"{"to":["*"],"event":"fanfare.gap"}"#, r#"{"to":["*"],"retry":1}"#]) {
            assert_eq!(event(head.as_bytes(), b"x".to_vec(), usize::MAX), None, "{head}");
        }
        assert_eq!(event(br#"{"to":["*"]}"#, b"\xff".to_vec(), usize::MAX), None);
    }

    #[test]
    fn an_event_that_no_publish_can_have_made_is_none() {
        let plain = br#"{"to":["*"]}"#;
        let at_the_limit = 1_000 + EVENT_EXTRA_BYTES_MAX - plain.len();
        assert!(event(plain, vec![b'x'; at_the_limit], 1_000).is_some());
        assert_eq!(event(plain, vec![b'x'; at_the_limit + 1], 1_000), None);
        let many: Vec<_> = (0..20_000).map(|number| format!("\"#{number}\"")).collect();
        let head = format!("{{\"to\":[{}]}}", many.join(","));
        assert!(event(head.as_bytes(), Vec::new(), 1_000).is_none(), "{}", head.len());
        let long = format!("e:3:77:{}:9", "n".repeat(AT_BYTES_MAX - 9));
        assert_eq!(long.len(), AT_BYTES_MAX);
        assert!(At::parse(long.as_bytes()).is_some());
        assert!(At::parse(format!("{long}9").as_bytes()).is_none());
    }

    #[test]
    fn an_entry_is_an_event_or_a_loss_or_of_somebody_else() {
        let at = At { epoch: "e".into(), n: 3, node: "n".into(), number: 9 };
        let event = entry(&["at", "e:3:77:n:9", "head", "h", "data", "d"]);
        assert_eq!(event.body, Body::Event { head: b"h".to_vec(), data: b"d".to_vec() });
        assert_eq!((event.id, event.at), (EventId::new(7, 1), Some(at)));
        let lost = entry(&["at", "e:3:0::0", "lost", "restart"]);
        assert!(lost.at.is_some() && lost.body == Body::Lost);
        for fields in [
            &["at", "e:3:77:n:9", "head", "h"][..],
            &["at", "e:x:77:n:9", "head", "h", "data", "d"],
            &["at", "e:3:77:n:9:1", "lost", "restart"],
            &["head", "h", "data", "d"],
            &["foo", "bar"],
            &["foo"],
            &[],
        ] {
            let read = entry(fields);
            assert_eq!((read.id, read.at, read.body), (EventId::new(7, 1), None, Body::Foreign), "{fields:?}");
            assert_eq!(read.bytes, fields.iter().map(|field| field.len()).sum::<usize>());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(at in any::<Vec<u8>>(), head in any::<Vec<u8>>(), data in any::<Vec<u8>>()) {
            let names = ["at", "head", "data"].map(bulk);
            let values = [at, head.clone(), data.clone()].map(Value::BulkString);
            let fields = names.into_iter().zip(values).flat_map(|(name, value)| [name, value]).collect();
            Entry::of_fields(EventId::new(1, 0), fields);
            event(&head, data, usize::MAX);
        }

        #[test]
        fn what_is_written_is_read(to in "[#@*][a-z*]{0,3}", data in any::<String>(), retry in 0_u64..200, keep: bool) {
            let head = format!(r#"{{"to":["{to}"],"retry":{retry},"keep":{keep}}}"#);
            if let Some(read) = event(head.as_bytes(), data.clone().into_bytes(), usize::MAX) {
                prop_assert_eq!(event(super::head(&read).as_bytes(), data.into_bytes(), usize::MAX), Some(read));
            }
        }
    }

    #[test]
    fn a_reply_has_the_entries_of_one_stream() {
        let entries = Value::Array(vec![Value::Array(vec![bulk("1-0"), Value::Array(vec![])])]);
        let reply = Value::Array(vec![Value::Array(vec![bulk("{hub}:events"), entries])]);
        assert_eq!(Entry::of_reply(reply).unwrap().len(), 1);
        assert_eq!(Entry::of_reply(Value::Nil), Some(Vec::new()));
        for odd in [Value::Int(1), Value::Array(vec![]), Value::Array(vec![Value::Nil]), Value::Okay] {
            assert_eq!(Entry::of_reply(odd), None);
        }
    }

    #[test]
    fn a_key_is_another_one_in_another_scope_and_for_other_targets() {
        let key = |text, scope| IdempotencyKey::new(text, scope).unwrap();
        let one = key_name(&key("k", "s"), &Event::new(Target::All, "x"));
        assert_eq!(one, key_name(&key("k", "s"), &Event::new(Target::All, "y")));
        assert_ne!(one, key_name(&key("k", "t"), &Event::new(Target::All, "x")));
        assert_ne!(one, key_name(&key("k", "s"), &full()));
    }
}
