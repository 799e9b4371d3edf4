//! One accepted socket, from its first byte until it is closed or a shard has it.
//!
//! HTTP/1 and HTTP/2 are told apart under the head timeout. An HTTP/1.1 stream leaves hyper as soon as its head
//! is out (see [`crate::link::handoff`]). After that nothing of this task is left.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Instant,
};

use fanfare_core::engine::Reached;
use hyper::{
    rt::Executor,
    server::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{io::AsyncWriteExt as _, time::timeout};
use tracing::debug;

use crate::{
    app::App,
    config::{Config, Outlet},
    connection::{
        http2::{Begun, STREAM_WINDOW_BYTES},
        silence::Silence,
        stop::stopped,
        wire::{Protocol, Wire},
    },
    limits::{idle::IdleSeat, seat::Seat},
    link::{
        Carriage, Link, Peer,
        handoff::Parked,
        linger::{LINGER_TIME_MAX, linger},
        socket::ClientSocket,
        transport::Transport,
    },
    service::Service,
};

/// Answer to a client that speaks TLS. The client takes it for a broken record ("wrong version number"), but a person may read it.
const NO_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
                        This port speaks plain HTTP, not TLS: use a URL that begins with http://\n";
/// hyper's smallest buffer.
const H1_BUFFER_BYTES_MIN: usize = 8 << 10;

/// Serves one socket to its end, or until `stop` is ready and nothing is under way. An HTTP/2 connection that fanfare-h2 frames comes
/// back once it has begun, because its task is smaller than this one.
pub(super) async fn serve(
    app: Arc<App>,
    transport: Transport,
    seat: Seat,
    peer: Peer,
    idle: IdleSeat,
    stop: &mut Reached,
) -> Option<Begun> {
    let link = Arc::clone(&peer.link);
    let mut wire = Wire::new(transport, Arc::clone(&link));
    let time = app.config().head_timeout;
    let sniffed = tokio::select! {
        biased;
        sniffed = timeout(time, wire.sniff()) => sniffed,
        () = stopped(stop) => return None,
        () = poll_fn(|cx| link.idler.poll_unwanted(cx)) => return None,
    };
    match sniffed {
        Ok(Ok(Protocol::Http1)) => {
            let peer = Peer { carriage: Carriage::Http1, ..peer };
            // Boxed and gone before the take-over, so that the task does not keep hyper's space.
            if let Some(taken) = Box::pin(serve_h1(&app, &mut wire, peer.clone(), idle, stop)).await {
                let inbox = Arc::clone(app.hub.inbox(peer.shard()));
                let Parked { subscription, framing } = *taken.parked;
                let socket = ClientSocket::own(wire.into_transport(), seat, inbox, subscription.slot());
                subscription.attach_socket(socket, framing, taken.input_bytes);
                return None;
            }
        }
        Ok(Ok(Protocol::Http2)) if app.config().h2_outlet == Outlet::Socket => {
            return Some(Begun { transport: wire.into_transport(), seat, peer, idle });
        }
        Ok(Ok(Protocol::Http2)) => Box::pin(serve_h2(&app, &mut wire, peer, idle, stop)).await,
        Ok(Ok(Protocol::Tls)) => Box::pin(refuse_tls(&app, &mut wire, &peer)).await,
        Ok(Err(error)) => debug!(peer = %peer.address, %error, "closed before a request"),
        Err(_) => debug!(peer = %peer.address, "no request in time"),
    }
    if let Some(until) = link.lingers_until() {
        Box::pin(linger(&app.phases, &mut wire, until)).await;
    }
    None
}

/// Says in plain text what is wrong, for whoever looks at the bytes, and in the log.
async fn refuse_tls(app: &App, wire: &mut Wire, peer: &Peer) {
    let why = "TLS on a port that speaks plain HTTP: the URL has to begin with http://";
    app.refused.log_unread(app.now_ms(), peer.address, None, why);
    let time = app.config().head_timeout;
    let sent = timeout(time, wire.write_all(NO_TLS)).await;
    if matches!(sent, Ok(Ok(()))) {
        peer.link.linger(Instant::now() + LINGER_TIME_MAX);
    }
}

/// A stream that has left hyper.
struct Taken {
    parked: Box<Parked>,
    /// Number of bytes that the client sent behind its request.
    input_bytes: usize,
}

/// Serves until the connection is over, or one of its requests has become a stream of its own.
async fn serve_h1(app: &Arc<App>, wire: &mut Wire, peer: Peer, idle: IdleSeat, stop: &mut Reached) -> Option<Taken> {
    let (link, address) = (Arc::clone(&peer.link), peer.address);
    let (head_bytes_max, is_socket) = {
        let config = app.config();
        (config.head_bytes_max.max(H1_BUFFER_BYTES_MIN), config.h1_outlet == Outlet::Socket)
    };
    let mut connection = Box::pin(
        http1::Builder::new()
            // `Silence` has this time: hyper does not tell a head that has begun from none.
            .header_read_timeout(None)
            // A publisher may close its side behind its request and still wants the answer. A stream's end is seen by
            // its shard. Only where hyper keeps streams it has to see the end itself.
            .half_close(is_socket)
            .max_buf_size(head_bytes_max)
            .max_header_size(head_bytes_max)
            .serve_connection(TokioIo::new(wire), Service { app: Arc::clone(app), peer }),
    );
    let mut stopped = pin!(stopped(stop));
    let mut is_stopping = false;
    let mut silence = Silence::new(app, idle);
    let parked = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                    if error.is_parse() {
                        let why = match error.is_parse_too_large() {
                            true => {
                                let max = head_bytes_max;
                                format!("the head of a request has more than {max} bytes (head-bytes under [limits])")
                            }
                            false => "what came is not HTTP".to_owned(),
                        };
                        app.refused.log_unread(app.now_ms(), address, None, &why);
                        // hyper has answered what is no request, and has not read the rest of it.
                        link.linger(Instant::now() + LINGER_TIME_MAX);
                    }
                }
                return Poll::Ready(None);
            }
            if is_stopping || stopped.as_mut().poll(cx).is_pending() {
                break;
            }
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        let is_cut = link.newest_life().poll_end(cx).is_ready();
        link.idler.register(cx);
        if is_cut || (is_stopping && link.activity.is_idle()) || silence.poll_over(app, &link, cx).is_ready() {
            return Poll::Ready(None);
        }
        link.take().map_or(Poll::Pending, |parked| Poll::Ready(Some(parked)))
    })
    .await?;
    let parts = Pin::into_inner(connection).into_parts();
    Some(Taken { parked, input_bytes: parts.read_buf.len() })
}

async fn serve_h2(app: &Arc<App>, wire: &mut Wire, peer: Peer, idle: IdleSeat, stop: &mut Reached) {
    let link = Arc::clone(&peer.link);
    let mut builder = http2::Builder::new(StreamExecutor(Arc::clone(&link)));
    set_limits(&mut builder, &app.config());
    let service = Service { app: Arc::clone(app), peer };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(wire), service));
    let mut stopped = pin!(stopped(stop));
    let mut is_stopping = false;
    let mut silence = Silence::new(app, idle);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return Poll::Ready(());
            }
            if is_stopping || stopped.as_mut().poll(cx).is_pending() {
                break;
            }
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        // A connection that carried streams may still hold bytes of one, as long as there is time for them.
        let is_late = || app.phases.ends().is_some_and(|ends| Instant::now() >= ends);
        let is_done = is_stopping && link.activity.is_idle() && (!link.has_kept() || is_late());
        if is_done {
            return Poll::Ready(());
        }
        link.idler.register(cx);
        silence.poll_over(app, &link, cx)
    })
    .await;
}

fn set_limits(builder: &mut http2::Builder<StreamExecutor>, config: &Config) {
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(config.h2_ping_interval)
        .keep_alive_timeout(config.h2_ping_interval)
        .max_concurrent_streams(config.h2_streams_max)
        .max_send_buf_size(config.h2_send_buffer_bytes)
        .max_header_list_size(u32::try_from(config.head_bytes_max).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
}

/// Runs the streams of an HTTP/2 connection. hyper hands each stream over right after it has called the service, so the life of the
/// request that came last is the stream's. When that life ends, the stream's future is dropped and the peer gets a reset. Nothing
/// else could end the stream: hyper does not poll the body while the peer's window is shut.
#[derive(Clone)]
struct StreamExecutor(Arc<Link>);

impl<F> Executor<F> for StreamExecutor
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let life = self.0.newest_life();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = stream => {}
                () = poll_fn(|cx| life.poll_end(cx)) => {}
            }
        });
    }
}
