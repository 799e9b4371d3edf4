//! [`Problem`]: an error as the client sees it, an RFC 9457 problem document. This file alone maps errors to statuses. The text of a
//! problem says what to fix.

use fanfare_core::{EventError, NameError, PublishError, engine::SubscribeError};
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::{
    answer::{body::Body, refusal::Refused},
    text::query::Repeated,
};

/// A status and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    allow: Option<&'static str>,
    /// The key that was shown is not the right one (RFC 6750 3.1).
    is_key_wrong: bool,
    /// Members besides those of RFC 9457.
    more: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), allow: None, is_key_wrong: false, more: Map::new() }
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

    /// The request shows no publish key.
    pub(crate) fn without_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "publishing needs a key: send the header Authorization: Bearer KEY")
    }

    /// The header Authorization is no key.
    pub(crate) fn not_bearer() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "the header Authorization must have the form: Bearer KEY")
    }

    /// The key is not the publish key.
    pub(crate) fn wrong_key() -> Self {
        let problem = Self::new(StatusCode::UNAUTHORIZED, "the key is wrong: it is not the publish key of this server");
        Self { is_key_wrong: true, ..problem }
    }

    /// The page may not publish.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// Adds members to the document.
    pub(crate) fn with(self, more: Map<String, Value>) -> Self {
        Self { more, ..self }
    }

    #[cfg(test)]
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
            members.extend(self.more);
        }
        let mut response = Response::new(Body::json(&document));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Refused { detail: self.detail });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A cache might keep a 404 or a 405 by itself (RFC 9110 15.1).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = if self.is_key_wrong { "Bearer error=\"invalid_token\"" } else { "Bearer" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            // Not the same for everybody, or all come back at once.
            headers.insert(RETRY_AFTER, HeaderValue::from(rand::rng().random_range(1..=3)));
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
            SubscribeError::Full => "as many streams are open as may be (--connections-max)".to_owned(),
            SubscribeError::TooManyPatterns => error.to_string(),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
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
