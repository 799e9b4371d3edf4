//! A publish by hand.

use fanfare_http::{Channel, ClientId, Event, Handle, Receipt, Target, Wait, core::Outcome};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value, json};
use tracing::info;

use crate::{
    answer::problem::Problem,
    request::query::{Query, wrong_name},
};

pub(crate) const PARAMETERS: [&str; 1] = ["wait"];

/// As many as one event may have on the public listener.
const CHANNELS_MAX: usize = 128;

/// The body: the same members as a line of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "given")]
    channel: Option<String>,
    #[serde(default, deserialize_with = "given")]
    channels: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    client: Option<String>,
    #[serde(default, deserialize_with = "given")]
    all: Option<bool>,
    data: String,
    #[serde(default, deserialize_with = "given")]
    event: Option<String>,
    #[serde(default, deserialize_with = "given")]
    id: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    retry: Option<u64>,
    #[serde(default = "kept")]
    keep: bool,
}

fn kept() -> bool {
    true
}

/// A member that is there has a value: null is none.
fn given<'a, T: Deserialize<'a>, D: Deserializer<'a>>(member: D) -> Result<Option<T>, D::Error> {
    T::deserialize(member).map(Some)
}

/// A whole number, however it is written: JSON Schema takes 562.0 for an integer.
fn whole<'a, D: Deserializer<'a>>(member: D) -> Result<Option<u64>, D::Error> {
    let number = Number::deserialize(member)?;
    let written_otherwise =
        || number.as_f64().filter(|value| value.fract() == 0.0).and_then(|value| format!("{value}").parse().ok());
    let whole = number.as_u64().or_else(written_otherwise);
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("retry: {number} is no whole number of milliseconds")))
}

pub(crate) fn wait(query: &Query) -> Result<Wait, Problem> {
    match query.one("wait") {
        None | Some("journal") => Ok(Wait::Journal),
        Some("written") => Ok(Wait::Written),
        Some(other) => Err(Problem::bad_request(format!("wait: journal or written is needed, not {other:?}"))),
    }
}

pub(crate) async fn publish(handle: &Handle, body: &[u8], wait: Wait) -> Result<Value, Problem> {
    let body = serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    let receipt = handle.publish(event(body)?, wait).await?;
    info!(id = %receipt.id, matched = receipt.matched, "admin: an event was published");
    Ok(shown(&receipt))
}

fn event(body: Body) -> Result<Event, Problem> {
    let wrong = |error| Problem::bad_request(format!("{error}"));
    let mut event = Event::for_targets(targets(&body)?, body.data).map_err(wrong)?;
    if let Some(kind) = &body.event {
        event = event.with_kind(kind).map_err(wrong)?;
    }
    if let Some(id) = &body.id {
        event = event.with_own_id(id).map_err(wrong)?;
    }
    if let Some(retry_ms) = body.retry {
        event = event.with_retry_ms(retry_ms).map_err(wrong)?;
    }
    Ok(if body.keep { event } else { event.live_only() })
}

fn targets(body: &Body) -> Result<Vec<Target>, Problem> {
    let channel = |name: &String| Channel::new(name).map(Target::Channel).map_err(|error| wrong_name("channel", error));
    match (&body.channel, &body.channels, &body.client, body.all) {
        (Some(name), None, None, None) => Ok(vec![channel(name)?]),
        (None, Some(names), None, None) if (1..=CHANNELS_MAX).contains(&names.len()) => {
            names.iter().map(channel).collect()
        }
        (None, Some(_), None, None) => {
            Err(Problem::bad_request(format!("channels: 1 to {CHANNELS_MAX} names are needed")))
        }
        (None, None, Some(name), None) => {
            let client = ClientId::new(name).map_err(|error| wrong_name("client", error))?;
            Ok(vec![Target::Client(client)])
        }
        (None, None, None, Some(true)) => Ok(vec![Target::All]),
        _ => Err(Problem::bad_request("exactly one of channel, channels, client and \"all\": true is needed")),
    }
}

fn shown(receipt: &Receipt) -> Value {
    let outcome = receipt.outcome.map(
        |Outcome { written, queued, dropped }| json!({ "written": written, "queued": queued, "dropped": dropped }),
    );
    json!({ "id": receipt.id.to_string(), "matched": receipt.matched, "outcome": outcome })
}
