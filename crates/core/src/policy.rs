//! [`Policy`]: the behaviour of a full ring. Each connection has one, set when it subscribes.

/// The behaviour of a connection whose ring is full. The publisher and all other connections never notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The connection takes the waiting messages, then the missed ones from the history, then goes on live. Events that have
    /// left the history are told in a gap.
    #[default]
    Repair,
    /// New messages are dropped until the connection has taken the waiting ones. A gap says how many.
    DropNewest,
    /// The oldest waiting messages are dropped, and a gap takes their place. A partly written message is never dropped.
    DropOldest,
    /// The connection is closed. The client comes back and resumes.
    Close,
}
