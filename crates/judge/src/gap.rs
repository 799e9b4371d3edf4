//! [`Gap`]: the data of a `fanfare.gap`, by the text of the contract.

use serde_json::Value;

/// The type of the event that tells of a gap.
pub const GAP: &str = "fanfare.gap";

const REASONS: [&str; 4] = ["busy", "expired", "restart", "unknown-id"];

/// Events that are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The position before the first of them.
    pub from: Option<String>,
    /// The position of the last of them.
    pub to: Option<String>,
    /// The number of them.
    pub missed: Option<u64>,
    /// The reason.
    pub reason: String,
}

impl Gap {
    /// The gap of a client whose last event id nobody knows.
    pub fn unknown() -> Self {
        Self { from: None, to: None, missed: None, reason: "unknown-id".to_owned() }
    }

    /// Reads the data of a gap.
    ///
    /// # Panics
    /// The data is not exactly as the contract says: the four members, in this order, without space.
    #[track_caller]
    pub fn read(data: &str) -> Self {
        let gap: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
        assert_eq!(gap.to_string(), data, "a gap has no space");
        let members = gap.as_object().unwrap_or_else(|| panic!("no object: {data}"));
        assert!(members.keys().eq(["from", "to", "missed", "reason"]), "{data}");
        let text = |name: &str| match &gap[name] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            _ => panic!("{name} is no text: {data}"),
        };
        let missed = (!gap["missed"].is_null()).then(|| gap["missed"].as_u64().unwrap_or_else(|| panic!("{data}")));
        let reason = text("reason").filter(|reason| REASONS.contains(&reason.as_str()));
        let reason = reason.unwrap_or_else(|| panic!("no reason of the contract: {data}"));
        let read = Self { from: text("from"), to: text("to"), missed, reason };
        let is_known = read.reason != "unknown-id";
        assert_eq!((read.from.is_some(), read.to.is_some()), (is_known, is_known), "{data}");
        assert_eq!(read.missed.is_some(), read.reason == "busy", "only what was too much is counted: {data}");
        assert_ne!(read.missed, Some(0), "{data}");
        read
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_gap_is_read_to_the_letter() {
        let busy = Gap::read(r#"{"from":"1-0","to":"1-7","missed":7,"reason":"busy"}"#);
        let (from, to) = (Some("1-0".to_owned()), Some("1-7".to_owned()));
        assert_eq!(busy, Gap { from, to, missed: Some(7), reason: "busy".to_owned() });
        assert_eq!(Gap::read(r#"{"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#), Gap::unknown());
        for reason in ["expired", "restart"] {
            let gap = Gap::read(&format!(r#"{{"from":"1-0","to":"1-7","missed":null,"reason":"{reason}"}}"#));
            assert_eq!((gap.missed, gap.reason.as_str()), (None, reason));
        }
        for wrong in [
            "",
            "[]",
            r#"{"from":"1-0","to":"1-7","missed":7, "reason":"busy"}"#,
            r#"{"to":"1-7","from":"1-0","missed":7,"reason":"busy"}"#,
            r#"{"from":"1-0","to":"1-7","missed":7,"reason":"busy","more":1}"#,
            r#"{"from":"1-0","to":"1-7","missed":"7","reason":"busy"}"#,
            r#"{"from":"1-0","to":"1-7","missed":0,"reason":"busy"}"#,
            r#"{"from":"1-0","to":"1-7","missed":null,"reason":"busy"}"#,
            r#"{"from":"1-0","to":"1-7","missed":7,"reason":"expired"}"#,
            r#"{"from":"1-0","to":"1-7","missed":null,"reason":"tired"}"#,
            r#"{"from":"1-0","to":null,"missed":null,"reason":"expired"}"#,
            r#"{"from":"1-0","to":null,"missed":null,"reason":"unknown-id"}"#,
            r#"{"from":1,"to":"1-7","missed":7,"reason":"busy"}"#,
        ] {
            assert!(catch_unwind(|| Gap::read(wrong)).is_err(), "{wrong}");
        }
    }
}
