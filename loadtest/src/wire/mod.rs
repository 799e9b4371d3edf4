//! HTTP from the client's side, and the facts that are kept of event streams. No sockets, no clock.

pub(crate) mod body;
pub(crate) mod dialect;
pub(crate) mod head;
pub(crate) mod limits;
pub(crate) mod target;
pub(crate) mod token;
pub(crate) mod transport;
