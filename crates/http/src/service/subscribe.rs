//! Answers the request for an event stream: registers the connection, then lets the head go out at once, with what the
//! stream has to be told first.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{
    Channel, ClientId, Form, Heartbeat, Start, Target,
    engine::{Framing, Prelude, Subscribe, SubscribeError},
};
use hyper::{
    HeaderMap, Response, StatusCode, Version,
    header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use tracing::info;

use crate::{
    answer::{
        body::{Body, Content},
        piece::Pieces,
        problem::Problem,
    },
    app::{App, made_up_client, names, unix_ms},
    config::Outlet,
    limits::h2_streams::H2Seat,
    link::{Carriage, Owed, Peer, handoff::Parked},
    request::{
        parameters::{self, shown},
        route::followed,
        start,
    },
    text::query::Query,
};

const EVENT_STREAM: &str = "text/event-stream";
/// The standard says UTF-8 anyway (WHATWG HTML 9.2.6), but some clients take the charset of a type that does not say it for
/// another.
const CONTENT: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// A request for a stream.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) channel: Option<Channel>,
    pub(crate) query: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) is_head: bool,
}

/// Opens the stream, or says why not.
pub(crate) fn subscribe(
    app: &Arc<App>,
    peer: &Peer,
    owed: &Owed,
    request: Request<'_>,
) -> Result<Response<Body>, Problem> {
    let Wanted { client, channels, start, heartbeat, form, notes } = Wanted::parse(app, &request)?;
    if request.is_head {
        return Ok(head(Body::empty(), request.version));
    }
    if app.phases.is_draining() {
        return refuse(app, Problem::draining(), request.headers, request.version);
    }
    if !app.hub.is_ready() {
        return refuse(app, Problem::not_ready(), request.headers, request.version);
    }
    let Ok(seat) = seat(app, peer, request.version) else {
        return refuse(app, SubscribeError::Full.into(), request.headers, request.version);
    };
    let logged = names(&channels);
    let subscribed = app.hub.subscribe(Subscribe {
        client: client.clone(),
        channels,
        patterns: Vec::new(),
        start,
        policy: app.config.policy,
        heartbeat,
        form,
        shard: peer.shard,
        now_ms: app.now_ms(),
        expires_ms: None,
    });
    let subscription = match subscribed {
        Ok(subscription) => subscription,
        Err(full) => return refuse(app, full.into(), request.headers, request.version),
    };
    let connection = subscription.connection();
    info!(connection, client = client.as_str(), channels = %logged, peer = %peer.address, "open");
    if !notes.is_empty()
        && let Some(left_out) = app.refused.others.admit(app.now_ms())
    {
        info!(connection, left_out, ?notes, "a stream was asked for in an odd way");
    }
    if let Some(seat) = seat {
        owed.occupy(seat);
    }
    let cursor = (heartbeat == Heartbeat::Cursor).then(|| subscription.cursor());
    let (retry_ms, gap) = (app.draw_retry_ms(), subscription.gap());
    let prelude = Prelude { retry_ms, connection, client: &client, notes: &notes, gap, cursor };
    let prelude = Bytes::from(prelude.to_string());
    let content = match peer.carriage {
        Carriage::Frames => Content::Parked { prelude, subscription: Box::new(subscription) },
        Carriage::Http1 if app.config.h1_outlet == Outlet::Socket => {
            let framing = if request.version == Version::HTTP_10 { Framing::Bare } else { Framing::Chunked };
            peer.link.park(Parked { subscription, framing });
            Content::Marker { prelude, link: Arc::clone(&peer.link) }
        }
        Carriage::Http1 | Carriage::Other => {
            owed.keep();
            let feed = subscription.into_feed(owed.life().clone());
            let pieces = Box::new(Pieces::new(feed, app.config.h2_send_buffer_bytes));
            Content::Stream { prelude, pieces }
        }
    };
    Ok(head(content.into(), request.version))
}

/// Counts a stream against the limits that the hub does not know. Over HTTP/2 it gets a seat. Over HTTP/1 it leaves some sockets
/// to other requests.
fn seat(app: &App, peer: &Peer, version: Version) -> Result<Option<H2Seat>, SubscribeError> {
    let open = app.hub.registry().connections();
    if version == Version::HTTP_2 {
        let left = app.config.core.connections_max.saturating_sub(open);
        return app.h2_streams.enter(&peer.link.holdings, left).map(Some).ok_or(SubscribeError::Full);
    }
    // Threads that look at the same time may let one more in each.
    let is_full =
        peer.carriage == Carriage::Http1 && open.saturating_sub(app.h2_streams.open()) >= app.sockets.streams_max();
    if is_full { Err(SubscribeError::Full) } else { Ok(None) }
}

/// Whether a stream may begin behind an event that another node has read and this one has not. Then the hub has to be asked once
/// more when it has read all there is. No for a request that is wrong.
pub(crate) fn may_be_ahead(app: &App, request: &Request<'_>) -> bool {
    let is_ahead = |wanted: Wanted| {
        let Wanted { client, channels, start, .. } = wanted;
        let channels = channels.into_iter().map(Target::Channel);
        let targets: Vec<_> = [Target::All, Target::Client(client)].into_iter().chain(channels).collect();
        app.hub.may_be_ahead(&start, &targets, &[])
    };
    Wanted::parse(app, request).is_ok_and(is_ahead)
}

/// The stream that a request asks for.
struct Wanted {
    client: ClientId,
    channels: Vec<Channel>,
    start: Start,
    heartbeat: Heartbeat,
    form: Form,
    /// Oddities of the request that are no errors.
    notes: Vec<String>,
}

impl Wanted {
    fn parse(app: &App, request: &Request<'_>) -> Result<Self, Problem> {
        let query = Query::parse(request.query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
        let mut notes = parameters::STREAM.check_near(&query)?;
        let client = match query.one("id")? {
            Some(id) => ClientId::new(id).map_err(|error| Problem::bad_request(format!("id: {error}")))?,
            None => made_up_client(),
        };
        let channels = channels(app, request.channel.as_ref(), &query)?;
        notes.extend(channels.iter().find_map(note_on_comma));
        let start = start::of_stream(request.headers, &query, unix_ms())?;
        Ok(Self { client, channels, start, heartbeat: heartbeat(&query)?, form: form(&query)?, notes })
    }
}

fn channels(app: &App, first: Option<&Channel>, query: &Query) -> Result<Vec<Channel>, Problem> {
    let mut channels: Vec<Channel> = first.into_iter().cloned().collect();
    for name in query.all("channel") {
        if channels.len() == app.config.channels_max {
            let max = app.config.channels_max;
            return Err(Problem::bad_request(format!("a connection follows at most {max} channels")));
        }
        channels.push(followed(name).map_err(|error| Problem::bad_request(format!("channel: {error}")))?);
    }
    Ok(channels)
}

fn heartbeat(query: &Query) -> Result<Heartbeat, Problem> {
    match query.one("heartbeat")? {
        None => Ok(Heartbeat::Comment),
        Some("cursor") => Ok(Heartbeat::Cursor),
        // What is in a query may be a secret, and errors are logged.
        Some(_) => Err(Problem::bad_request("heartbeat: only \"cursor\" is known")),
    }
}

fn form(query: &Query) -> Result<Form, Problem> {
    match query.one("envelope")? {
        None => Ok(Form::Plain),
        Some("json") => Ok(Form::Envelope),
        Some(_) => Err(Problem::bad_request("envelope: only \"json\" is known")),
    }
}

/// A note on a name that may be meant for two. A comma may be part of a name, but stands between two names in many other servers,
/// as a semicolon does between parameters.
fn note_on_comma(channel: &Channel) -> Option<String> {
    let name = channel.as_str();
    let is_list = name.contains(',') || name.contains(";channel=");
    is_list.then(|| format!("this follows one channel named {}; to follow two, write channel=a&channel=b", shown(name)))
}

/// Refuses a stream. EventSource gives up for ever at any status but 200, so it gets an empty stream that says when to come
/// back.
fn refuse(app: &App, problem: Problem, headers: &HeaderMap, version: Version) -> Result<Response<Body>, Problem> {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains(EVENT_STREAM));
    if !headers.get_all(ACCEPT).iter().any(accepts) {
        return Err(problem);
    }
    let mut response = head(Body::full(format!("retry: {}\n", app.draw_drain_retry_ms())), version);
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
