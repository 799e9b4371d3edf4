//! Answers the request for an event stream: registers the connection, then lets the head go out at once, with what the
//! stream has to be told first.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_callers::Holding;
use fanfare_core::{
    ClientId, Heartbeat, Pattern, Start, Target,
    engine::{Framing, Prelude, Seat, Subscribe, SubscribeError},
};
use hyper::{
    HeaderMap, Response, StatusCode, Version,
    header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use tracing::info;

use crate::{
    admission::rights::Rights,
    answer::{
        body::{Body, Content},
        piece::Pieces,
        problem::Problem,
    },
    app::{App, names},
    config::Outlet,
    limits::{h2_streams::H2Seat, held::Held},
    link::{Carriage, Owed, Peer, handoff::Parked},
    request::wanted::Wanted,
};

const EVENT_STREAM: &str = "text/event-stream";
/// The standard says UTF-8 anyway (WHATWG HTML 9.2.6), but some clients take the charset of a type that does not say it for
/// another.
const CONTENT: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// A request for a stream.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The channel, or the pattern, of the path.
    pub(crate) channel: Option<Pattern>,
    pub(crate) query: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) is_head: bool,
}

impl Request<'_> {
    fn wanted(&self, app: &App) -> Result<Wanted, Problem> {
        Wanted::parse(&app.config(), self.channel.as_ref(), self.query, self.headers)
    }
}

/// Opens the stream, or says why not.
pub(crate) fn subscribe(
    app: &Arc<App>,
    peer: &Peer,
    owed: &Owed,
    rights: &Rights,
    request: Request<'_>,
) -> Result<Response<Body>, Problem> {
    let wanted = request.wanted(app)?;
    rights.check_follow(&wanted.channels, &wanted.patterns)?;
    let logged = names(&wanted.names());
    let Wanted { client, channels, patterns, start, heartbeat, form, notes } = wanted;
    let client = rights.client(client)?;
    if request.is_head {
        return Ok(head(Body::empty(), request.version));
    }
    if app.phases.is_draining() {
        return refuse(app, Problem::draining(), request.headers, request.version);
    }
    if !app.hub.is_ready() {
        return refuse(app, Problem::not_ready(), request.headers, request.version);
    }
    let seat = check_streams_of(app, rights, &client).and_then(|()| seat(app, peer, request.version));
    let seat = match seat {
        Ok(seat) => seat,
        Err(problem) => return refuse(app, problem, request.headers, request.version),
    };
    let seats = catch_up_seat(peer, &start).and_then(|seat| Ok((seat, own_seats(peer, &patterns, request.version)?)));
    let (catching_up, held) = match seats {
        Ok(seats) => seats,
        Err(problem) => return refuse(app, problem, request.headers, request.version),
    };
    let transport = peer.transport(request.version);
    let held = app.streams.enter(transport, Some(peer.address), rights.holder(), held);
    let subscribed = app.hub.subscribe(Subscribe {
        client: client.clone(),
        channels,
        patterns,
        start,
        policy: app.config().policy,
        heartbeat,
        form,
        shard: peer.shard(),
        expires_ms: rights.expires_ms(app.now_ms()),
        catching_up,
        held: Some(held),
        now_ms: app.now_ms(),
    });
    let subscription = match subscribed {
        Ok(subscription) => subscription,
        Err(full) => return refuse(app, full.into(), request.headers, request.version),
    };
    let connection = subscription.connection();
    let holder = rights.holder();
    if let Some(left_out) = app.opened.admit(app.now_ms()) {
        let left_out = (left_out > 0).then_some(left_out);
        info!(connection, client = client.as_str(), channels = %logged, holder, peer = %peer.shown(), left_out, "open");
    }
    if !notes.is_empty()
        && let Some(left_out) = app.refused.others.admit(app.now_ms())
    {
        info!(connection, left_out, notes = &*notes.join("; "), "a stream was asked for in an odd way");
    }
    if let Some(seat) = seat {
        owed.occupy(Held::Stream(seat));
    }
    let cursor = (heartbeat == Heartbeat::Cursor).then(|| subscription.cursor());
    let (retry_ms, gap) = (app.draw_retry_ms(), subscription.gap());
    let prelude = Prelude { retry_ms, connection, client: &client, notes: &notes, gap, cursor };
    let prelude = Bytes::from(prelude.to_string());
    let content = match peer.carriage {
        Carriage::Frames => Content::Parked { prelude, subscription: Box::new(subscription) },
        Carriage::Http1 if app.config().h1_outlet == Outlet::Socket => {
            let framing = if request.version == Version::HTTP_10 { Framing::Bare } else { Framing::Chunked };
            peer.link.park(Parked { subscription, framing });
            Content::Marker { prelude, link: Arc::clone(&peer.link) }
        }
        Carriage::Http1 | Carriage::Other | Carriage::Program => {
            owed.keep();
            let feed = subscription.into_feed(owed.life().clone());
            let pieces = Box::new(Pieces::new(feed, app.config().h2_send_buffer_bytes));
            Content::Stream { prelude, pieces }
        }
    };
    Ok(head(content.into(), request.version))
}

/// The seat of a stream that begins in the past, until it has caught up.
fn catch_up_seat(peer: &Peer, start: &Start) -> Result<Option<Seat>, Problem> {
    if *start == Start::Now {
        return Ok(None);
    }
    let seat: Seat = Arc::new(peer.account().enter(Holding::CatchUpRead)?);
    Ok(Some(seat))
}

/// The seats of a stream until it ends. Over HTTP/1 its socket has one already, unless it is the socket of a proxy or of a program. Each
/// pattern that costs time with every event has another.
fn own_seats(peer: &Peer, patterns: &[Pattern], version: Version) -> Result<Option<Seat>, Problem> {
    let counts_as_socket = version == Version::HTTP_2 || (peer.carriage == Carriage::Http1 && peer.is_at_socket());
    let stream = (!counts_as_socket).then_some(Holding::Stream);
    let inner = patterns.iter().filter(|pattern| pattern.has_inner_star()).map(|_| Holding::InnerPattern);
    let seats = stream.into_iter().chain(inner).map(|holding| peer.account().enter(holding));
    let seats: Vec<_> = seats.collect::<Result<_, _>>()?;
    Ok(if seats.is_empty() { None } else { Some(Arc::new(seats)) })
}

/// Whether the client may have one stream more. Streams that open at the same time may be one more for each thread.
fn check_streams_of(app: &App, rights: &Rights, client: &ClientId) -> Result<(), Problem> {
    let Some(streams_max) = rights.client_streams_max(app.config().client_streams_max) else { return Ok(()) };
    let open = app.hub.registry().estimate(&[Target::Client(client.clone())]);
    if open < streams_max { Ok(()) } else { Err(Problem::client_streams(streams_max)) }
}

/// Counts a stream against the limits that the hub does not know. Over HTTP/2 it gets a seat. Over HTTP/1 it leaves some sockets
/// to other requests.
fn seat(app: &App, peer: &Peer, version: Version) -> Result<Option<H2Seat>, Problem> {
    let open = app.hub.registry().connections();
    if version == Version::HTTP_2 {
        let left = app.config().core.connections_max.saturating_sub(open);
        let caller = peer.account().enter(Holding::Stream)?;
        return app.h2_streams.enter(&peer.link.holdings, left, caller).map(Some).ok_or(SubscribeError::Full.into());
    }
    // Threads that look at the same time may let one more in each.
    let is_full =
        peer.carriage == Carriage::Http1 && open.saturating_sub(app.h2_streams.open()) >= app.sockets.streams_max();
    if is_full { Err(SubscribeError::Full.into()) } else { Ok(None) }
}

/// Whether a stream may begin behind an event that another node has read and this one has not. Then the hub has to be asked once
/// more when it has read all there is. No for a request that is wrong.
pub(crate) fn may_be_ahead(app: &App, request: &Request<'_>) -> bool {
    let is_ahead = |wanted: &Wanted| app.hub.may_be_ahead(&wanted.start, &wanted.targets(), &wanted.patterns);
    request.wanted(app).is_ok_and(|wanted| is_ahead(&wanted))
}

/// The names that a request wants to follow, and its id. None if it is wrong.
pub(crate) fn named(app: &App, request: &Request<'_>) -> Option<(Vec<String>, Option<String>)> {
    let wanted = request.wanted(app).ok()?;
    let names = wanted.names().into_iter().map(str::to_owned).collect();
    Some((names, wanted.client.map(|client| client.to_string())))
}

/// Refuses a stream. EventSource gives up for ever at any status but 200, so it gets an empty stream that says when to come
/// back.
pub(crate) fn refuse(
    app: &App,
    problem: Problem,
    headers: &HeaderMap,
    version: Version,
) -> Result<Response<Body>, Problem> {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains(EVENT_STREAM));
    if !headers.get_all(ACCEPT).iter().any(accepts) {
        return Err(problem);
    }
    let retry_ms = app.draw_drain_retry_ms().saturating_add(problem.retry_after_ms());
    let mut response = head(Body::full(format!("retry: {retry_ms}\n")), version);
    response.extensions_mut().extend(problem.response().extensions().clone());
    Ok(response)
}

fn head(body: Body, version: Version) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, CONTENT);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    if version < Version::HTTP_2 {
        // Forbidden in HTTP/2 (RFC 9113 8.2.2).
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // Or hyper would promise an HTTP/1.0 client that asks for it to keep the connection.
    *response.version_mut() = version;
    response
}
