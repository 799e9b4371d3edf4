//! Answers the request for an event stream: registers the connection, then lets the head go out at once.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{Channel, ClientId, Framing, Start, Subscribe, prelude};
use hyper::{
    HeaderMap, Response, StatusCode, Version,
    header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use tracing::info;

use crate::{
    app::{App, made_up_client, names},
    body::Body,
    config::H1Outlet,
    handoff::{Handoff, Parked},
    problem::Problem,
    query::Query,
    service::Peer,
};

const EVENT_STREAM: &str = "text/event-stream";

/// Who asks for what.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) channel: Option<Channel>,
    pub(crate) query: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) is_head: bool,
}

/// Opens the stream, or says why not.
pub(crate) fn subscribe(app: &Arc<App>, peer: &Peer, request: Request<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(request.query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    let client = match query.one("id").map_err(|error| Problem::bad_request(error.to_string()))? {
        Some(id) => ClientId::new(id).map_err(|error| Problem::bad_request(format!("id: {error}")))?,
        None => made_up_client(),
    };
    let channels = channels(app, request.channel, &query)?;
    let is_h1 = request.version < Version::HTTP_2;
    if request.is_head {
        return Ok(head(Body::empty(), is_h1));
    }
    if app.is_draining() {
        return refuse(app, request.headers, is_h1);
    }
    let logged = names(&channels);
    let subscription = app.hub.subscribe(Subscribe {
        client: client.clone(),
        channels,
        start: Start::Now,
        policy: app.config.policy,
        shard: peer.shard,
        now_ms: app.now_ms(),
    });
    let connection = subscription.connection();
    info!(connection, %client, channels = logged, peer = %peer.address, "open");
    let prelude = Bytes::from(prelude(app.draw_retry_ms(), connection, &client));
    let body = match (&peer.handoff, app.config.h1_outlet) {
        (Some(handoff), H1Outlet::Socket) => {
            let framing = if request.version == Version::HTTP_10 { Framing::Bare } else { Framing::Chunked };
            handoff.park(Parked { subscription, framing });
            Body::Marker { prelude, handoff: Arc::clone(handoff) }
        }
        (handoff, _) => {
            let feed = subscription.into_feed();
            if let Some(handoff) = handoff {
                Handoff::keep(handoff, feed.cut_signal());
            }
            Body::Stream { prelude, feed: Box::new(feed) }
        }
    };
    Ok(head(body, is_h1))
}

fn channels(app: &App, first: Option<Channel>, query: &Query) -> Result<Vec<Channel>, Problem> {
    let mut channels: Vec<Channel> = first.into_iter().collect();
    for name in query.all("channel") {
        if channels.len() == app.config.channels_max {
            let max = app.config.channels_max;
            return Err(Problem::bad_request(format!("a connection follows at most {max} channels")));
        }
        channels.push(Channel::subscribed(name).map_err(|error| Problem::bad_request(format!("channel: {error}")))?);
    }
    Ok(channels)
}

/// No room for a stream now. EventSource gives up for ever at any status but 200, so it gets an empty stream
/// that says when to come back.
fn refuse(app: &App, headers: &HeaderMap, is_h1: bool) -> Result<Response<Body>, Problem> {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains(EVENT_STREAM));
    if !headers.get_all(ACCEPT).iter().any(accepts) {
        return Err(Problem::draining());
    }
    Ok(head(Body::full(format!("retry: {}\n", app.draw_drain_retry_ms())), is_h1))
}

fn head(body: Body, is_h1: bool) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if is_h1 {
        // Forbidden in HTTP/2 (RFC 9113 8.2.2).
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
