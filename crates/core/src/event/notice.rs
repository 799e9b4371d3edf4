//! [`Notice`]: what a shard has to say about its connections. Core returns them, the shell logs them.

use crate::event::{account::Account, name::ClientId, target::Target};

/// Something an operator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A connection is over and its slot is gone.
    Closed(Closed),
    /// Messages for `target` were dropped since the last such notice, because rings were full.
    Busy {
        /// Where the dropped messages were going.
        target: Target,
        /// How many were dropped, over all connections of this shard; see [`Account::dropped`].
        dropped: u64,
    },
}

/// The life of a connection in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The number of the connection, as in the prelude of its stream.
    pub connection: u64,
    /// Its client.
    pub client: ClientId,
    /// Why it ended.
    pub reason: CloseReason,
    /// How long it was open, in milliseconds.
    pub age_ms: u64,
    /// What became of its events.
    pub account: Account,
}

/// Every way in which a connection can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed, half-closed or reset it.
    ClientGone,
    /// It was over before the response head was out.
    HandshakeFailed,
    /// The ring was full and the policy is close.
    Busy,
    /// It took no byte for the write timeout while some waited.
    WriteTimeout,
    /// The client sent more after its request than is thrown away.
    TooMuchInput,
    /// The drain ended it after its last event.
    Drained,
    /// The drain had to cut it before it had taken everything.
    Cut,
}

impl CloseReason {
    /// A short word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client gone",
            Self::HandshakeFailed => "handshake failed",
            Self::Busy => "busy",
            Self::WriteTimeout => "write timeout",
            Self::TooMuchInput => "too much input",
            Self::Drained => "drained",
            Self::Cut => "cut",
        }
    }
}
