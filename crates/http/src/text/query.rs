//! Percent-decoding of path segments and queries: once, strictly, as UTF-8.
//!
//! [`Query`] keeps the order and the repetitions of its parameters. Their meaning is left to the routes.

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The reason for which a text cannot be decoded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// A `%` without two hexadecimal digits behind it.
    #[error("invalid percent-encoding")]
    Percent,
    /// The decoded bytes are not UTF-8.
    #[error("not UTF-8 after percent-decoding")]
    Utf8,
}

/// Decodes one path segment, in which `+` is itself.
pub(crate) fn decode(text: &str) -> Result<String, DecodeError> {
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    if text.match_indices('%').any(|(at, _)| !is_hex(at + 1) || !is_hex(at + 2)) {
        return Err(DecodeError::Percent);
    }
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| DecodeError::Utf8)
}

/// The parameters of a query, decoded as forms are (WHATWG URL 5.1): `+` is a space.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, DecodeError> {
        let part = |part: &str| decode(&part.replace('+', " "));
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((part(name)?, part(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// Every name, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Every value of `name`, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The only value of `name`. `Err` if there are several.
    pub(crate) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Repeated<'a>> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err(Repeated(name)) } else { Ok(first) }
    }
}

/// A parameter that may stand once stands more often.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the query parameter {0:?} may be given once")]
pub(crate) struct Repeated<'a>(&'a str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once_and_strictly() {
        assert_eq!(decode("orders%2F42").as_deref(), Ok("orders/42"));
        assert_eq!(decode("a+b%25").as_deref(), Ok("a+b%"));
        assert_eq!(decode("%2541").as_deref(), Ok("%41"));
        for bad in ["%", "a%2", "%zz", "%2g"] {
            assert_eq!(decode(bad), Err(DecodeError::Percent), "{bad}");
        }
        assert_eq!(decode("%ff"), Err(DecodeError::Utf8));
    }

    #[test]
    fn queries_keep_order_and_repetition() {
        let query = Query::parse("channel=a&id=x+y&channel=b&&flag").unwrap();
        assert_eq!(query.all("channel").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.one("id"), Ok(Some("x y")));
        assert_eq!(query.one("flag"), Ok(Some("")));
        assert_eq!(query.one("channel"), Err(Repeated("channel")));
        assert_eq!(query.one("none"), Ok(None));
        assert!(Query::parse("a=%").is_err());
    }
}
