//! Answers a publish: reads the body within its limits, makes it an event, and says what became of it.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use fanfare_core::{Event, Receipt, Target, Wait};
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderValue},
};
use serde_json::{Map, Value};
use tokio::time::timeout;
use tracing::info;

use crate::{
    app::{App, BodyBytes},
    body::Body,
    problem::Problem,
    query::Query,
    route::Destination,
};

/// How much of a refused body is read and thrown away, so that its sender gets to read the answer.
const DISCARD_BYTES_MAX: usize = 8 << 20;
/// And for how long.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// One publish, its body not yet read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) destination: Destination,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

/// Publishes, or says why not; nothing was published then.
pub(crate) async fn publish(app: Arc<App>, request: Request) -> Response<Body> {
    let Request { destination, query, headers, mut body } = request;
    let mut held = app.take_in();
    let answer = match accept(&app, destination, &query, &headers, &mut body, &mut held).await {
        Ok((event, wait)) => send(&app, event, wait).await,
        Err(problem) => {
            discard(&headers, body).await;
            Err(problem)
        }
    };
    answer.unwrap_or_else(|problem| problem.response())
}

async fn accept(
    app: &Arc<App>,
    destination: Destination,
    query: &str,
    headers: &HeaderMap,
    body: &mut Incoming,
    held: &mut BodyBytes,
) -> Result<(Event, Wait), Problem> {
    if app.is_draining() {
        return Err(Problem::draining());
    }
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    let options = Options::parse(&query)?;
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed"));
    }
    let bytes = read(app, body, held).await?;
    let event = match destination {
        Destination::Ping(client) => {
            let hello = format!("hello, {client}");
            Event::new(Target::Client(client), hello)
        }
        Destination::Target(target) => Event::new(target, data(bytes, headers, options.is_base64)),
    };
    Ok((options.apply(event)?, options.wait))
}

/// What the query says about an event.
struct Options<'a> {
    kind: Option<&'a str>,
    own_id: Option<&'a str>,
    retry_ms: Option<u64>,
    is_kept: bool,
    is_base64: bool,
    wait: Wait,
}

impl<'a> Options<'a> {
    fn parse(query: &'a Query) -> Result<Self, Problem> {
        let one = |name| query.one(name).map_err(|error| Problem::bad_request(error.to_string()));
        let unknown = |name, value, known| Problem::bad_request(format!("{name}={value:?}: only {known} is known"));
        let retry = one("retry")?.map(|text| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // A number too large for 64 bits is out of range as well.
            if is_number {
                Ok(text.parse().unwrap_or(u64::MAX))
            } else {
                Err(Problem::bad_request("retry: not a number"))
            }
        });
        Ok(Self {
            kind: one("event")?,
            own_id: one("id")?,
            retry_ms: retry.transpose()?,
            is_kept: match one("keep")? {
                None | Some("yes") => true,
                Some("no") => false,
                Some(other) => return Err(unknown("keep", other, "\"no\"")),
            },
            is_base64: match one("encoding")? {
                None => false,
                Some("base64") => true,
                Some(other) => return Err(unknown("encoding", other, "\"base64\"")),
            },
            wait: match one("wait")? {
                None => Wait::Journal,
                Some("written") => Wait::Written,
                Some(other) => return Err(unknown("wait", other, "\"written\"")),
            },
        })
    }

    fn apply(&self, mut event: Event) -> Result<Event, Problem> {
        if let Some(kind) = self.kind {
            event = event.with_kind(kind)?;
        }
        if let Some(own_id) = self.own_id {
            event = event.with_own_id(own_id)?;
        }
        if let Some(retry_ms) = self.retry_ms {
            event = event.with_retry_ms(retry_ms)?;
        }
        Ok(if self.is_kept { event } else { event.live_only() })
    }
}

/// The whole body, if it keeps within its limits.
async fn read(app: &App, body: &mut Incoming, held: &mut BodyBytes) -> Result<Vec<u8>, Problem> {
    let max = app.config.body_bytes_max;
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {max} bytes"));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    loop {
        let frame = match timeout(app.config.body_idle_timeout, body.frame()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Problem::bad_request(format!("the body broke off: {error}"))),
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body paused for too long")),
        };
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > max {
            return Err(too_large());
        }
        if !held.add(piece.len()) {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many bodies at once; nothing was published",
            ));
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Text as it is; any other bytes as a data URL, which a page can put into `img.src`, or as plain base64.
fn data(bytes: Vec<u8>, headers: &HeaderMap, is_base64: bool) -> String {
    if is_base64 {
        return BASE64.encode(bytes);
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let kind = media_type(headers).unwrap_or("application/octet-stream");
        let mut url = format!("data:{kind};base64,");
        BASE64.encode_string(error.into_bytes(), &mut url);
        url
    })
}

/// The `type/subtype` of the Content-Type, if it says what the bytes are (RFC 9110 8.3.1).
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_token = |part: &str| {
        let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(is_tchar)
    };
    let (kind, subtype) = essence.split_once('/')?;
    let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || essence.eq_ignore_ascii_case("multipart/form-data");
    (is_token(kind) && is_token(subtype) && !is_form).then_some(essence)
}

async fn send(app: &App, event: Event, wait: Wait) -> Result<Response<Body>, Problem> {
    let target = event.targets().first().cloned();
    let receipt = app.hub.publish(event, wait).await?;
    if let (Some(target), Some(left_out)) = (target, app.sent.admit(app.now_ms())) {
        let left_out = (left_out > 0).then_some(left_out);
        info!(id = %receipt.id, matched = receipt.matched, left_out, "sent to {target}");
    }
    Ok(accepted(&receipt))
}

fn accepted(receipt: &Receipt) -> Response<Body> {
    let mut answer = Map::new();
    answer.insert("id".into(), receipt.id.to_string().into());
    answer.insert("matched".into(), receipt.matched.into());
    if let Some(outcome) = receipt.outcome {
        answer.insert("written".into(), outcome.written.into());
        answer.insert("queued".into(), outcome.queued.into());
        answer.insert("dropped".into(), outcome.dropped.into());
    }
    let mut response = Response::new(Body::full(Bytes::from(Value::Object(answer).to_string())));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Answers a request that has no handler.
pub(crate) async fn refuse(problem: Problem, request: hyper::Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    discard(&parts.headers, body).await;
    problem.response()
}

/// Reads on for a while, so that a client that is still sending gets to read why it was refused. One that waits
/// to be asked for its body is not asked.
async fn discard(headers: &HeaderMap, mut body: Incoming) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let read_on = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes >= DISCARD_BYTES_MAX {
                return;
            }
        }
    };
    // Whether it came to the end or the time did, the answer goes out now.
    let _ = timeout(DISCARD_TIME_MAX, read_on).await;
}
