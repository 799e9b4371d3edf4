//! [`Notice`]: news of a shard for operators. Core returns notices and the shell logs them.

use crate::event::{account::Account, name::ClientId, target::Target};

/// News for an operator.
///
/// [`Shard`](crate::engine::Shard) has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A connection is over and its slot is gone.
    Closed(Closed),
    /// Messages for `target` were dropped because rings were full.
    Busy {
        /// The target of the dropped messages.
        target: Target,
        /// Drops since the last such notice, over all connections of the shard; see [`Account::dropped`].
        dropped: u64,
    },
}

/// A connection that has ended, in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The number of the connection, as in the prelude of its stream.
    pub connection: u64,
    /// The client of the connection.
    pub client: ClientId,
    /// The reason of the end.
    pub reason: CloseReason,
    /// The time that the connection was open, in milliseconds.
    pub age_ms: u64,
    /// The figures of its events.
    pub account: Account,
}

/// The reasons for which connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed, half-closed or reset the connection.
    ClientGone,
    /// The connection ended before its response head was written.
    HandshakeFailed,
    /// The ring was full and the policy is close.
    Busy,
    /// Bytes waited, and the client took none of them for as long as the write timeout.
    WriteTimeout,
    /// The client sent more bytes after its request than are thrown away.
    TooMuchInput,
    /// The drain ended the connection after its last event.
    Drained,
    /// The time of the stream was over ([`crate::engine::Subscribe::expires_ms`]), and it ended in good order.
    Expired,
    /// An operator ended the stream in good order.
    Disconnected,
    /// The drain cut the connection before the client had taken everything.
    Cut,
}

impl CloseReason {
    /// All of them, in their order.
    pub const ALL: [Self; 9] = [
        Self::ClientGone,
        Self::HandshakeFailed,
        Self::Busy,
        Self::WriteTimeout,
        Self::TooMuchInput,
        Self::Drained,
        Self::Expired,
        Self::Disconnected,
        Self::Cut,
    ];

    /// A short word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client gone",
            Self::HandshakeFailed => "handshake failed",
            Self::Busy => "busy",
            Self::WriteTimeout => "write timeout",
            Self::TooMuchInput => "too much input",
            Self::Drained => "drained",
            Self::Expired => "expired",
            Self::Disconnected => "disconnected",
            Self::Cut => "cut",
        }
    }
}
