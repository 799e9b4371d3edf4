//! [`exchange`]: one request of an HTTP/2 connection of ours, until its answer has been sent or has become an event stream.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use bytes::Buf as _;
use fanfare_core::engine::{Framing, Life};
use fanfare_h2::{Gone, StreamId};
use hyper::{
    Response,
    body::Body as _,
    header::{CONTENT_LENGTH, DATE, HeaderValue},
    http::response,
};
use tokio::time::timeout;

use crate::{
    answer::body::{Body, Parked},
    link::{carrier::Carrier, h2_stream::H2Stream, socket::ClientSocket},
    service::answer::Answer,
};

/// A stream that is reset when it is dropped, unless its answer has been sent whole or the stream belongs to a slot.
struct Guard {
    carrier: Arc<Carrier>,
    stream: StreamId,
    is_whole: bool,
    /// The stream is an event stream now.
    is_given: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.is_given {
            self.carrier.leave(self.stream, self.is_whole);
        }
    }
}

/// Sends the answer on `stream`. Ends early if the stream is reset, or if `life` ends.
pub(super) async fn exchange(carrier: Arc<Carrier>, stream: StreamId, answer: Answer, life: Life) {
    let mut guard = Guard { carrier: Arc::clone(&carrier), stream, is_whole: false, is_given: false };
    let mut sending = pin!(async {
        let Ok(response) = answer.await;
        send(&carrier, stream, response, &mut guard).await
    });
    // A stream that is gone has told its reason already.
    let _ = poll_fn(|cx| {
        if let Poll::Ready(sent) = sending.as_mut().poll(cx) {
            return Poll::Ready(sent);
        }
        match life.poll_end(cx).is_ready() || carrier.poll_over(stream, cx).is_ready() {
            true => Poll::Ready(Err(Gone)),
            false => Poll::Pending,
        }
    })
    .await;
}

async fn send(
    carrier: &Arc<Carrier>,
    stream: StreamId,
    response: Response<Body>,
    guard: &mut Guard,
) -> Result<(), Gone> {
    let (mut head, body) = response.into_parts();
    set_date(&mut head);
    let body = match body.into_parked() {
        Ok(parked) => {
            guard.is_given = true;
            attach(carrier, stream, &head, parked);
            return Ok(());
        }
        Err(body) => body,
    };
    if let Some(bytes @ 1..) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert(bytes.into());
    }
    let mut body = pin!(body);
    let is_empty = body.is_end_stream();
    carrier.head(stream, &head, is_empty)?;
    if !is_empty {
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            // A body that breaks off must not look whole.
            let Ok(Ok(mut data)) = frame.map(|frame| frame.into_data()) else { return Err(Gone) };
            while data.has_remaining() {
                // A peer that takes nothing must not hold an answer for ever.
                let sent = poll_fn(|cx| carrier.poll_answer(stream, data.chunk(), cx));
                let bytes = timeout(carrier.carriers().write_timeout, sent).await.map_err(|_| Gone)??;
                data.advance(bytes);
            }
        }
    }
    carrier.end(stream);
    guard.is_whole = true;
    Ok(())
}

/// Hands an event stream to its shard.
fn attach(carrier: &Arc<Carrier>, stream: StreamId, head: &response::Parts, parked: Parked) {
    let Parked { prelude, subscription, owed } = parked;
    let slot = subscription.slot();
    // The socket leaves the stream when it is dropped, so it is made first.
    let socket = H2Stream::new(Arc::clone(carrier), stream, owed.into_counted());
    if carrier.begin_stream(stream, head, prelude, slot).is_ok() {
        subscription.attach_socket(ClientSocket::Shared(socket), Framing::Bare, 0);
    }
}

/// Answers a request at once if that needs no waiting, as event streams do. Otherwise what is left is a task of its own.
pub(super) fn begin(carrier: &Arc<Carrier>, stream: StreamId, answer: Answer, life: Life) {
    let mut exchange = Box::pin(exchange(Arc::clone(carrier), stream, answer, life));
    let mut cx = Context::from_waker(Waker::noop());
    if Pin::new(&mut exchange).poll(&mut cx).is_pending() {
        tokio::spawn(exchange);
    }
}

fn set_date(head: &mut response::Parts) {
    if !head.headers.contains_key(DATE)
        && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now()))
    {
        head.headers.insert(DATE, date);
    }
}
