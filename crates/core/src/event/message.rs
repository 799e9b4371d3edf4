//! [`Message`]: an encoded event with its id, as bytes that all connections share. Control lines have the same form.
//!
//! A message is one HTTP/1.1 chunk (RFC 9112 7.1) with the event inside (WHATWG HTML 9.2). An outlet with chunks writes
//! [`Message::chunk`], an outlet without them [`Message::sse`]. Both are slices of one buffer.

use std::sync::Arc;

use crate::{
    event::{
        budget::RingBudget,
        event_id::EventId,
        gap::Gap,
        prelude::{cursor_lines, gap_lines},
        target::Target,
    },
    sync::{AtomicU32, Ordering},
};

/// The end of a chunked body.
const FINAL_CHUNK: &[u8] = b"0\r\n\r\n";

/// An event as a receiver sees it.
///
/// [`Message`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The event type, if one was given.
    pub kind: Option<&'a str>,
    /// The id on the stream: the [`EventId`] or the publisher's own.
    pub id: &'a str,
    /// The data, with one LF for each line break.
    pub data: String,
}

/// The immutable bytes of one event, shared by all that have still to send them. Takes one pointer.
///
/// ```
/// use std::sync::Arc;
///
/// use fanfare_core::{Event, EventId, Target, engine::{Draft, RingBudget}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let event = Event::new(Target::All, "12.50\n12.75").with_kind("tick")?;
/// // A hub does this with each publish.
/// let message = Draft::new(event, Arc::new(RingBudget::new(1 << 20))).finish(EventId::new(1_000, 1));
/// assert_eq!(message.sse(), b"event: tick\nid: 1000-1\ndata: 12.50\ndata: 12.75\n\n");
///
/// let fields = message.fields();
/// assert_eq!((fields.kind, fields.id, &*fields.data), (Some("tick"), "1000-1", "12.50\n12.75"));
/// assert_eq!((message.id(), message.targets(), message.is_kept()), (EventId::new(1_000, 1), &[Target::All][..], true));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Message(Arc<Encoded>);

/// The contents of a message.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) id: EventId,
    pub(super) own_id: Option<Box<str>>,
    pub(super) targets: Arc<[Target]>,
    pub(super) is_kept: bool,
    /// See [`Message::kept_bytes`].
    pub(super) kept_bytes: usize,
    pub(super) bytes: Vec<u8>,
    /// The chunk goes from here to the end of `bytes`.
    pub(super) chunk_start: usize,
    /// The event lies between these two.
    pub(super) sse_start: usize,
    pub(super) sse_end: usize,
    /// The number of [`crate::event::charged::Charged`] of this message.
    pub(super) holders: AtomicU32,
    /// The number of shards that have yet to take the message to their connections.
    pub(super) shards_left: AtomicU32,
    /// See [`Message::stamp`].
    pub(super) stamp: u64,
    pub(super) budget: Arc<RingBudget>,
}

impl Message {
    pub(super) fn new(encoded: Encoded) -> Self {
        Self(Arc::new(encoded))
    }

    /// A comment line that shows that the stream is alive.
    pub(crate) fn heartbeat(budget: Arc<RingBudget>) -> Self {
        Self::control(":\n", b"", budget)
    }

    /// The lost events of one connection, each gap as an event of its own.
    pub(crate) fn gaps(gaps: &[Gap], budget: Arc<RingBudget>) -> Self {
        Self::control(&gaps.iter().map(gap_lines).collect::<String>(), b"", budget)
    }

    /// A heartbeat that moves the client's cursor.
    pub(crate) fn cursor(cursor: EventId, budget: Arc<RingBudget>) -> Self {
        Self::control(&cursor_lines(cursor), b"", budget)
    }

    /// The last line of a stream (the time to come back after), then the end of the chunked body.
    pub(crate) fn last_retry(retry_ms: u64, budget: Arc<RingBudget>) -> Self {
        Self::control(&format!("retry: {retry_ms}\n"), FINAL_CHUNK, budget)
    }

    fn control(sse: &str, after: &[u8], budget: Arc<RingBudget>) -> Self {
        let mut bytes = format!("{:x}\r\n", sse.len()).into_bytes();
        let sse_start = bytes.len();
        bytes.extend_from_slice(sse.as_bytes());
        let sse_end = bytes.len();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(after);
        Self::new(Encoded {
            id: EventId::ZERO,
            own_id: None,
            targets: Arc::default(),
            is_kept: false,
            kept_bytes: 0,
            bytes,
            chunk_start: 0,
            sse_start,
            sse_end,
            holders: AtomicU32::new(0),
            shards_left: AtomicU32::new(0),
            stamp: 0,
            budget,
        })
    }

    /// The position in the order of the hub. A control line has none: [`EventId::ZERO`].
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// The time at which the publish began, in the clock of the shell ([`crate::engine::Hub::begin_at`]). 0: not known.
    pub fn stamp(&self) -> u64 {
        self.0.stamp
    }

    /// The message goes to so many shards.
    pub(crate) fn begin_fan_out(&self, shards: usize) {
        // Relaxed: the queue that brings the message to a shard orders it.
        self.0.shards_left.store(u32::try_from(shards).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// A shard has taken the message to all its connections; true for the last one.
    pub(crate) fn end_fan_out(&self) -> bool {
        // Relaxed: a figure for people.
        self.0.shards_left.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// The targets, shared with the message.
    pub(crate) fn shared_targets(&self) -> Arc<[Target]> {
        Arc::clone(&self.0.targets)
    }

    /// The targets of the event. A control line has none.
    pub fn targets(&self) -> &[Target] {
        &self.0.targets
    }

    /// Whether the history may keep the event.
    pub fn is_kept(&self) -> bool {
        self.0.is_kept
    }

    /// The fields of the event, as a receiver reads them.
    ///
    /// [`Message`] has an example.
    pub fn fields(&self) -> Fields<'_> {
        let mut fields = Fields { kind: None, id: "", data: String::with_capacity(self.sse().len()) };
        let mut is_first = true;
        for line in std::str::from_utf8(self.sse()).unwrap_or_default().split('\n') {
            if let Some(data) = line.strip_prefix("data: ") {
                if !std::mem::take(&mut is_first) {
                    fields.data.push('\n');
                }
                fields.data.push_str(data);
            } else if let Some(kind) = line.strip_prefix("event: ") {
                fields.kind = Some(kind);
            } else if let Some(id) = line.strip_prefix("id: ") {
                fields.id = id;
            }
        }
        fields
    }

    /// The reconnection time in milliseconds, if the event sets one.
    pub(super) fn retry_ms(&self) -> Option<u64> {
        let lines = std::str::from_utf8(self.sse()).unwrap_or_default().split('\n');
        let mut head = lines.take_while(|line| !line.starts_with("data:"));
        head.find_map(|line| line.strip_prefix("retry: ")).and_then(|ms| ms.parse().ok())
    }

    /// The publisher's own id, if one was given.
    pub(crate) fn own_id(&self) -> Option<&str> {
        self.0.own_id.as_deref()
    }

    /// The memory that the message takes in a history, roughly: buffer, record, names and list entries (in bytes).
    pub fn kept_bytes(&self) -> usize {
        self.0.kept_bytes
    }

    /// The whole HTTP/1.1 chunk: size, event, CRLF.
    pub fn chunk(&self) -> &[u8] {
        &self.0.bytes[self.0.chunk_start..]
    }

    /// The event alone, as an event stream shows it, with its blank line.
    pub fn sse(&self) -> &[u8] {
        &self.0.bytes[self.0.sse_start..self.0.sse_end]
    }

    /// The length of the chunk. Limits in bytes count this.
    pub fn bytes(&self) -> usize {
        self.0.bytes.len() - self.0.chunk_start
    }

    /// The budget that rings are charged with.
    pub(super) fn budget(&self) -> &Arc<RingBudget> {
        &self.0.budget
    }

    /// Counts one holder more; true for the first.
    pub(super) fn add_holder(&self) -> bool {
        // Relaxed: the count only decides who charges the budget and who gives back.
        self.0.holders.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Counts one holder less; true for the last.
    pub(super) fn remove_holder(&self) -> bool {
        // AcqRel: the holder that charged the budget is removed after that, and the last one sees it. So the budget never goes
        // below zero.
        self.0.holders.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, draft::Draft};

    fn budget() -> Arc<RingBudget> {
        Arc::new(RingBudget::new(1 << 20))
    }

    fn message(event: Event) -> Message {
        Draft::new(event, budget()).finish(EventId::new(7, 1))
    }

    #[test]
    fn fields_are_what_a_receiver_reads() {
        let event = Event::new(Target::All, "a: b\r\nid: 9\n\nevent: x\n").with_kind("k").unwrap();
        let message = message(event.with_own_id("own: 1").unwrap());
        let data = "a: b\nid: 9\n\nevent: x\n".to_owned();
        assert_eq!(message.fields(), Fields { kind: Some("k"), id: "own: 1", data });
        assert_eq!(message.own_id(), Some("own: 1"));
    }

    #[test]
    fn gaps_and_cursors_stand_in_the_form_of_the_contract() {
        let gap = Message::gaps(&[Gap::UNKNOWN_ID], budget());
        let data = r#"{"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#;
        assert_eq!(gap.sse(), format!("event: fanfare.gap\ndata: {data}\n\n").as_bytes());
        assert_eq!(Message::cursor(EventId::new(1, 2), budget()).sse(), b"event: fanfare.cursor\nid: 1-2\ndata:\n\n");
    }

    #[test]
    fn the_last_line_ends_the_chunked_body() {
        let last = Message::last_retry(1234, budget());
        assert_eq!(last.chunk(), b"c\r\nretry: 1234\n\r\n0\r\n\r\n");
        assert_eq!(last.sse(), b"retry: 1234\n");
        assert_eq!(Message::heartbeat(budget()).chunk(), b"2\r\n:\n\r\n");
    }
}
