//! [`Problem`]: an error as the client sees it, an RFC 9457 problem document. This file alone maps errors to statuses. The text of a
//! problem says what to fix.

use fanfare_callers::{HELD_RETRY_AFTER_SECONDS, Limit};
use fanfare_core::{EventError, NameError, PublishError, engine::SubscribeError};
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::{
    answer::{body::Body, refusal::Refused},
    limits::rule::Rule,
    text::query::Repeated,
};

/// A status and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    allow: Option<&'static str>,
    /// The error code of the scheme Bearer (RFC 6750 3.1).
    bearer: Option<&'static str>,
    /// The reason for the log, where the client is not told.
    reason: Option<String>,
    rule: Option<Rule>,
    /// Seconds after which the client may come back.
    retry_after: Option<u64>,
    /// Members besides those of RFC 9457.
    more: Option<Box<Map<String, Value>>>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            allow: None,
            bearer: None,
            reason: None,
            rule: None,
            retry_after: None,
            more: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such route. `advice` says which there are.
    pub(crate) fn not_found(advice: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, advice)
    }

    /// The route has no such method. `allow` lists the methods that it has, and `cure` says what to do instead.
    pub(crate) fn method_not_allowed(allow: &'static str, cure: &str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("this route understands {allow}{cure}"));
        Self { allow: Some(allow), ..problem }
    }

    pub(crate) fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is draining")
    }

    /// The events that the journal had at the start are not read yet.
    pub(crate) fn not_ready() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is not ready: its journal has not been read")
    }

    /// The request shows no token and no key (RFC 6750 3: no error code).
    pub(crate) fn without_credential() -> Self {
        let detail = "this needs a token or a key: send the header Authorization: Bearer ...";
        Self { rule: Some(Rule::NoCredential), ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// The token or key is not valid. Whoever tries some learns nothing of what was wrong.
    pub(crate) fn invalid_credential() -> Self {
        let problem = Self::new(StatusCode::UNAUTHORIZED, "the token or key is not valid here");
        Self { bearer: Some("invalid_token"), rule: Some(Rule::InvalidCredential), ..problem }
    }

    /// The grant does not cover what was asked for.
    pub(crate) fn not_granted() -> Self {
        let problem = Self::new(StatusCode::FORBIDDEN, "the token or key does not allow this");
        Self { bearer: Some("insufficient_scope"), rule: Some(Rule::NotGranted), ..problem }
    }

    /// The application has denied it.
    pub(crate) fn denied() -> Self {
        Self { rule: Some(Rule::Denied), ..Self::new(StatusCode::FORBIDDEN, "this is not allowed") }
    }

    /// The application that decides cannot be asked.
    pub(crate) fn undecided() -> Self {
        let detail = "whether this is allowed cannot be decided now";
        Self { rule: Some(Rule::Undecided), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// A credential that stands in the wrong place, or too often.
    pub(crate) fn invalid_request(detail: &str) -> Self {
        Self { bearer: Some("invalid_request"), ..Self::bad_request(detail) }
    }

    /// The page may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self { rule: Some(Rule::Page), ..Self::new(StatusCode::FORBIDDEN, detail) }
    }

    /// The caller is over a limit, and may come back later.
    pub(crate) fn too_many(limit: Limit, retry_after_seconds: u32) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, limit.sentence());
        Self { rule: Some(Rule::OverLimit(limit)), retry_after: Some(retry_after_seconds.into()), ..problem }
    }

    /// The client id has as many streams as it may have.
    pub(crate) fn client_streams(streams_max: usize) -> Self {
        let detail = format!("this client id has {streams_max} streams open, which is as many as it may have");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Self { rule: Some(Rule::ClientStreams), retry_after: Some(HELD_RETRY_AFTER_SECONDS.into()), ..problem }
    }

    /// Whether the same request may go well later.
    pub(crate) fn is_passing(&self) -> bool {
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status)
    }

    /// Milliseconds after which the client may come back, if that is known.
    pub(crate) fn retry_after_ms(&self) -> u64 {
        self.retry_after.unwrap_or_default().saturating_mul(1_000)
    }

    /// Adds the reason for the log, which the client does not get.
    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// Adds members to the document.
    pub(crate) fn with(self, more: Map<String, Value>) -> Self {
        Self { more: Some(Box::new(more)), ..self }
    }

    pub(crate) fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// The reason for the log.
    pub(crate) fn reason(&self) -> &str {
        self.reason.as_ref().unwrap_or(&self.detail)
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn response(self) -> Response<Body> {
        let mut document = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut document {
            members.extend(self.more.into_iter().flat_map(|more| *more));
        }
        let mut response = Response::new(Body::json(&document));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Refused { reason: self.reason.unwrap_or(self.detail), rule: self.rule });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A cache might keep a 404 or a 405 by itself (RFC 9110 15.1).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(error) = self.bearer {
            let challenge = HeaderValue::try_from(format!("Bearer error=\"{error}\""));
            headers.extend(challenge.ok().map(|challenge| (WWW_AUTHENTICATE, challenge)));
        } else if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Not the same for everybody, or all come back at once.
        let in_a_moment = || rand::rng().random_range(1..=3);
        let is_passing = self.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.retry_after.or_else(|| is_passing.then(in_a_moment)) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Repeated<'_>> for Problem {
    fn from(repeated: Repeated<'_>) -> Self {
        Self::bad_request(repeated.to_string())
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        let detail = match error {
            SubscribeError::Full => "as many streams are open as may be (--connections-max)",
            SubscribeError::TooManyPatterns => {
                "as many different patterns with a * before their end are followed as may be (inner-patterns): another one, or one whose \
                 only * is its end, may be followed"
            }
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl From<fanfare_callers::Refused> for Problem {
    fn from(refused: fanfare_callers::Refused) -> Self {
        Self::too_many(refused.limit, refused.retry_after_seconds)
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Draining => Self::draining(),
            PublishError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            PublishError::Journal => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the journal is unavailable: GET /readyz says why")
            }
            PublishError::Broken => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            PublishError::Unknown => {
                let more = Map::from_iter([("published".to_owned(), "unknown".into())]);
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).with(more)
            }
        }
    }
}
