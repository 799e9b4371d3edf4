//! The two event streams: `events`, the figures as they change for all dashboards, and `tail`, the events of channels.

pub(crate) mod events;
pub(crate) mod pulse;
pub(crate) mod tail;

use bytes::Bytes;
use serde_json::Value;

/// One event of a stream. JSON has no line break, so the data is one line.
fn event(kind: &str, data: &Value) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}

/// A line that shows that the stream is alive.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");
