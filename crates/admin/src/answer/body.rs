//! [`Body`]: a whole content, or a stream of parts.

use std::{convert::Infallible, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>>>>;

/// The body of an answer.
pub(crate) type Body = Either<Full<Bytes>, StreamBody<Frames>>;

pub(crate) fn whole(content: Bytes) -> Body {
    Either::Left(Full::new(content))
}

/// A body that hyper takes part by part, when its reader has room. It drops the stream when the reader has gone.
pub(crate) fn parts(stream: impl Stream<Item = Bytes> + 'static) -> Body {
    let frames: Frames = Box::pin(stream.map(|part| Ok(Frame::data(part))));
    Either::Right(StreamBody::new(frames))
}
