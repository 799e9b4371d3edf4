//! [`Query`]: the parameters of a request, each of which has to be known, and come once.

use fanfare_http::{Channel, ClientId, core::NameError};
use percent_encoding::percent_decode_str;

use crate::answer::problem::Problem;

/// The most that one page of a list may have.
pub(crate) const LIMIT_MAX: usize = 1_000;
const LIMIT_DEFAULT: usize = 100;

/// The largest number that every reader of JSON takes for itself. Numbers of connections stay far below.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// The parameters of a request that its route knows.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// [`Problem`]: one is not in `known`, or is no UTF-8, or comes twice and is not the one of `repeated`.
    pub(crate) fn parse(text: Option<&str>, known: &[&str], repeated: Option<&str>) -> Result<Self, Problem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for part in text.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad_request(format!("the parameter {name:?} is not known here; known: {known}")));
            }
            if repeated != Some(&name) && parameters.iter().any(|(other, _)| *other == name) {
                return Err(Problem::bad_request(format!("the parameter {name:?} comes twice")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value made into something.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        self.one(name).map(read).transpose()
    }

    /// The channel that the parameter names.
    pub(crate) fn channel(&self, name: &str) -> Result<Option<Channel>, Problem> {
        self.read(name, |text| Channel::new(text).map_err(|error| wrong_name(name, error)))
    }

    /// The client that the parameter names.
    pub(crate) fn client(&self, name: &str) -> Result<Option<ClientId>, Problem> {
        self.read(name, |text| ClientId::new(text).map_err(|error| wrong_name(name, error)))
    }

    /// How many things one page has.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.read("limit", |text| {
            let limit = digits(text).and_then(|limit| usize::try_from(limit).ok());
            limit.filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
                Problem::bad_request(format!("limit: a number from 1 to {LIMIT_MAX} is needed, not {text:?}"))
            })
        });
        Ok(limit?.unwrap_or(LIMIT_DEFAULT))
    }
}

pub(crate) fn wrong_name(what: &str, error: NameError) -> Problem {
    Problem::bad_request(format!("{what}: {error}"))
}

/// The number of a connection.
pub(crate) fn connection_number(text: &str) -> Result<u64, Problem> {
    digits(text).filter(|number| *number <= NUMBER_MAX).ok_or_else(|| {
        Problem::bad_request(format!("connection: a number from 0 to {NUMBER_MAX} is needed, not {text:?}"))
    })
}

/// A number of decimal digits alone: no sign, no space.
pub(crate) fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn decoded(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map(Into::into);
    decoded.map_err(|_| Problem::bad_request("the query is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Query, Problem> {
        Query::parse(Some(text), &["a", "limit"], Some("a"))
    }

    #[test]
    fn parameters_are_decoded_and_one_may_come_again() {
        let query = parse("a=x%20y&&a=%2B+&limit=7").unwrap();
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["x y", "+ "]);
        assert_eq!((query.limit().unwrap(), query.one("b")), (7, None));
        assert_eq!(Query::parse(None, &[], None).unwrap().limit().unwrap(), 100);
    }

    #[test]
    fn what_is_unknown_or_repeated_or_no_text_is_refused() {
        for wrong in ["b=1", "limit=1&limit=2", "a=%FF", "%FF=1", "A=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_and_numbers_are_digits_in_their_range() {
        for wrong in [
            "limit=0",
            "limit=1001",
            "limit=",
            "limit",
            "limit=+5",
            "limit=-1",
            "limit=1.5",
            "limit=99999999999999999999",
        ] {
            assert!(parse(wrong).unwrap().limit().is_err(), "{wrong}");
        }
        assert_eq!(parse("limit=1000").unwrap().limit().unwrap(), 1_000);
        assert_eq!(connection_number("9007199254740991").unwrap(), 9_007_199_254_740_991);
        for wrong in ["9007199254740992", "", "x", "-1", " 1"] {
            assert!(connection_number(wrong).is_err(), "{wrong}");
        }
    }
}
