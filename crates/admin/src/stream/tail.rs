//! The stream of a tail: the events of channels as they come, with what is lost.

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use fanfare_http::{Channel, Follow, Message, Pattern, Told};
use futures_util::stream;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    answer::{
        self,
        body::{self, Body},
        problem::Problem,
        words,
    },
    console::Console,
    operate::Operate,
    request::query::{Query, wrong_name},
    stream::{HEARTBEAT, event, events::KIND},
};

pub(crate) const PARAMETERS: [&str; 1] = ["channel"];

/// Channels and patterns of one tail. A person reads no more at a time.
const CHANNELS_MAX: usize = 16;
/// Bytes of the data of one event. More is cut off: a tail is for a look.
const DATA_BYTES_MAX: usize = 16 << 10;
/// The time after which a silent tail shows that it is alive.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// # Errors
/// [`Problem`]: 400, or 503 if there is no room.
pub(crate) async fn tail<O: Operate, C: 'static>(
    console: &Rc<Console<O, C>>,
    query: &Query,
) -> Result<Response<Body>, Problem> {
    let follow = follow(query)?;
    let place = console.stream()?;
    let events = console.handle.subscribe(follow).await?;
    let tail = (events, console.stopping(), place);
    // The first line goes out at once: whoever reads it knows that nothing that comes later is missed.
    let parts = stream::unfold((Some(HEARTBEAT), tail), |(first, (mut events, mut stopping, place))| async move {
        let part = match first {
            Some(first) => first,
            None => tokio::select! {
                biased;
                _ = stopping.wait_for(|is| *is) => return None,
                told = events.next() => shown(&told?.ok()?),
                () = sleep(HEARTBEAT_EVERY) => HEARTBEAT,
            },
        };
        Some((part, (None, (events, stopping, place))))
    });
    Ok(answer::with_body(StatusCode::OK, KIND, body::parts(parts)))
}

fn follow(query: &Query) -> Result<Follow, Problem> {
    let names: Vec<_> = query.all("channel").collect();
    if !(1..=CHANNELS_MAX).contains(&names.len()) {
        return Err(Problem::bad_request(format!("channel: 1 to {CHANNELS_MAX} channels or patterns are needed")));
    }
    let (mut channels, mut patterns): (Vec<Channel>, Vec<Pattern>) = (Vec::new(), Vec::new());
    for name in names {
        let pattern = Pattern::subscribed(name).map_err(|error| wrong_name("channel", error))?;
        match pattern.channel() {
            Some(channel) => channels.push(channel),
            None => patterns.push(pattern),
        }
    }
    Ok(Follow { patterns, ..Follow::channels(channels) })
}

fn shown(told: &Told) -> Bytes {
    match told {
        Told::Event(message) => event("event", &message_shown(message)),
        Told::Gaps(gaps) => gaps.iter().flat_map(|gap| event("gap", &words::gap(gap))).collect(),
    }
}

fn message_shown(message: &Message) -> Value {
    let (fields, id) = (message.fields(), message.id().to_string());
    json!({
        "id": id,
        "own_id": Some(fields.id).filter(|own_id| *own_id != id),
        "event": fields.kind,
        "targets": message.targets().iter().map(words::target).collect::<Vec<_>>(),
        "data": beginning(&fields.data),
        "data_bytes": fields.data.len(),
    })
}

/// The beginning of the data, of whole characters.
fn beginning(data: &str) -> &str {
    &data[..data.floor_char_boundary(DATA_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_cut_between_characters() {
        assert_eq!(beginning("short"), "short");
        assert_eq!(beginning(&"x".repeat(DATA_BYTES_MAX + 1)).len(), DATA_BYTES_MAX);
        assert_eq!(beginning(&format!("x{}", "ä".repeat(DATA_BYTES_MAX))).len(), DATA_BYTES_MAX - 1);
    }
}
