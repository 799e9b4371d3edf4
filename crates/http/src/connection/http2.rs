//! [`serve`]: an HTTP/2 connection that fanfare-h2 frames, from behind the preface to its end.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use fanfare_core::engine::Reached;
use fanfare_h2::Limits;
use hyper::{
    Request, Version,
    header::{CONTENT_LENGTH, HeaderMap},
};
use tokio::sync::mpsc;
use tracing::debug;

use crate::{
    app::App,
    connection::{exchange, silence::Silence, stop::stopped},
    limits::{idle::IdleSeat, seat::Seat},
    link::{
        Carriage, Peer,
        carrier::{Asked, Carrier, Over},
        due::Due,
        h2_stream::H2Body,
        linger::{LINGER_TIME_MAX, linger},
        pulse::Pulse,
        transport::Transport,
    },
    request::inbound::Inbound,
    service::Service,
};

/// Bytes that a client may send on all streams of a connection before they are read.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes that a client may send on one stream before they are read. Only publish bodies come.
pub(super) const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// The HTTP/2 connections of one thread.
#[derive(Clone, Debug)]
pub(super) struct Carriers {
    pub(super) limits: Arc<Limits>,
    pub(super) due: Arc<Due<Carrier>>,
    pub(super) pulse: Arc<Pulse>,
}

impl Carriers {
    pub(super) fn new(app: &App) -> Self {
        let limits = Limits {
            streams_max: app.config.h2_streams_max,
            head_bytes_max: app.config.head_bytes_max,
            stream_window_bytes: STREAM_WINDOW_BYTES,
            connection_window_bytes: CONNECTION_WINDOW_BYTES,
        };
        let interval_ms = u64::try_from(app.config.h2_ping_interval.as_millis()).unwrap_or(u64::MAX);
        Self { limits: Arc::new(limits), due: Arc::default(), pulse: Arc::new(Pulse::new(interval_ms)) }
    }
}

/// A connection whose client has sent the preface.
pub(super) struct Begun {
    pub(super) transport: Transport,
    pub(super) seat: Seat,
    pub(super) peer: Peer,
    pub(super) idle: IdleSeat,
}

/// Serves a connection until it is over, or until `stop` is ready and nothing is under way. Keeps `alive` for as long.
// Not an async function: its future would keep the arguments beside what becomes of them. It is all that a connection with nothing but
// streams keeps here.
pub(super) fn serve(
    app: Arc<App>,
    carriers: Carriers,
    begun: Begun,
    alive: mpsc::Sender<()>,
    mut stop: Reached,
) -> impl Future<Output = ()> {
    let Begun { transport, seat, peer, idle } = begun;
    let Carriers { limits, due, pulse } = carriers;
    let write_timeout = Duration::from_millis(app.config.core.write_timeout_ms);
    let (activity, inbox) = (Arc::clone(&peer.link.activity), Arc::clone(app.hub.inbox(peer.shard)));
    let carrier =
        Arc::new(Carrier::new(transport, limits, activity, inbox, Arc::clone(app.hub.budget()), due, write_timeout));
    pulse.enter(&carrier);
    let mut silence = Silence::new(&app, &peer.link, idle);
    let service = Service { app, peer: Peer { carriage: Carriage::Frames, ..peer } };
    async move {
        let over = until_over(&service, &carrier, &mut silence, &mut stop).await;
        if matches!(over, Over::Idle | Over::Stopped) {
            carrier.finish();
        }
        debug!(peer = %service.peer.address, %over, "connection ended");
        let transport = carrier.close();
        // These may be sending, and a close on what is unread would destroy the last word to them.
        if let (Some(mut transport), Over::Protocol(_) | Over::Stopped) = (transport, over) {
            let until = Instant::now() + LINGER_TIME_MAX;
            Box::pin(linger(&service.app.phases, &mut transport, until)).await;
        }
        drop((seat, alive));
    }
}

async fn until_over(service: &Service, carrier: &Arc<Carrier>, silence: &mut Silence, stop: &mut Reached) -> Over {
    let Service { app, peer } = service;
    let activity = &peer.link.activity;
    let mut stopped = pin!(stopped(stop));
    let mut is_stopping = false;
    poll_fn(|cx| {
        let mut asked = Vec::new();
        loop {
            let over = carrier.poll(cx, &mut asked);
            for asked in asked.drain(..) {
                answer(service, carrier, asked);
            }
            if let Poll::Ready(over) = over {
                return Poll::Ready(over);
            }
            if is_stopping || stopped.as_mut().poll(cx).is_pending() {
                break;
            }
            is_stopping = true;
            carrier.shut_down();
        }
        // Bytes of an answer may be left, as long as there is time for them.
        let is_late = || app.phases.ends().is_some_and(|ends| Instant::now() >= ends);
        if is_stopping && (activity.is_idle() || is_late()) {
            return Poll::Ready(Over::Stopped);
        }
        peer.link.idler.register(cx);
        silence.poll_over(cx).map(|()| Over::Idle)
    })
    .await
}

fn answer(service: &Service, carrier: &Arc<Carrier>, asked: Asked) {
    let Asked { stream, request, is_whole } = asked;
    let (mut parts, ()) = request.into_parts();
    parts.version = Version::HTTP_2;
    let body = (!is_whole).then(|| H2Body::new(Arc::clone(carrier), stream, length(&parts.headers)));
    let answer = service.answer_to(Request::from_parts(parts, Inbound::Frames(body)));
    exchange::begin(carrier, stream, answer, service.peer.link.newest_life());
}

/// Bytes of a whole body, as its client says.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
