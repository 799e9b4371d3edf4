//! [`Parsed`]: the event and the idempotency key in the JSON of one line of a batch. Nothing here knows how lines come or go.

use std::borrow::Cow;

use fanfare_core::{Channel, ClientId, Event, EventError, NameError, Target};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};
use thiserror::Error;

/// The members that a line may have. Any other is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    channels: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    client: Option<Cow<'a, str>>,
    #[serde(default)]
    all: Option<bool>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    retry: Option<u64>,
    #[serde(default)]
    keep: Option<Keep>,
    #[serde(borrow, default)]
    idempotency_key: Option<Cow<'a, str>>,
}

/// A line as an event.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) event: Event,
    /// The idempotency key, as it stands there.
    pub(crate) key: Option<String>,
}

/// The member `keep`: as in the query, or as JSON would have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keep {
    Bool(bool),
    Word(Word),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Yes,
    No,
}

/// Reads data. `null` is data as well: only a field that is not there is none.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// The reason for which a line is no event.
#[derive(Debug, Error)]
pub(crate) enum LineError {
    #[error("not a line of a batch: {}", without_line(.0))]
    Json(#[from] serde_json::Error),
    #[error("a line is a JSON object")]
    NoObject,
    /// Right as JSON, and not what a member takes.
    #[error("{0}")]
    Member(&'static str),
    #[error("an event goes to at most {0} channels")]
    TooManyChannels(usize),
    #[error("exactly one of \"channel\", \"channels\", \"client\" and \"all\":true is needed")]
    Targets,
    #[error("\"data\" is needed")]
    NoData,
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("{0}")]
    Event(#[from] EventError),
}

/// The answer names the line of the batch; that the JSON has only one would confuse.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(&format!(" at line {} column", error.line()), " at column")
}

/// Reads a line of JSON without space around it.
///
/// # Errors
/// [`LineError`] says what to change.
pub(crate) fn parse(bytes: &[u8], channels_max: usize) -> Result<Parsed, LineError> {
    // An array would be taken for the fields in their order.
    if bytes.first() != Some(&b'{') {
        return Err(LineError::NoObject);
    }
    let line: Line<'_> =
        serde_json::from_slice(bytes).map_err(|error| cure(bytes).map_or(error.into(), LineError::Member))?;
    let targets = match (&line.channel, &line.channels, &line.client, line.all) {
        (Some(channel), None, None, None) => vec![Target::Channel(Channel::new(channel)?)],
        (None, Some(channels), None, None) if channels.len() > channels_max => {
            return Err(LineError::TooManyChannels(channels_max));
        }
        (None, Some(channels), None, None) => {
            let channel = |name: &Cow<'_, str>| Channel::new(name).map(Target::Channel);
            channels.iter().map(channel).collect::<Result<_, _>>()?
        }
        (None, None, Some(client), None) => vec![Target::Client(ClientId::new(client)?)],
        (None, None, None, Some(true)) => vec![Target::All],
        _ => return Err(LineError::Targets),
    };
    let mut event = Event::for_targets(targets, data(line.data.ok_or(LineError::NoData)?)?)?;
    if let Some(kind) = &line.event {
        event = event.with_kind(kind)?;
    }
    if let Some(id) = &line.id {
        event = event.with_own_id(id)?;
    }
    if let Some(retry_ms) = line.retry {
        event = event.with_retry_ms(retry_ms)?;
    }
    let is_kept = !matches!(line.keep, Some(Keep::Bool(false) | Keep::Word(Word::No)));
    let event = if is_kept { event } else { event.live_only() };
    Ok(Parsed { event, key: line.idempotency_key.map(Cow::into_owned) })
}

/// A cure for a line with members of the wrong kind, if it is one of the mistakes that many make.
fn cure(bytes: &[u8]) -> Option<&'static str> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let Some(Ok(Value::Object(line))) = values.next() else { return None };
    let is_another = |name: &str, is_right: fn(&Value) -> bool| line.get(name).is_some_and(|value| !is_right(value));
    match () {
        () if !bytes[values.byte_offset()..].trim_ascii().is_empty() => {
            Some("a line is one JSON object: put each event into a line of its own, without commas between them")
        }
        () if is_another("channel", Value::is_string) => {
            Some("\"channel\" is one name, a string; several are \"channels\":[\"a\",\"b\"]")
        }
        () if is_another("channels", Value::is_array) => {
            Some("\"channels\" is a list of names; one name is \"channel\":\"a\"")
        }
        () if is_another("client", Value::is_string) => Some("\"client\" is a string, as in \"client\":\"42\""),
        () if is_another("id", Value::is_string) => Some("\"id\" is a string, as in \"id\":\"42\""),
        () if is_another("retry", Value::is_u64) => Some("\"retry\" is a number of milliseconds, as in \"retry\":5000"),
        () => None,
    }
}

/// The data of a line. A string is itself. Any other JSON is sent as it was written, without the space between its tokens.
fn data(raw: &RawValue) -> Result<String, serde_json::Error> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str(text);
    }
    let (mut is_in_string, mut is_escaped) = (false, false);
    Ok(text
        .chars()
        .filter(|character| {
            if is_in_string {
                is_in_string = is_escaped || *character != '"';
                is_escaped = !is_escaped && *character == '\\';
                return true;
            }
            is_in_string = *character == '"';
            !matches!(character, ' ' | '\t' | '\n' | '\r')
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Event, LineError> {
        super::parse(bytes, 3).map(|parsed| parsed.event)
    }

    fn data_of(line: &str) -> String {
        parse(line.as_bytes()).unwrap().data().to_owned()
    }

    #[test]
    fn data_is_a_string_or_json_as_it_was_written() {
        assert_eq!(data_of(r#"{"all":true,"data":"a\nb \u20ac"}"#), "a\nb €");
        assert_eq!(data_of(r#"{"all":true,"data":""}"#), "");
        let written = r#"{"all":true,"data": { "b" : 1.0, "a" : [ 1e400 , "x \" y\\" , 12345678901234567890123 ] } }"#;
        assert_eq!(data_of(written), r#"{"b":1.0,"a":[1e400,"x \" y\\",12345678901234567890123]}"#);
        for json in ["null", "true", "-0", "[]"] {
            assert_eq!(data_of(&format!(r#"{{"all":true,"data": {json} }}"#)), json);
        }
    }

    #[test]
    fn a_line_goes_to_exactly_one_kind_of_target() {
        let targets = |line: &str| parse(line.as_bytes()).map(|event| event.targets().to_vec());
        let channel = |name| Target::Channel(Channel::new(name).unwrap());
        assert_eq!(targets(r#"{"channels":["a","b","a"],"data":1}"#).unwrap(), [channel("a"), channel("b")]);
        assert_eq!(targets(r#"{"channels":["a","b","c"],"data":1}"#).unwrap().len(), 3);
        assert_eq!(targets(r#"{"channel":"*","data":1}"#).unwrap(), [channel("*")]);
        for bad in [
            r#"{"data":1}"#,
            r#"{"all":false,"data":1}"#,
            r#"{"all":true,"channel":"a","data":1}"#,
            r#"{"channels":[],"data":1}"#,
            r#"{"client":"","data":1}"#,
            r#"{"channels":["a","b","c","d"],"data":1}"#,
            r#"[null,null,null,true,1,null,null,null,null,null]"#,
        ] {
            assert!(targets(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_are_checked_and_unknown_ones_named() {
        let event = parse(br#"{"client":"x","data":1,"event":"k","id":"i","retry":100,"keep":"no"}"#).unwrap();
        assert_eq!((event.kind(), event.own_id(), event.retry_ms()), (Some("k"), Some("i"), Some(100)));
        assert!(!event.is_kept());
        assert!(!parse(br#"{"all":true,"data":1,"keep":false}"#).unwrap().is_kept());
        for bad in [
            r#"{"all":true}"#,
            r#"{"all":true,"data":1,"event":"a\nb"}"#,
            r#"{"all":true,"data":1,"id":"1-2"}"#,
            r#"{"all":true,"data":1,"retry":99}"#,
            r#"{"all":true,"data":1,"retry":-1}"#,
            r#"{"all":true,"data":1,"keep":"maybe"}"#,
            r#"{"all":true,"data":1,"data":2}"#,
            r#"{"all":true,"data":"\ud800"}"#,
            r#"[1]"#,
            "{",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let error = parse(br#"{"all":true,"data":1,"evnt":"k"}"#).unwrap_err().to_string();
        assert!(error.contains("evnt"), "{error}");
        assert!(parse(b"{\"all\":true,\"data\":\"\xff\"}").is_err());
    }
}
