//! [`told`]: the sentence of `fanfare subscribe` for a person when events are missing. The gap event itself is printed
//! on standard output where the events are missing. The sentence goes to standard error.

use serde_json::Value;

use crate::{event_stream::Event, harmless::harmless};

/// The event type of a gap.
const KIND: &str = "fanfare.gap";

/// The missing events and the reason, if `event` is a gap.
pub(crate) fn told(event: &Event) -> Option<String> {
    if event.kind != KIND {
        return None;
    }
    let gap: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let what = match gap.get("missed").and_then(Value::as_u64) {
        Some(missed) => format!("events that were missed: {missed}"),
        None => "events may have been missed".to_owned(),
    };
    let why = match gap.get("reason").and_then(Value::as_str) {
        Some("busy") => "; they were not taken in time (busy)".to_owned(),
        Some("expired") => "; the server does not keep them any more (expired)".to_owned(),
        Some("restart") => "; the server has been started since and does not have them (restart)".to_owned(),
        Some("unknown-id") => "; the server does not know the id to go on from (unknown-id)".to_owned(),
        Some(other) => format!(" ({})", harmless(other)),
        None => String::new(),
    };
    Some(what + &why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(kind: &str, data: &str) -> Option<String> {
        told(&Event { id: None, kind: kind.to_owned(), data: data.to_owned() })
    }

    #[test]
    fn each_reason_is_a_sentence_with_the_count_where_there_is_one() {
        for (data, said) in [
            (
                r#"{"from":"1-0","to":"2-3","missed":4,"reason":"busy"}"#,
                "events that were missed: 4; they were not taken in time (busy)",
            ),
            (
                r#"{"missed":null,"reason":"expired"}"#,
                "events may have been missed; the server does not keep them any more (expired)",
            ),
            (
                r#"{"missed":null,"reason":"restart"}"#,
                "events may have been missed; the server has been started since and does not have them (restart)",
            ),
            (
                r#"{"reason":"unknown-id"}"#,
                "events may have been missed; the server does not know the id to go on from (unknown-id)",
            ),
            (r#"{"missed":-1,"reason":"\u001b[2J"}"#, "events may have been missed (\\u{1b}[2J)"),
            ("{}", "events may have been missed"),
            ("nonsense", "events may have been missed"),
        ] {
            assert_eq!(told_of(KIND, data).as_deref(), Some(said), "{data}");
        }
    }

    #[test]
    fn other_events_tell_of_none() {
        for kind in ["message", "gap", "fanfare.gaps"] {
            assert_eq!(told_of(kind, r#"{"missed":4,"reason":"busy"}"#), None);
        }
    }
}
