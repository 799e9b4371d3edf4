//! [`PublishError`]: why publishing ended before its time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::link::error::{AuthorityError, LinkError};
use crate::wire::body::Malformed;
use crate::wire::head::HeadError;

/// Why publishing ended before its time. Events count from 1 here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("publishing: cannot connect to {address}: {cause}")]
    Connect { address: SocketAddr, cause: io::Error },
    #[error("publishing: {0}")]
    Link(#[from] LinkError),
    #[error("publishing: {0}")]
    Authority(#[from] AuthorityError),
    #[error("publishing event {event}: {cause}")]
    Request { event: u32, cause: LinkError },
    #[error("publishing event {event}: no answer within the --timeout of {timeout:?}")]
    NoAnswer { event: u32, timeout: Duration },
    #[error("publishing event {event}: the target closed the connection before the answer was complete")]
    Closed { event: u32 },
    #[error("publishing event {event}: {cause}")]
    Broke { event: u32, cause: io::Error },
    #[error("publishing event {event}: {cause}")]
    Head { event: u32, cause: HeadError },
    #[error("publishing event {event}: {cause}")]
    Malformed { event: u32, cause: Malformed },
    #[error("publishing event {event}: more than {bytes_max} bytes of answer, or bytes after it")]
    TooMuch { event: u32, bytes_max: usize },
    #[error("publishing event {event}: the target answered {status}{text}")]
    Status { event: u32, status: u16, text: String },
    #[error("publishing event {event}: {repeats} repeats within the --timeout of {timeout:?}, and still: {cause}")]
    Repeated { event: u32, repeats: u32, timeout: Duration, cause: Box<PublishError> },
    #[error("publishing event {event}: the answer does not say how many of its batch were published: {cause}")]
    Count { event: u32, cause: serde_json::Error },
    #[error(
        "publishing event {event}: of a batch of {lines}, {published} were published, {failed} failed, {unknown} of \
         them unknown{first}"
    )]
    NotAll { event: u32, lines: u32, published: u32, failed: u32, unknown: u32, first: String },
}

impl PublishError {
    /// Whether the same publish may succeed later. An answer that refuses it for what it is stays.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Closed { .. } | Self::Broke { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_worth_a_repeat() {
        let status = |status| PublishError::Status { event: 1, status, text: String::new() };
        assert!(status(502).may_pass() && status(503).may_pass() && PublishError::Closed { event: 1 }.may_pass());
        assert!(!status(400).may_pass() && !status(422).may_pass());
        assert!(!PublishError::NoAnswer { event: 1, timeout: Duration::ZERO }.may_pass());
    }
}
