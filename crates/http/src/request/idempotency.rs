//! The idempotency keys of publishers: their place in a request, and the scope that tells equal keys apart.

use fanfare_core::{IdempotencyKey, NameError};
use hyper::{HeaderMap, header::HeaderName};

use crate::{answer::problem::Problem, current::PUBLISH_KEY_NAME};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The kind of request that an event comes with. Each source has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The routes that take a body for a target.
    Publish,
    /// A hello to a client.
    Ping,
    /// A line of a batch.
    Batch,
}

/// The key `text` of an event from this source. Keys of different holders are different keys: nobody can use up the key of another.
///
/// # Errors
/// [`NameError`] says which rule of names it breaks.
pub(crate) fn key(text: &str, source: Source, holder: Option<&str>) -> Result<IdempotencyKey, NameError> {
    let source = match source {
        Source::Publish => "publish",
        Source::Ping => "ping",
        Source::Batch => "batch",
    };
    match holder {
        None => IdempotencyKey::new(text, source),
        // As it was when this was the only key: journals remember it.
        Some(PUBLISH_KEY_NAME) => IdempotencyKey::new(text, &format!("{source} with the key")),
        Some(holder) => IdempotencyKey::new(text, &format!("{source} of {holder}")),
    }
}

/// The key in the header of a request, if there is one.
///
/// # Errors
/// 400 for one that breaks the rule of names, and for several.
pub(crate) fn of_request(
    headers: &HeaderMap,
    source: Source,
    holder: Option<&str>,
) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request("the header Idempotency-Key may be given once"));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Problem::bad_request("Idempotency-Key: not UTF-8"))?;
    let key = key(text, source, holder).map_err(|error| Problem::bad_request(format!("Idempotency-Key: {error}")))?;
    Ok(Some(key))
}
