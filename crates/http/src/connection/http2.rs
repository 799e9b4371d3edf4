//! [`Framed`]: an HTTP/2 connection that fanfare-h2 frames, from behind the preface to its end.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use fanfare_h2::Limits;
use hyper::{
    Request,
    header::{CONTENT_LENGTH, EXPECT, HeaderMap},
};
use tokio::{sync::mpsc, task::yield_now};
use tracing::debug;

use crate::{
    app::App,
    connection::{exchange, silence::Silence},
    limits::{idle::IdleSeat, seat::Seat},
    link::{
        Carriage, Peer,
        carrier::{Asked, Carrier, Over},
        carriers::Carriers,
        due::Due,
        h2_stream::H2Body,
        linger::{LINGER_TIME_MAX, linger},
        pulse::{Place, Pulse},
        transport::Transport,
    },
    request::inbound::Inbound,
    service::Service,
};

/// Bytes that a client may send on all streams of a connection before they are read.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes that a client may send on one stream before they are read. Only publish bodies come.
pub(super) const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// What a client that waits to be asked for its body expects (RFC 9110 10.1.1).
const CONTINUE: &[u8] = b"100-continue";

/// What the HTTP/2 connections of one thread have together.
pub(super) fn carriers(app: &App, shard: usize) -> Carriers<Carrier> {
    let limits = Limits {
        streams_max: app.config().h2_streams_max,
        head_bytes_max: app.config().head_bytes_max,
        stream_window_bytes: STREAM_WINDOW_BYTES,
        connection_window_bytes: CONNECTION_WINDOW_BYTES,
    };
    let interval_ms = u64::try_from(app.config().h2_ping_interval.as_millis()).unwrap_or(u64::MAX);
    Carriers {
        limits: Arc::new(limits),
        inbox: Arc::clone(app.hub.inbox(shard)) as _,
        budget: Arc::clone(app.hub.budget()),
        write_timeout: Duration::from_millis(app.config().core.write_timeout_ms),
        due: Due::default(),
        pulse: Pulse::new(interval_ms),
    }
}

/// A connection whose client has sent the preface.
pub(super) struct Begun {
    pub(super) transport: Transport,
    pub(super) seat: Seat,
    pub(super) peer: Peer,
    pub(super) idle: IdleSeat,
}

/// Serves a connection until it is over, or until the thread stops and nothing is under way.
///
/// A future by hand, because an async block would keep what it is made of beside what becomes of it. It is all that a connection with
/// nothing but streams keeps here.
pub(super) struct Framed {
    service: Service,
    carrier: Arc<Carrier>,
    /// The place in the thread's pulse.
    place: Place,
    silence: Silence,
    stage: Stage,
    /// What the stage waits for.
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _seat: Seat,
    _alive: mpsc::Sender<()>,
}

/// How far a connection is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The thread stops, and what the client has sent by then is read.
    Pausing,
    /// Requests that have come are answered.
    Stopping,
    /// The last word has been sent, and the client may be sending.
    Closing,
}

impl Framed {
    /// Keeps `alive` until the connection is over.
    pub(super) fn new(app: Arc<App>, carriers: Arc<Carriers<Carrier>>, begun: Begun, alive: mpsc::Sender<()>) -> Self {
        let Begun { transport, seat, peer, idle } = begun;
        let carrier = Arc::new(Carrier::new(transport, Arc::clone(&peer.link.activity), carriers));
        let place = carrier.carriers().pulse.enter(Arc::clone(&carrier));
        let silence = Silence::new(&app, idle);
        let service = Service { app, peer: Peer { carriage: Carriage::Frames, ..peer } };
        Self { service, carrier, place, silence, stage: Stage::Open, waiting: None, _seat: seat, _alive: alive }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        let mut asked = Vec::new();
        loop {
            let over = self.carrier.poll(cx, &mut asked);
            for asked in asked.drain(..) {
                answer(&self.service, &self.carrier, asked);
            }
            if let Poll::Ready(over) = over {
                return Poll::Ready(over);
            }
            if !self.begins_to_stop(cx) {
                break;
            }
            self.carrier.shut_down();
        }
        let Service { app, peer } = &self.service;
        // Bytes of an answer may be left, as long as there is time for them.
        let is_late = || app.phases.ends().is_some_and(|ends| Instant::now() >= ends);
        if self.stage == Stage::Stopping && (peer.link.activity.is_idle() || is_late()) {
            return Poll::Ready(Over::Stopped);
        }
        peer.link.idler.register(cx);
        self.silence.poll_over(app, &peer.link, cx).map(|()| Over::Idle)
    }

    /// Whether the connection has to say now that it ends. It does so once, and not before all that its client had sent can be read: a
    /// connection that is closed on an unread request leaves a publisher without an answer.
    fn begins_to_stop(&mut self, cx: &mut Context<'_>) -> bool {
        if self.stage == Stage::Open && self.carrier.is_stopping() {
            self.stage = Stage::Pausing;
            // The runtime looks at its sockets before it comes back here.
            self.waiting = Some(Box::pin(yield_now()));
        }
        let is_time = self.stage == Stage::Pausing && self.poll_waiting(cx).is_ready();
        if is_time {
            self.stage = Stage::Stopping;
        }
        is_time
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.as_mut().map_or(Poll::Ready(()), |waiting| waiting.as_mut().poll(cx))
    }

    /// Says the last word.
    fn close(&mut self, over: &Over) {
        self.stage = Stage::Closing;
        let is_in_order = matches!(over, Over::Idle | Over::Stopped);
        if is_in_order {
            self.carrier.finish();
        }
        let Service { app, peer } = &self.service;
        debug!(peer = %peer.address, %over, "connection ended");
        let transport = self.carrier.close();
        self.waiting = match transport {
            // These may be sending, and a close on what is unread would destroy the last word to them.
            Some(mut transport) if is_in_order || over.is_told() => {
                let (app, until) = (Arc::clone(app), Instant::now() + LINGER_TIME_MAX);
                Some(Box::pin(async move { linger(&app.phases, &mut transport, until).await }))
            }
            _ => None,
        };
    }
}

impl Future for Framed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stage != Stage::Closing {
            let Poll::Ready(over) = self.poll_over(cx) else { return Poll::Pending };
            self.close(&over);
        }
        // Room for others is needed at once.
        let is_unwanted = self.silence.poll_unwanted(&self.service.peer.link, cx).is_ready();
        if is_unwanted { Poll::Ready(()) } else { self.poll_waiting(cx) }
    }
}

impl Drop for Framed {
    fn drop(&mut self) {
        self.carrier.carriers().pulse.leave(self.place);
    }
}

fn answer(service: &Service, carrier: &Arc<Carrier>, asked: Asked) {
    let Asked { stream, request, is_whole } = asked;
    let (parts, ()) = request.into_parts();
    let body = (!is_whole).then(|| {
        let is_waiting =
            parts.headers.get(EXPECT).is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(CONTINUE));
        H2Body::new(Arc::clone(carrier), stream, length(&parts.headers), is_waiting)
    });
    let answer = service.answer_to(Request::from_parts(parts, Inbound::Frames(body)));
    exchange::begin(carrier, stream, answer, service.peer.link.newest_life());
}

/// Bytes of a whole body, as its client says.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_little_of_its_own() {
        // With what tokio adds to a task, 104 bytes, two lines of 128 bytes.
        assert!(size_of::<Framed>() <= 152, "{}", size_of::<Framed>());
    }
}
