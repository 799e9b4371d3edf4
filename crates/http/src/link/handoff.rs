//! [`Handoff`]: how the socket of an HTTP/1.1 stream leaves hyper.
//!
//! The service parks the subscription, and the marker body says that hyper has come to the end of the head. Then the task of the
//! connection takes the stream, once all bytes of the head have left. A socket that was full would lose its head otherwise.

use fanfare_core::engine::{Framing, Subscription};

use crate::link::socket::ClientSocket;

/// A stream whose head is on its way out.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) subscription: Subscription<ClientSocket>,
    pub(crate) framing: Framing,
}

/// State of the streams of one connection.
#[derive(Debug, Default)]
pub(crate) enum Handoff {
    /// No stream has begun.
    #[default]
    NoStream,
    /// A stream has begun, and hyper has not encoded all of its head.
    Parked(Box<Parked>),
    /// hyper has encoded the head of the stream.
    Encoded(Box<Parked>),
    /// hyper keeps the streams, and may hold bytes of them.
    Kept,
}

impl Handoff {
    /// The marker body was polled: hyper has encoded all that comes before it.
    pub(crate) fn note_encoded(&mut self) {
        *self = match std::mem::take(self) {
            Self::Parked(parked) => Self::Encoded(parked),
            other => other,
        };
    }

    /// The stream, once its head is encoded.
    pub(crate) fn take(&mut self) -> Option<Box<Parked>> {
        match std::mem::take(self) {
            Self::Encoded(parked) => Some(parked),
            other => {
                *self = other;
                None
            }
        }
    }
}
