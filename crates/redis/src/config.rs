//! [`Config`]: how a Stream is used, and [`StreamName`], which all nodes of a hub have in common.

use std::{fmt, str::FromStr, time::Duration};

use fanfare_core::Pattern;
use thiserror::Error;

use crate::address::Address;

/// How a journal in a Stream is kept. What bounds the Stream is to be the same on all nodes: the lowest counts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is.
    pub address: Address,
    /// What its keys begin with.
    pub name: StreamName,
    /// Events that the Stream keeps, about (`XADD MAXLEN ~`).
    pub events_max: u64,
    /// Bytes of Redis' memory that the Stream takes; kept within seconds.
    pub bytes_max: u64,
    /// How long a publish waits for an answer.
    pub timeout: Duration,
    /// Replicas that have an event before it is acknowledged.
    pub replicas: usize,
    /// Patterns of Pub/Sub channels whose messages become events.
    pub subscribe: Vec<Pattern>,
    /// Bytes of data that one of those may have; and, with 128 KiB for its names, an event in the Stream: what the body of a
    /// publish may have. The same on all nodes.
    pub message_bytes_max: usize,
    /// Idempotency keys that Redis remembers, for all nodes together; and for how long, in milliseconds.
    pub keys_max: usize,
    /// See `keys_max`.
    pub keys_ms: u64,
}

/// What the keys of a hub begin with: 1 to 64 letters, digits, `_`, `-`, `.` or `:`. In a cluster all of them are in the
/// hash slot of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName(Box<str>);

/// It is too long, empty, or has other characters.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a name has 1 to 64 letters, digits, '_', '-', '.' or ':'")]
pub struct StreamNameError;

impl FromStr for StreamName {
    type Err = StreamNameError;

    fn from_str(text: &str) -> Result<Self, StreamNameError> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(is_known);
        is_name.then(|| Self(text.into())).ok_or(StreamNameError)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys of a hub; all in one hash slot, so that a script may use them together.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The Stream.
    pub(crate) events: String,
    /// In the order in which the scripts have them: the Stream, what is known of it, idempotency keys, their ages, and who
    /// holds the lease.
    pub(crate) all: [String; 5],
    /// The Pub/Sub channel on which the lease changes hands.
    pub(crate) said: String,
}

impl Keys {
    /// In this database, of which Pub/Sub knows nothing.
    pub(crate) fn new(name: &StreamName, db: i64) -> Self {
        let key = |last: &str| format!("{{{name}}}:{last}");
        let all = ["events", "meta", "keys", "ages", "lease"].map(key);
        Self { events: all[0].clone(), said: key(&format!("lease-taken:{db}")), all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["a", "fanfare", "my-app.v2:live_1", &"x".repeat(64)] {
            assert!(name.parse::<StreamName>().is_ok(), "{name}");
        }
        for name in ["", "a b", "{a}", "ü", "a\n", &"x".repeat(65)] {
            assert_eq!(name.parse::<StreamName>(), Err(StreamNameError), "{name}");
        }
    }

    #[test]
    fn all_keys_are_in_one_hash_slot() {
        let keys = Keys::new(&"hub".parse().unwrap(), 3);
        assert_eq!(keys.events, "{hub}:events");
        assert!(keys.all.iter().chain([&keys.said]).all(|key| key.starts_with("{hub}:")));
        assert_eq!(keys.said, "{hub}:lease-taken:3");
    }
}
