//! [`Answer`]: the future that hyper gets for a request. A stream's is ready at once, because hyper keeps its space for as long
//! as the stream.

use std::{
    convert::Infallible,
    future::{self, Ready},
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::{
    Method, Response,
    body::Body as _,
    header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue},
};

use crate::{body::Body, cors::Cors, handoff::Owed, refusal::Asked};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// An answer, and what it says besides.
pub(crate) struct Answer {
    when: When,
    /// How long its connection is kept.
    keep_alive: Option<HeaderValue>,
    /// Which pages may read it.
    cors: Option<Cors>,
    /// It is to a HEAD request.
    is_head: bool,
    /// What it is to, for the log.
    asked: Option<Box<Asked>>,
}

/// It is there, or has to read a body first.
enum When {
    Now(Ready<Response<Body>>),
    Later(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

impl Answer {
    pub(crate) fn now(response: Response<Body>, owed: Owed) -> Self {
        Self {
            when: When::Now(future::ready(response.map(|body| body.owed(owed)))),
            keep_alive: None,
            cors: None,
            is_head: false,
            asked: None,
        }
    }

    pub(crate) fn later(response: impl Future<Output = Response<Body>> + Send + 'static, owed: Owed) -> Self {
        Self::boxed(Box::pin(async { response.await.map(|body| body.owed(owed)) }))
    }

    pub(crate) fn boxed(response: Pin<Box<dyn Future<Output = Response<Body>> + Send>>) -> Self {
        Self { when: When::Later(response), keep_alive: None, cors: None, is_head: false, asked: None }
    }

    /// The same, and it says how long the connection is kept, if it is.
    pub(crate) fn announcing(self, keep_alive: Option<HeaderValue>) -> Self {
        Self { keep_alive, ..self }
    }

    /// The same, as the answer to this request: to HEAD it has no content (RFC 9110 9.3.2), and a refusal is logged.
    pub(crate) fn to(self, asked: Box<Asked>) -> Self {
        Self { is_head: asked.method == Method::HEAD, asked: Some(asked), ..self }
    }

    /// The same, for pages of other origins too.
    pub(crate) fn readable(self, cors: Cors) -> Self {
        Self { cors: Some(cors), ..self }
    }
}

impl Future for Answer {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { when, keep_alive, cors, is_head, asked } = self.get_mut();
        let mut response = ready!(match when {
            When::Now(response) => Pin::new(response).poll(cx),
            When::Later(response) => response.as_mut().poll(cx),
        });
        if let Some(asked) = asked {
            asked.log(&mut response);
        }
        if let Some(cors) = cors {
            cors.apply(&mut response);
        }
        if *is_head {
            response = without_content(response);
        }
        // A stream closes its connection.
        if let Some(timeout) = keep_alive.take()
            && !response.headers().contains_key(CONNECTION)
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("keep-alive"));
            response.headers_mut().insert(KEEP_ALIVE, timeout);
        }
        Poll::Ready(Ok(response))
    }
}

/// Only the head, which says the length that the content would have had, if that is known.
fn without_content(mut response: Response<Body>) -> Response<Body> {
    if let Some(bytes @ 1..) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, bytes.into());
    }
    response.map(Body::without_content)
}
