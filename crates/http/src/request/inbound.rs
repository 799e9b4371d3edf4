//! [`Inbound`]: the body of a request, as hyper has it or as another server has wrapped it.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use parking_lot::Mutex;

use crate::link::h2_stream::H2Body;

/// A body on its way in.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// The body of a request on a socket of ours.
    Hyper(Incoming),
    /// The body of a request on an HTTP/2 connection of ours. None if it has none.
    Frames(Option<H2Body>),
    /// The body of a request that a program's own server has taken. A request is shared while it waits, so its body has to be
    /// `Sync`: that is all that the lock is for, and it is never contended.
    Other(Mutex<UnsyncBoxBody<Bytes, BoxError>>),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Inbound {
    pub(crate) fn other<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Other(Mutex::new(body.map_err(Into::into).boxed_unsync()))
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Hyper(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Frames(None) => Poll::Ready(None),
            Self::Frames(Some(body)) => {
                body.poll_data(cx).map(|data| data.map(|bytes| bytes.map(Frame::data).map_err(Into::into)))
            }
            Self::Other(body) => Pin::new(body.get_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Hyper(body) => body.is_end_stream(),
            Self::Frames(body) => body.is_none(),
            Self::Other(body) => body.lock().is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Hyper(body) => body.size_hint(),
            Self::Frames(None) => SizeHint::with_exact(0),
            Self::Frames(Some(body)) => body.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Other(body) => body.lock().size_hint(),
        }
    }
}
