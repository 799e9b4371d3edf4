//! [`Policy`]: what a full ring does with the next message. Resolved once per connection, when it subscribes.

/// What happens to a connection whose ring is full. The publisher and all other connections never notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The connection takes what waits, then what it missed from the journal, then goes on live. What the journal does
    /// not keep any more is told in a gap.
    #[default]
    Repair,
    /// New messages are dropped until the connection has taken what waits; a gap says how many.
    DropNewest,
    /// The oldest waiting messages make room and are dropped, a gap in their place; a partly written one never is.
    DropOldest,
    /// The connection is closed; the client comes back and resumes.
    Close,
}
