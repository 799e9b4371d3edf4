//! [`Claims`]: the registered claims of a token (RFC 7519 4.1), each with its type.

use serde_json::{Map, Value};

use crate::refused::Rule;

/// The claims of a token. A claim of the wrong type is an error where it is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

/// The last second of the year 9999. A later time is a mistake, such as milliseconds.
const SECONDS_MAX: u64 = 253_402_300_799;

impl<'a> Claims<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// `iss`, `sub` or `jti`.
    pub(crate) fn text(self, name: &'static str) -> Result<Option<&'a str>, Rule> {
        self.get(name).map(|value| value.as_str().ok_or(Rule::Malformed(name))).transpose()
    }

    /// `exp` or `nbf` in Unix seconds. A fraction, which some issuers write (RFC 7519 2), is cut off.
    pub(crate) fn seconds(self, name: &'static str) -> Result<Option<u64>, Rule> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
        let whole = |number: f64| (0.0..=SECONDS_MAX as f64).contains(&number).then_some(number as u64);
        let seconds = |value: &Value| {
            let number = value.as_u64().or_else(|| value.as_f64().and_then(whole));
            number.filter(|seconds| *seconds <= SECONDS_MAX)
        };
        self.get(name).map(|value| seconds(value).ok_or(Rule::Malformed(name))).transpose()
    }

    /// `aud`, which is a text or a list of texts.
    pub(crate) fn audiences(self) -> Result<Option<Vec<&'a str>>, Rule> {
        let texts = |value: &'a Value| match value {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(list) => list.iter().map(Value::as_str).collect(),
            _ => None,
        };
        self.get("aud").map(|value| texts(value).ok_or(Rule::Malformed("aud"))).transpose()
    }
}
