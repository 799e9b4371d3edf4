//! The body of a request, whole and in bounds.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, StatusCode,
    body::{Body as _, Incoming},
    header::CONTENT_TYPE,
};
use tokio::time::timeout;

use crate::{answer::problem::Problem, config::Limits};

/// So much of a body that is too large is read, and thrown away.
const DISCARDED_BYTES_MAX: u64 = 1 << 20;

/// Reads a body that has to be JSON. A browser sends no JSON to another site without asking first, and is never allowed to.
///
/// # Errors
/// [`Problem`]: 400, 408, 413 or 415.
pub(crate) async fn json(headers: &HeaderMap, body: Incoming, limits: &Limits) -> Result<Bytes, Problem> {
    if !headers.get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json"));
    }
    // Nothing is read of a body that says that it is far too large.
    if body.size_hint().lower() > DISCARDED_BYTES_MAX {
        return Err(Problem::body_too_large(limits.body_bytes_max));
    }
    let read = timeout(limits.body_timeout, whole(body, limits.body_bytes_max)).await;
    read.map_err(|_| Problem::body_too_slow(limits.body_timeout))?
}

/// Reads a body to its end, and keeps no more than it may have. What comes behind is thrown away: an answer that meets unread bytes
/// is destroyed by a reset.
async fn whole(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Problem> {
    let (mut kept, mut came) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad_request("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        came += u64::try_from(data.len()).unwrap_or(u64::MAX);
        if kept.len() + data.len() <= bytes_max {
            kept.extend_from_slice(&data);
        } else if came > DISCARDED_BYTES_MAX {
            break;
        }
    }
    let is_whole = u64::try_from(kept.len()).is_ok_and(|kept| kept == came);
    if is_whole { Ok(kept.freeze()) } else { Err(Problem::body_too_large(bytes_max)) }
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
