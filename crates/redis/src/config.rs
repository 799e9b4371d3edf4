//! [`Config`]: the settings of a journal in a Stream. [`StreamName`]: the common name of all nodes of a hub.

use std::{fmt, str::FromStr, time::Duration};

use fanfare_core::Pattern;
use thiserror::Error;

use crate::address::Address;

/// The settings of a journal in a Stream. The bounds of the Stream should be the same on all nodes: the lowest counts.
///
/// [`RedisJournal::new`](crate::RedisJournal::new) has an example.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address of Redis (`--redis`).
    pub address: Address,
    /// First part of the names of all keys (`--redis-stream`).
    pub name: StreamName,
    /// Events that the Stream keeps, about (`redis-events` of `[limits]`, `XADD MAXLEN ~`).
    pub events_max: u64,
    /// Bytes of Redis' memory that the Stream takes. The bound is kept within seconds (`--redis-bytes`).
    pub bytes_max: u64,
    /// Time that a publish waits for an answer (`--redis-timeout`).
    pub timeout: Duration,
    /// Replicas that have an event before it is acknowledged (`--redis-wait-replicas`).
    pub replicas: usize,
    /// Patterns of Pub/Sub channels whose messages become events (`--redis-subscribe`).
    pub subscribe: Vec<Pattern>,
    /// Bytes of data that a Pub/Sub message may have. An event in the Stream may have 128 KiB more for its names.
    /// Should be the limit of the body of a publish, and the same on all nodes.
    pub message_bytes_max: usize,
    /// Idempotency keys that Redis remembers, for all nodes together.
    pub keys_max: usize,
    /// Time that Redis remembers an idempotency key (ms).
    pub keys_ms: u64,
}

/// The first part of the names of a hub's keys: 1 to 64 letters, digits, `_`, `-`, `.` or `:`. In a cluster all keys
/// are in the hash slot of this name.
///
/// ```
/// use fanfare_redis::{StreamName, StreamNameError};
///
/// let name: StreamName = "my-app:live".parse()?;
/// assert_eq!(name.to_string(), "my-app:live");
/// assert_eq!("my app".parse::<StreamName>(), Err(StreamNameError));
/// # Ok::<_, StreamNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName(Box<str>);

/// The name is too long, empty, or has other characters.
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

/// The names of a hub's keys. All are in one hash slot, so that a script may use them together.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Key of the Stream.
    pub(crate) events: String,
    /// All keys in the order of the scripts: the Stream, its meta data, idempotency keys, their ages, and the lease.
    pub(crate) all: [String; 5],
    /// The Pub/Sub channel on which the lease changes hands.
    pub(crate) said: String,
}

impl Keys {
    /// The keys for database `db`. Pub/Sub has one space of channels for all databases, so the channel has the number.
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
