//! Properties of every parser that reads from the network, for any input. Each function panics if one does not hold.
//! The fuzz targets and crates/http/tests/corpus.rs call them.
//!
//! This file states the rules of the wire contract a second time, in words of its own.
#![allow(dead_code, reason = "each target uses its own part")]

use std::sync::Arc;

use fanfare_core::{
    Channel, ClientId, Event, EventId, Pattern, Target,
    engine::{Draft, Prelude, RingBudget},
};
use fanfare_judge::{Dispatched, Judge};
use serde_json::Value;

/// The most channels that a stream follows.
const CHANNELS_MAX: usize = 128;
/// Patterns among them.
const PATTERNS_MAX: usize = 16;

/// 1 to 256 bytes, no control character.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.chars().any(|c| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}'))
}

fn is_subscribed_name(text: &str) -> bool {
    is_name(text) && !text.contains(['{', '}'])
}

fn has_id_form(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name is taken if it keeps the rule, and stays as it is.
pub(crate) fn names(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let channel = Channel::new(text).ok();
    assert_eq!(channel.as_ref().map(Channel::as_str), is_name(text).then_some(text));
    assert_eq!(ClientId::new(text).ok().as_ref().map(ClientId::as_str), is_name(text).then_some(text));
    let followed = Pattern::subscribed(text).ok().and_then(|pattern| pattern.channel());
    assert_eq!(followed, channel.filter(|_| is_subscribed_name(text) && !text.contains('*')));
}

/// Text in the form of an event id is known as one. Ids come back from their text, and keep their order.
pub(crate) fn event_ids(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    assert_eq!(EventId::looks_like(text), has_id_form(text));
    let Ok(id) = text.parse::<EventId>() else {
        let fits = |part: &str| part.parse::<u64>().is_ok();
        assert!(!has_id_form(text) || !text.split('-').all(fits), "{text:?} is an event id");
        return;
    };
    assert!(has_id_form(text));
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!(id.to_string().len() <= EventId::TEXT_MAX);
    let last = EventId::new(u64::MAX, u64::MAX);
    if id != last {
        for now_ms in [0, id.ms(), id.ms().saturating_add(1)] {
            let next = id.next(now_ms);
            assert!(next > id);
            assert!(next.before() >= id);
        }
    }
    assert!(id == EventId::ZERO || id.before() < id);
}

/// The input is three lines (event type, own id, retry; an empty one is none) and the data. If they make an event, a
/// judge reads exactly that event out of its bytes, however these are cut.
pub(crate) fn events(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.splitn(4, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (kind, own_id, retry, data) = (part(), part(), part(), part());

    let mut event = Event::new(Target::All, data);
    if !kind.is_empty() {
        let with_kind = event.clone().with_kind(kind);
        assert_eq!(with_kind.is_ok(), is_name(kind) && !kind.starts_with("fanfare."), "{kind:?}");
        event = with_kind.unwrap_or(event);
    }
    if !own_id.is_empty() {
        let with_own_id = event.clone().with_own_id(own_id);
        let is_trimmed = own_id.trim_matches(' ') == own_id;
        assert_eq!(with_own_id.is_ok(), is_name(own_id) && is_trimmed && !has_id_form(own_id), "{own_id:?}");
        event = with_own_id.unwrap_or(event);
    }
    if let Ok(retry_ms) = retry.parse::<u64>() {
        let with_retry = event.clone().with_retry_ms(retry_ms);
        assert_eq!(with_retry.is_ok(), (100..=86_400_000).contains(&retry_ms));
        event = with_retry.unwrap_or(event);
    }
    round_trip(event);
}

/// A receiver sees of `event` exactly its parts.
fn round_trip(event: Event) {
    let id = EventId::new(1_795_172_087_751, 7);
    let expected = Dispatched {
        kind: event.kind().unwrap_or("message").to_owned(),
        data: event.data().replace("\r\n", "\n").replace('\r', "\n"),
        last_id: event.own_id().map_or_else(|| id.to_string(), str::to_owned),
    };
    let retry_ms = event.retry_ms();
    let (client, notes) = (ClientId::new("x").unwrap(), [event.data().to_owned()]);
    let prelude =
        Prelude { retry_ms: 1_000, connection: 1, client: &client, notes: &notes, gap: None, cursor: None }.to_string();
    let draft = Draft::new(event, Arc::new(RingBudget::new(1 << 20)));
    let bytes_max = draft.bytes_max();
    let message = draft.finish(id);
    assert!(message.bytes() <= bytes_max);
    let sse = message.sse();
    assert!(std::str::from_utf8(sse).is_ok() && !sse.contains(&b'\r') && sse.ends_with(b"\n\n"));
    assert_eq!(message.chunk(), [format!("{:x}\r\n", sse.len()).as_bytes(), sse, b"\r\n"].concat());

    for piece_bytes in [1, 7, sse.len()] {
        let mut judge = Judge::default();
        assert!(judge.feed(prelude.as_bytes()).is_empty());
        let seen: Vec<_> = sse.chunks(piece_bytes).flat_map(|piece| judge.feed(piece)).collect();
        assert_eq!(seen, std::slice::from_ref(&expected));
        assert!(judge.is_between_events());
        assert_eq!(judge.last_id, expected.last_id);
        assert_eq!(judge.retries_ms[1..], retry_ms.into_iter().collect::<Vec<_>>());
    }
}

/// All parameters of a subscription.
const PARAMETERS: [&str; 10] = [
    "id",
    "channel",
    "since",
    "last_event_id",
    "lastEventID",
    "lastEventId",
    "Last-Event-ID",
    "heartbeat",
    "envelope",
    "access_token",
];

/// The input is the query of a subscription, and `subscribe` gives the status of its answer.
pub(crate) fn queries(input: &[u8], subscribe: impl FnOnce(&str) -> u16) {
    let Ok(query) = std::str::from_utf8(input) else { return };
    let pairs = form(query);
    let all = |name: &str| -> Vec<&str> {
        let pairs = pairs.iter().flatten().filter(|(one, _)| one == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    };
    let (ids, channels, since) = (all("id"), all("channel"), all("since"));
    let is_good = pairs.is_some()
        && ["id", "last_event_id", "lastEventID", "since", "heartbeat", "envelope", "access_token"]
            .iter()
            .all(|name| all(name).len() <= 1)
        && ids.iter().all(|id| is_name(id))
        && channels.len() <= CHANNELS_MAX
        && channels.iter().filter(|channel| channel.contains('*')).count() <= PATTERNS_MAX
        && channels.iter().all(|channel| is_subscribed_name(channel))
        && all("heartbeat").iter().all(|heartbeat| *heartbeat == "cursor")
        && all("envelope").iter().all(|envelope| *envelope == "json");
    // A name that is near one of ours is refused. This file does not repeat which names are near.
    let may_be_misspelt = pairs.iter().flatten().any(|(name, _)| !PARAMETERS.contains(&name.as_str()));
    let status = subscribe(query);
    match since[..] {
        _ if is_good && may_be_misspelt => assert!([200, 400].contains(&status), "{query:?}"),
        // Whether it is a duration or a time is not said here once more.
        [since] if is_good && !["earliest", "all", "latest"].contains(&since) && !has_id_form(since) => {
            assert!([200, 400].contains(&status), "{query:?}");
        }
        _ => assert_eq!(status, if is_good { 200 } else { 400 }, "{query:?}"),
    }
}

/// The input is a method, a space and a path. `status` gives 400, 404 or 405, or 200 for everything else.
pub(crate) fn routes(input: &[u8], status: impl FnOnce(&str, &str) -> u16) {
    let Some((method, path)) = std::str::from_utf8(input).ok().and_then(|text| text.split_once(' ')) else { return };
    let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let (gets, posts, name) = match segments[..] {
        [""] | ["sse" | "healthz" | "readyz"] => (true, false, None),
        ["broadcast" | "publish"] => (false, true, None),
        ["clients" | "ping", name] | ["channels", name, "broadcast"] => (false, true, Some(name)),
        ["channels", name, "history"] => (true, false, Some(name)),
        ["channels", name] => (true, true, Some(name)),
        _ => return assert_eq!(status(method, path), 404, "{method} {path}"),
    };
    let understands = match method {
        "GET" | "HEAD" => gets,
        "POST" => posts,
        "OPTIONS" => true,
        _ => false,
    };
    let is_good = match (name.map(percent), method) {
        (None, _) => true,
        (Some(decoded), "GET" | "HEAD") if posts => decoded.is_some_and(|name| is_subscribed_name(&name)),
        (Some(decoded), _) => decoded.is_some_and(|name| is_name(&name)),
    };
    let status = status(method, path);
    match (understands, is_good) {
        (true, true) => assert_eq!(status, 200, "{method} {path}"),
        (true, false) if method != "OPTIONS" => assert_eq!(status, 400, "{method} {path}"),
        (false, true) => assert_eq!(status, 405, "{method} {path}"),
        // More than one thing is wrong, or it is only asked.
        _ => assert!([200, 400, 405].contains(&status), "{method} {path}: {status}"),
    }
}

/// The input is a line of a batch, and `publish` says whether it is taken.
pub(crate) fn lines(input: &[u8], publish: impl FnOnce(&[u8]) -> bool) {
    if input.contains(&b'\n') || input.trim_ascii().is_empty() {
        return;
    }
    let is_taken = publish(input);
    assert!(!is_taken || std::str::from_utf8(input).is_ok(), "it is not UTF-8");
    // A line may be no JSON for serde_json's own values: numbers of any size are kept as they are written.
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let text = |name: &str| value.get(name).filter(|value| !value.is_null());
    let keeps = |name: &str, rule: fn(&str) -> bool| text(name).is_none_or(|value| value.as_str().is_some_and(rule));
    let targets = ["channel", "channels", "client", "all"].iter().filter(|name| text(name).is_some()).count();
    let known = ["channel", "channels", "client", "all", "data", "event", "id", "retry", "keep", "idempotency_key"];
    let is_good = value.as_object().is_some_and(|members| members.keys().all(|name| known.contains(&name.as_str())))
        && value.get("data").is_some()
        && targets == 1
        && keeps("channel", is_name)
        && keeps("client", is_name)
        && keeps("idempotency_key", is_name)
        && keeps("event", |kind| is_name(kind) && !kind.starts_with("fanfare."))
        && keeps("id", |id| is_name(id) && !has_id_form(id))
        && text("retry").is_none_or(|retry| retry.as_u64().is_some_and(|ms| (100..=86_400_000).contains(&ms)))
        && text("all").is_none_or(|all| *all == Value::Bool(true))
        && text("channels").is_none_or(|channels| {
            let names = channels.as_array().map(Vec::as_slice).unwrap_or_default();
            !names.is_empty() && names.iter().all(|name| name.as_str().is_some_and(is_name))
        });
    assert!(!is_taken || is_good, "it is taken: {value}");
}

/// A query as a form, decoded, or `None` if it cannot be.
fn form(query: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let pair = pair.replace('+', "%20");
        let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
        pairs.push((percent(name)?, percent(value)?));
    }
    Some(pairs)
}

/// Text that is percent-decoded once, or `None` if it cannot be.
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = after else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
