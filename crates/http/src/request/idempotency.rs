//! The idempotency keys of publishers: their place in a request, and the scope that tells equal keys apart.

use fanfare_core::{IdempotencyKey, NameError};
use hyper::{HeaderMap, header::HeaderName};

use crate::{answer::problem::Problem, config::Config};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The way by which an event comes. Each way has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The routes that take a body for a target.
    Publish,
    /// A hello to a client.
    Ping,
    /// A line of a batch.
    Batch,
}

/// The key `text` of an event that comes this way.
///
/// # Errors
/// [`NameError`] says which rule of names it breaks.
pub(crate) fn key(text: &str, way: Way, config: &Config) -> Result<IdempotencyKey, NameError> {
    // Whoever gets as far as this has shown the publish key, if there is one.
    let scope = match (way, config.publish_key.is_some()) {
        (Way::Publish, false) => "publish",
        (Way::Ping, false) => "ping",
        (Way::Batch, false) => "batch",
        (Way::Publish, true) => "publish with the key",
        (Way::Ping, true) => "ping with the key",
        (Way::Batch, true) => "batch with the key",
    };
    IdempotencyKey::new(text, scope)
}

/// The key in the header of a request, if there is one.
///
/// # Errors
/// 400 for one that breaks the rule of names, and for several.
pub(crate) fn of_request(headers: &HeaderMap, way: Way, config: &Config) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request("the header Idempotency-Key may be given once"));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Problem::bad_request("Idempotency-Key: not UTF-8"))?;
    let key = key(text, way, config).map_err(|error| Problem::bad_request(format!("Idempotency-Key: {error}")))?;
    Ok(Some(key))
}
