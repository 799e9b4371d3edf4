//! One accepted socket, from its first byte until it is closed or a shard has it.
//!
//! HTTP/1 and HTTP/2 are told apart under the head timeout. An HTTP/1.1 stream leaves hyper as soon as its head
//! is out (see [`Handoff`]); after that nothing of this task is left.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use fanfare_core::CutSignal;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::Notify, time::timeout};
use tracing::debug;

use crate::{
    app::App,
    handoff::{Handoff, Parked},
    service::{Peer, Service},
    tcp::{Place, Tcp},
    wire::{Protocol, Wire},
};

/// HTTP/2 peers that do not answer a PING within 20 s of one are gone.
const H2_PING_INTERVAL: Duration = Duration::from_secs(20);
/// What a client may send on one stream before we read it: publish bodies, nothing else.
const H2_WINDOW_BYTES: u32 = 64 << 10;

/// Tells idle connections that the server is done. Looking at it costs one load.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: AtomicBool,
    notify: Notify,
}

impl Stop {
    pub(crate) fn set(&self) {
        // Release, and Acquire below: who is woken sees it.
        self.is_set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

/// Serves one socket to its end.
pub(crate) async fn serve(app: Arc<App>, stream: TcpStream, place: Place, mut peer: Peer, stop: Arc<Stop>) {
    let handoff = Arc::new(Handoff::default());
    let mut wire = Wire::new(stream, Arc::clone(&handoff));
    let sniffed = tokio::select! {
        sniffed = timeout(app.config.head_timeout, wire.sniff()) => sniffed,
        () = stop.notify.notified() => return,
    };
    match sniffed {
        Ok(Ok(Protocol::Http1)) => {
            peer.handoff = Some(Arc::clone(&handoff));
            // Boxed and gone before the take-over, so that the task does not keep hyper's space.
            if let Some((stream, parked)) = Box::pin(serve_h1(&app, wire, peer.clone(), handoff, stop)).await {
                let inbox = Arc::clone(app.hub.inbox(peer.shard));
                let socket = Tcp::new(stream, place, inbox, parked.subscription.slot());
                parked.subscription.attach_socket(socket, parked.framing);
            }
        }
        Ok(Ok(Protocol::Http2)) => serve_h2(&app, wire, peer, stop).await,
        Ok(Err(error)) => debug!(peer = %peer.address, %error, "closed before a request"),
        Err(_) => debug!(peer = %peer.address, "no request in time"),
    }
}

/// Until the connection is over, or one of its requests has become a stream of its own.
async fn serve_h1(
    app: &Arc<App>,
    wire: Wire,
    peer: Peer,
    handoff: Arc<Handoff>,
    stop: Arc<Stop>,
) -> Option<(TcpStream, Parked)> {
    let config = &app.config;
    let service = Service { app: Arc::clone(app), peer };
    let mut connection = Box::pin(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.head_timeout)
            .max_buf_size(config.head_bytes_max)
            .max_header_size(config.head_bytes_max)
            .serve_connection(TokioIo::new(wire), service),
    );
    let mut stopped = pin!(stop.notify.notified());
    let mut is_stopping = false;
    let mut kept: Option<CutSignal> = None;
    // Once, to be woken: polled again and again it would take a lock each time.
    let mut is_registered = false;
    let parked = poll_fn(|cx| {
        if !is_registered {
            is_registered = true;
            let _ = stopped.as_mut().poll(cx);
        }
        if stop.is_set() && !is_stopping {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                debug!(%error, "connection ended");
            }
            return Poll::Ready(None);
        }
        if let Some(signal) = handoff.take_kept() {
            kept = Some(signal);
        }
        if kept.as_ref().is_some_and(|signal| signal.poll_cut(cx).is_ready()) {
            return Poll::Ready(None);
        }
        handoff.take().map_or(Poll::Pending, |parked| Poll::Ready(Some(parked)))
    })
    .await?;
    let parts = Pin::into_inner(connection).into_parts();
    Some((parts.io.into_inner().into_stream(), parked))
}

async fn serve_h2(app: &Arc<App>, wire: Wire, peer: Peer, stop: Arc<Stop>) {
    let config = &app.config;
    let head_bytes_max = u32::try_from(config.head_bytes_max).unwrap_or(u32::MAX);
    let service = Service { app: Arc::clone(app), peer };
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(H2_PING_INTERVAL)
            .max_concurrent_streams(config.h2_streams_max)
            .max_send_buf_size(config.h2_send_buffer_bytes)
            .max_header_list_size(head_bytes_max)
            .initial_stream_window_size(H2_WINDOW_BYTES)
            .serve_connection(TokioIo::new(wire), service)
    );
    let mut stopped = pin!(stop.notify.notified());
    let mut is_stopping = false;
    let mut is_registered = false;
    let ended = poll_fn(|cx| {
        if !is_registered {
            is_registered = true;
            let _ = stopped.as_mut().poll(cx);
        }
        if stop.is_set() && !is_stopping {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}
