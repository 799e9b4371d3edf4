//! [`Problem`]: an error as its reader sees it (RFC 9457). The text says what to do.

use std::{borrow::Cow, time::Duration};

use fanfare_http::{FollowError, PublishError};
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::json;

use crate::{
    answer::{self, body::Body},
    control::ReloadError,
};

const KIND: &str = "application/problem+json";
const WRONG_TOKEN: &str = "the admin token is wrong";

/// Seconds after which whoever found no room may ask again. Requests take less, and streams may take for ever.
const RETRY_SECONDS: u64 = 5;

/// A status, and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    field: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), field: None }
    }

    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("this route understands {allow}"));
        problem.with(ALLOW, HeaderValue::from_static(allow))
    }

    /// The token is missing (RFC 6750 3: no error code).
    pub(crate) fn without_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "this needs the admin token: send the header Authorization: Bearer ...")
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(crate) fn wrong_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, WRONG_TOKEN)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""))
    }

    /// Whether somebody has shown a token that is none.
    pub(crate) fn is_wrong_token(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED && self.detail == WRONG_TOKEN
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn foreign_page() -> Self {
        Self::new(StatusCode::FORBIDDEN, "a page of another site may not use the admin listener")
    }

    pub(crate) fn body_too_large(bytes_max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have at most {bytes_max} bytes"))
    }

    pub(crate) fn body_too_slow(within: Duration) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {within:?}")).closing()
    }

    /// As much is open as may be.
    pub(crate) fn full(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))
    }

    pub(crate) fn too_slow(within: Duration) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, format!("the server did not answer within {within:?}"))
    }

    /// The connection ends behind this answer.
    fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { field: Some((name, value)), ..self }
    }

    fn json(&self) -> String {
        let (title, status) = (self.status.canonical_reason(), self.status.as_u16());
        json!({ "type": "about:blank", "title": title, "status": status, "detail": self.detail }).to_string()
    }

    pub(crate) fn response(self) -> Response<Body> {
        let mut response = answer::of(self.status, KIND, self.json());
        if let Some((name, value)) = self.field {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The bytes of the whole answer, for a socket that hyper does not get. The connection ends behind them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let json = self.json();
        format!(
            "HTTP/1.1 {}\r\ncontent-type: {KIND}\r\ncontent-length: {}\r\nretry-after: {RETRY_SECONDS}\r\nconnection: close\r\n\r\n{json}",
            self.status,
            json.len(),
        )
        .into_bytes()
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            // Nobody is asked to send it again: this route takes no idempotency key.
            PublishError::Unknown => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            PublishError::Draining | PublishError::Journal | PublishError::Broken => Self::full(error.to_string()),
        }
    }
}

impl From<FollowError> for Problem {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::TooManyChannels { .. } => Self::bad_request(error.to_string()),
            FollowError::Full(_) | FollowError::Draining => Self::full(error.to_string()),
        }
    }
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.0)
    }
}
