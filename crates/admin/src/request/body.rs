//! The body of a request, whole and in bounds.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, StatusCode,
    body::{Body as _, Incoming},
    header::CONTENT_TYPE,
};
use tokio::time::timeout;

use crate::{answer::problem::Problem, config::Limits};

/// Reads a body that has to be JSON. A browser sends no JSON to another site without asking first, and is never allowed to.
///
/// # Errors
/// [`Problem`]: 400, 408, 413 or 415.
pub(crate) async fn json(headers: &HeaderMap, body: Incoming, limits: &Limits) -> Result<Bytes, Problem> {
    if !headers.get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json"));
    }
    let bytes_max = limits.body_bytes_max;
    // Nothing is read of a body that says that it is too large.
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(Problem::body_too_large(bytes_max));
    }
    let read = timeout(limits.body_timeout, Limited::new(body, bytes_max).collect()).await;
    let read = read.map_err(|_| Problem::body_too_slow(limits.body_timeout))?;
    let whole = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::body_too_large(bytes_max),
        false => Problem::bad_request("the body broke off"),
    });
    Ok(whole?.to_bytes())
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
