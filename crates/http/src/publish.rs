//! Answers a publish: reads the body within its limits, makes it an event, and says what became of it.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{Event, Receipt, Target, Wait};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Map, Value};

use crate::{app::App, body::Body, data::data, problem::Problem, query::Query, route::Destination, upload::Upload};

/// One publish, its body not yet read.
pub(crate) struct Request {
    pub(crate) destination: Destination,
    pub(crate) query: String,
    pub(crate) upload: Upload,
}

/// Publishes, or says why not; nothing was published then.
pub(crate) async fn publish(app: Arc<App>, request: Request) -> Response<Body> {
    let Request { destination, query, mut upload } = request;
    let answer = match accept(&app, destination, &query, &mut upload).await {
        Ok((event, wait)) => send(&app, event, wait).await,
        Err(problem) => {
            upload.discard().await;
            Err(problem)
        }
    };
    answer.unwrap_or_else(|problem| problem.response())
}

async fn accept(
    app: &App,
    destination: Destination,
    query: &str,
    upload: &mut Upload,
) -> Result<(Event, Wait), Problem> {
    if app.is_draining() {
        return Err(Problem::draining());
    }
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    let options = Options::parse(&query)?;
    upload.check_coding()?;
    let bytes = upload.whole(app.config.body_bytes_max).await?;
    let event = match destination {
        Destination::Ping(client) => {
            let hello = format!("hello, {client}");
            Event::new(Target::Client(client), hello)
        }
        Destination::Target(target) => Event::new(target, data(bytes, upload.headers(), options.is_base64)),
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

async fn send(app: &App, event: Event, wait: Wait) -> Result<Response<Body>, Problem> {
    Ok(accepted(&app.publish(event, wait).await?))
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
