//! [`Policy`]: what a full ring does with the next message. Resolved once per connection, when it subscribes.

/// What happens to a connection whose ring is full. The publisher and all other connections never notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The new message is dropped and counted; what waits already is delivered.
    #[default]
    DropNewest,
    /// The oldest waiting messages make room, are dropped and counted; a partly written one never is.
    DropOldest,
    /// The connection is closed; the client comes back and starts anew.
    Close,
}
