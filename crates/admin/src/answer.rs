//! Contents of answers, and the header fields that each of them has.

pub(crate) mod body;
pub(crate) mod files;
pub(crate) mod problem;
pub(crate) mod words;

use bytes::Bytes;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use serde_json::Value;

use crate::answer::body::Body;

/// Keeps pages of other sites from using an answer as a picture or a script.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// An answer with this content.
pub(crate) fn of(status: StatusCode, kind: &'static str, content: impl Into<Bytes>) -> Response<Body> {
    with_body(status, kind, body::whole(content.into()))
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    of(status, "application/json", value.to_string())
}

/// An answer whose body comes bit by bit.
pub(crate) fn with_body(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    secure(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// No answer is kept, guessed at, or of use to another site.
fn secure(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}
