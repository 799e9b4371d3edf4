//! [`Body`]: the body of every answer. Small bodies are whole. The body of a stream is drained from its feed, or only marks the
//! place where the socket leaves hyper.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use fanfare_core::engine::{Cut, Subscription};
use hyper::body::{Frame, SizeHint};

use crate::{
    answer::{
        excerpt::Excerpt,
        piece::{Piece, Pieces},
    },
    link::{Link, Owed, socket::ClientSocket},
};

/// The body of an answer, for hyper to send.
///
/// ```
/// # use fanfare_http::{Config, Fanfare};
/// use http_body_util::BodyExt as _;
/// use hyper::Request;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let fanfare = Fanfare::start(Config::default())?;
/// # let handle = fanfare.handle();
/// # let address = ([127, 0, 0, 1], 49_152).into();
/// let request = Request::get("/sse?channel=news").header("host", "localhost").body(String::new())?;
/// let mut stream = handle.answer(request, address).await.into_body();
/// let lines = stream.frame().await.ok_or("no lines")??.into_data().map_err(|_| "no data")?;
/// assert!(bytes::Buf::chunk(&lines).starts_with(b"retry: "));
/// # drop(stream);
/// # fanfare.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Body {
    content: Content,
    /// The answer, which is sent when the body is dropped.
    owed: Option<Owed>,
}

/// The source of the bytes of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    /// All there is. Empty once it is taken.
    Full(Bytes),
    /// The first lines of a stream. Behind them the socket is taken over.
    Marker { prelude: Bytes, link: Arc<Link> },
    /// A page of history.
    Excerpt(Box<Excerpt>),
    /// A stream that its shard writes over HTTP/2, once the head has left.
    Parked { prelude: Bytes, subscription: Box<Subscription<ClientSocket>> },
    /// A stream that hyper carries to its end, a piece at a time.
    Stream { prelude: Bytes, pieces: Box<Pieces> },
}

/// A stream whose head has yet to leave.
pub(crate) struct Parked {
    /// The first lines of the stream.
    pub(crate) prelude: Bytes,
    pub(crate) subscription: Box<Subscription<ClientSocket>>,
    pub(crate) owed: Owed,
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// A whole answer of a program's own.
    ///
    /// ```
    /// use fanfare_http::Body;
    /// use hyper::body::Body as _;
    ///
    /// assert_eq!(Body::full("hello").size_hint().exact(), Some(5));
    /// ```
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Content::Full(bytes.into()).into()
    }

    /// A JSON document and a line break, so that a terminal shows what comes next on a line of its own.
    pub(crate) fn json(document: &serde_json::Value) -> Self {
        Self::full(format!("{document}\n"))
    }

    /// Waits until a stream has to end at once, because its peer takes nothing or the drain is over. `None` if the body is no
    /// stream. The body ends with an error then, but hyper may not poll it (see [`crate::Handle::answer`]). To be awaited in one
    /// place only: the last task that has polled is woken, and no other.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use fanfare_http::{Body, Config, Fanfare};
    /// use hyper::Request;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config { drain_timeout: Duration::from_millis(100), ..Config::default() })?;
    /// # let (handle, address) = (fanfare.handle(), ([127, 0, 0, 1], 49_152).into());
    /// let request = Request::get("/sse").header("host", "localhost").body(String::new())?;
    /// let stream = handle.answer(request, address).await.into_body();
    /// let cut = stream.cut().ok_or("no stream")?;
    /// assert!(Body::full("hello").cut().is_none());
    ///
    /// // Nobody polls the body, so the drain cuts it.
    /// let (ended, ()) = tokio::join!(fanfare.drain(), cut);
    /// assert_eq!(ended?.cut, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cut(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let Content::Stream { .. } = &self.content else { return None };
        // Nobody else waits for it: a connection of ours, whose task does, gives its bodies to no program.
        let life = self.owed.as_ref()?.life().clone();
        Some(poll_fn(move |cx| life.poll_end(cx)))
    }

    /// Takes the content out, for an answer to HEAD. Over HTTP/2 hyper would send it.
    pub(crate) fn without_content(self) -> Self {
        Self { content: Content::Full(Bytes::new()), ..self }
    }

    /// The stream that its shard writes, or the body if it is none.
    pub(crate) fn into_parked(self) -> Result<Parked, Self> {
        match self {
            Self { content: Content::Parked { prelude, subscription }, owed: Some(owed) } => {
                Ok(Parked { prelude, subscription, owed })
            }
            other => Err(other),
        }
    }

    /// Makes the body the answer to a request that counts it.
    pub(crate) fn owed(self, owed: Owed) -> Self {
        Self { owed: Some(owed), ..self }
    }
}

impl From<Content> for Body {
    fn from(content: Content) -> Self {
        Self { content, owed: None }
    }
}

/// Bytes of an answer. The bytes of a message are shared, not copied.
///
/// ```
/// use bytes::Buf as _;
/// use fanfare_http::Body;
/// use http_body_util::BodyExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let frame = Body::full("hello").frame().await.ok_or("no frame")??;
/// let mut chunk = frame.into_data().map_err(|_| "no data")?;
/// // For a server whose bodies consist of `Bytes`.
/// assert_eq!(chunk.copy_to_bytes(chunk.remaining()), "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Chunk(Part);

#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    Piece(Piece),
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        match &self.0 {
            Part::Bytes(bytes) => bytes.len(),
            Part::Piece(piece) => piece.bytes().len(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.0 {
            Part::Bytes(bytes) => bytes,
            Part::Piece(piece) => piece.bytes(),
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.0 {
            Part::Bytes(bytes) => bytes.advance(count),
            Part::Piece(piece) => piece.advance(count),
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Chunk;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, Cut>>> {
        let first = match &mut self.get_mut().content {
            Content::Full(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Full(bytes) => bytes,
            Content::Excerpt(excerpt) => {
                let frame = |bytes| Frame::data(Chunk(Part::Bytes(bytes)));
                return Poll::Ready(excerpt.piece().map(|piece| piece.map(frame)));
            }
            Content::Marker { prelude, link } if prelude.is_empty() => {
                link.note_encoded();
                return Poll::Pending;
            }
            Content::Stream { prelude, pieces } if prelude.is_empty() => {
                let frame = |piece| Frame::data(Chunk(Part::Piece(piece)));
                return Poll::Ready(ready!(pieces.poll_next(cx)).map(|next| next.map(frame)));
            }
            // Taken out before anybody polls.
            Content::Parked { .. } => return Poll::Ready(Some(Err(Cut))),
            Content::Marker { prelude, .. } | Content::Stream { prelude, .. } => prelude,
        };
        Poll::Ready(Some(Ok(Frame::data(Chunk(Part::Bytes(std::mem::take(first)))))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Excerpt(excerpt) => {
                excerpt.left_bytes().map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes as u64))
            }
            _ => SizeHint::default(),
        }
    }
}
