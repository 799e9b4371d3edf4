//! [`Admin`]: the settings of the listener. [`Limits`]: what it takes at most, each with its reason.

use std::{fmt, time::Duration};

use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Bytes of the longest token. A head has to have room for it.
pub const TOKEN_BYTES_MAX: usize = 1_024;

/// The settings of the admin listener.
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// What a request has to show. None: everybody who can connect may do everything, which is for loopback only.
    pub token: Option<AdminToken>,
    /// Names that a request may be sent to, besides addresses and `localhost`. Without ports.
    pub hosts: Vec<String>,
    /// What keeps the events, for people to see.
    pub journal: JournalKind,
    /// Of so many channels, the first by name, `/metrics` has series of their own. The names come from clients, so 0 is the default.
    pub channel_metrics_max: usize,
    /// What the listener takes at most.
    pub limits: Limits,
}

/// What keeps the events of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalKind {
    /// Nothing: they are gone after a restart.
    #[default]
    Memory,
    /// A journal on disk.
    Disk,
    /// A Redis.
    Redis,
    /// A journal that the program has brought.
    Other,
}

impl JournalKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Redis => "redis",
            Self::Other => "other",
        }
    }
}

/// What the listener takes at most. The defaults are for one person with some tabs, a Prometheus or two, and scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open sockets. One more is told so and closed. Default: 64, so that nobody can use up the descriptors of the server here.
    pub sockets_max: usize,
    /// Open sockets of one address, or of one /64 of IPv6. 0 is no limit. Default: 48, so that one machine cannot shut all others out.
    pub sockets_of_address_max: usize,
    /// Event streams, of the dashboard and tails together. Default: 32, so that half of the sockets stay free for requests.
    pub streams_max: usize,
    /// Questions that the shards answer, at a time: others wait. Default: 4, because each makes every shard look at its connections.
    pub questions_max: usize,
    /// Bytes of a request's body. Default: 64 KiB, enough for an event that a person types.
    pub body_bytes_max: usize,
    /// Bytes of a request's head. Default: 16 KiB. hyper takes no less than 8 KiB.
    pub head_bytes_max: usize,
    /// The time for a head, and that a socket may stay without a request. Default: 10 s.
    pub head_timeout: Duration,
    /// The time for a body. Default: 10 s.
    pub body_timeout: Duration,
    /// The time for an answer. Default: 30 s: a publish may wait for room, and a shard may be busy.
    pub answer_timeout: Duration,
    /// The time that bytes of an answer may wait for their reader. Default: 30 s.
    pub write_timeout: Duration,
}

/// Sockets of operators that may be open by default.
pub const SOCKETS_MAX: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets_max: SOCKETS_MAX,
            sockets_of_address_max: 48,
            streams_max: 32,
            questions_max: 4,
            body_bytes_max: 64 << 10,
            head_bytes_max: 16 << 10,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// A secret that requests have to show.
#[derive(Clone)]
pub struct AdminToken(String);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AdminTokenError {
    /// It is empty.
    #[error("the admin token must not be empty")]
    Empty,
    /// It is longer than [`TOKEN_BYTES_MAX`].
    #[error("the admin token must not be longer than {TOKEN_BYTES_MAX} bytes")]
    Long,
    /// It has a character that a header does not carry.
    #[error("the admin token may have visible ASCII characters only, and no space")]
    Character,
}

impl AdminToken {
    /// The token, if a header can carry it.
    ///
    /// ```
    /// use fanfare_admin::{AdminToken, AdminTokenError};
    ///
    /// assert!(AdminToken::new("correct-horse").is_ok());
    /// assert_eq!(AdminToken::new("two words").err(), Some(AdminTokenError::Character));
    /// ```
    ///
    /// # Errors
    /// [`AdminTokenError`]
    pub fn new(text: impl Into<String>) -> Result<Self, AdminTokenError> {
        let text = text.into();
        match text.len() {
            0 => Err(AdminTokenError::Empty),
            length if length > TOKEN_BYTES_MAX => Err(AdminTokenError::Long),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(AdminTokenError::Character),
            _ => Ok(Self(text)),
        }
    }

    /// Whether this is the token. The time tells the length at most.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

/// Without the secret.
impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_visible_characters_and_an_end() {
        assert_eq!(AdminToken::new("").err(), Some(AdminTokenError::Empty));
        assert!(AdminToken::new("x".repeat(TOKEN_BYTES_MAX)).is_ok());
        assert_eq!(AdminToken::new("x".repeat(TOKEN_BYTES_MAX + 1)).err(), Some(AdminTokenError::Long));
        for wrong in ["a b", "a\n", "ä"] {
            assert_eq!(AdminToken::new(wrong).err(), Some(AdminTokenError::Character), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_itself_and_is_not_shown() {
        let token = AdminToken::new("secret").unwrap();
        assert!(token.is(b"secret") && !token.is(b"secre") && !token.is(b"Secret") && !token.is(b""));
        assert!(!format!("{:?}", Admin { token: Some(token), ..Admin::default() }).contains("secret"));
    }
}
