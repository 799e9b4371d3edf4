//! Answers a publish: reads the body within its limits, makes it an event, and says what became of it.

use std::sync::Arc;

use fanfare_core::{Event, IdempotencyKey, Receipt, Target, Wait};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};

use crate::{
    admission::{quota::Quota, rights::Rights},
    answer::{body::Body, problem::Problem},
    app::App,
    request::{
        data::{Declared, base64},
        destination::{self, Destination},
        idempotency::{self, Source},
        parameters::{self, ACCESS_TOKEN},
        upload::Upload,
    },
    text::query::Query,
    traces::span::{Span, Trace},
};

/// Says that this is the answer to an earlier publish with the same key.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// One publish, its body not yet read.
pub(crate) struct Request {
    pub(crate) destination: Destination,
    pub(crate) query: String,
    pub(crate) rights: Rights,
    pub(crate) quota: Quota,
    pub(crate) upload: Upload,
    /// The trace that the sender has named.
    pub(crate) trace: Option<Trace>,
}

/// Publishes, or says why not. Nothing was published then, unless the answer says so.
pub(crate) async fn publish(app: Arc<App>, request: Request) -> Response<Body> {
    let Request { destination, query, rights, quota, mut upload, trace } = request;
    let span = trace.map(|trace| Span::begin(&app.traces, trace));
    let answer = match accept(&app, destination, &query, Allowed { rights, quota }, &mut upload).await {
        Ok(accepted) => send(&app, accepted, span).await,
        Err(problem) => {
            upload.discard();
            if let Some(span) = span {
                span.refuse(app.now_us());
            }
            Err(problem)
        }
    };
    answer.unwrap_or_else(|problem| problem.response())
}

/// An event that is to be published.
struct Wish {
    event: Event,
    key: Option<IdempotencyKey>,
    wait: Wait,
    /// The name of the grant, for the log.
    holder: Option<String>,
}

/// What the sender may publish, and how much.
struct Allowed {
    rights: Rights,
    quota: Quota,
}

async fn accept(
    app: &App,
    destination: Destination,
    query: &str,
    allowed: Allowed,
    upload: &mut Upload,
) -> Result<Wish, Problem> {
    if app.phases.is_draining() {
        return Err(Problem::draining());
    }
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    match destination {
        Destination::InQuery => parameters::PUBLISH_TO.check(&query)?,
        Destination::Target(_) | Destination::Ping(_) => parameters::PUBLISH.check(&query)?,
    }
    query.one(ACCESS_TOKEN)?;
    let options = Options::parse(&query)?;
    let source = if matches!(destination, Destination::Ping(_)) { Source::Ping } else { Source::Publish };
    let holder = allowed.rights.holder();
    let key = idempotency::of_request(upload.headers(), source, holder)?;
    // Before the body is asked for.
    let targets = match &destination {
        Destination::InQuery => destination::targets(&query, app.config().channels_max)?,
        Destination::Target(target) => vec![target.clone()],
        Destination::Ping(client) => vec![Target::Client(client.clone())],
    };
    allowed.rights.check_publish(&targets)?;
    allowed.quota.take_event(app.now_ms())?;
    upload.check_coding()?;
    let event = match destination {
        Destination::Ping(client) => {
            let bytes_max = app.config().body_bytes_max;
            let bytes = upload.whole(bytes_max).await?.len();
            allowed.quota.charge_bytes(bytes, app.now_ms());
            let hello = format!("hello, {client}");
            Event::new(Target::Client(client), hello)
        }
        Destination::Target(_) | Destination::InQuery => {
            let data = data(app, upload, options.is_base64).await?;
            allowed.quota.charge_bytes(data.len(), app.now_ms());
            Event::for_targets(targets, data)?
        }
    };
    // The body may have taken its time.
    allowed.rights.check_time()?;
    let holder = holder.map(str::to_owned);
    Ok(Wish { event: options.apply(event)?, key, wait: options.wait, holder })
}

/// The body as text.
async fn data(app: &App, upload: &mut Upload, is_base64: bool) -> Result<String, Problem> {
    let bytes_max = app.config().body_bytes_max;
    if is_base64 {
        return Ok(base64(&upload.whole(bytes_max).await?));
    }
    let declared = Declared::of(upload.headers())?;
    declared.check_one()?;
    Ok(declared.data(upload.whole(bytes_max).await?))
}

/// The options of an event in the query.
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
        let unknown = |name, known| Problem::bad_request(format!("{name}: only {known} is known"));
        let retry = query.one("retry")?.map(|text| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // A number too large for 64 bits is out of range as well.
            if is_number {
                Ok(text.parse().unwrap_or(u64::MAX))
            } else {
                Err(Problem::bad_request("retry must be a number of milliseconds, as in retry=5000"))
            }
        });
        Ok(Self {
            kind: query.one("event")?,
            own_id: query.one("id")?,
            retry_ms: retry.transpose()?,
            is_kept: match query.one("keep")? {
                None | Some("yes") => true,
                Some("no") => false,
                Some(_) => return Err(unknown("keep", "\"no\"")),
            },
            is_base64: match query.one("encoding")? {
                None => false,
                Some("base64") => true,
                Some(_) => return Err(unknown("encoding", "\"base64\"")),
            },
            wait: match query.one("wait")? {
                None => Wait::Journal,
                Some("written") => Wait::Written,
                Some(_) => return Err(unknown("wait", "\"written\"")),
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

async fn send(app: &App, accepted: Wish, span: Option<Span>) -> Result<Response<Body>, Problem> {
    let Wish { event, key, wait, holder } = accepted;
    Ok(answer(&app.publish(event, key.as_ref(), wait, holder.as_deref(), span).await?))
}

fn answer(receipt: &Receipt) -> Response<Body> {
    let mut answer = Map::new();
    answer.insert("id".into(), receipt.id.to_string().into());
    answer.insert("matched".into(), receipt.matched.into());
    if let Some(outcome) = receipt.outcome {
        answer.insert("written".into(), outcome.written.into());
        answer.insert("queued".into(), outcome.queued.into());
        answer.insert("dropped".into(), outcome.dropped.into());
    }
    let mut response = Response::new(Body::json(&Value::Object(answer)));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if receipt.is_repeat {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
