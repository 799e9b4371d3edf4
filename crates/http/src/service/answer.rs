//! [`Answer`]: the future that hyper gets for a request. The answer of a stream is ready at once, because hyper keeps the space of
//! the future for as long as the stream.

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

use crate::{
    answer::{body::Body, refusal::Asked},
    link::Owed,
    request::cors::Cors,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// An answer, and the headers that it gets besides.
pub(crate) struct Answer {
    when: When,
    /// The header `Keep-Alive`.
    keep_alive: Option<HeaderValue>,
    /// The pages that may read the answer.
    cors: Option<Cors>,
    /// The answer is to a HEAD request.
    is_head: bool,
    /// The request, for the log.
    asked: Option<Box<Asked>>,
}

/// The response, now or once a body is read.
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

    /// Lets the answer say how long the connection is kept, if it is.
    pub(crate) fn announcing(self, keep_alive: Option<HeaderValue>) -> Self {
        Self { keep_alive, ..self }
    }

    /// Makes this the answer to a request: to HEAD it has no content (RFC 9110 9.3.2), and a refusal is logged.
    pub(crate) fn to(self, asked: Box<Asked>) -> Self {
        Self { is_head: asked.method == Method::HEAD, asked: Some(asked), ..self }
    }

    /// Lets pages of other origins read the answer.
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

/// The head alone. It says the length that the content would have had, if that is known.
fn without_content(mut response: Response<Body>) -> Response<Body> {
    if let Some(bytes @ 1..) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, bytes.into());
    }
    response.map(Body::without_content)
}
