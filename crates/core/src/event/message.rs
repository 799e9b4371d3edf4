//! [`Message`]: an event encoded once, as bytes that every connection shares; and the only place where
//! bytes of an event stream are made (WHATWG HTML 9.2), control lines among them.
//!
//! A message is one HTTP/1.1 chunk (RFC 9112 7.1) with the event inside, so an outlet that frames chunks
//! writes [`Message::chunk`] and one that does not writes [`Message::sse`]: both are slices of one buffer.

use std::{fmt, io::Write as _, sync::Arc};

use memchr::memchr2;

use crate::{
    event::{
        Event,
        budget::RingBudget,
        event_id::EventId,
        gap::Gap,
        prelude::{cursor_lines, gap_lines},
        target::Target,
    },
    sync::{AtomicU32, Ordering},
};

/// Ends a chunked body.
const FINAL_CHUNK: &[u8] = b"0\r\n\r\n";
/// The record of an event and its allocations.
const KEPT_RECORD_BYTES: usize = 192;
/// A target of an event, without its name: its place in the event, and the event's in the target's history.
const KEPT_TARGET_BYTES: usize = 96;
/// Sixteen hexadecimal digits and CRLF.
const CHUNK_HEAD_BYTES_MAX: usize = 16 + 2;

/// An event encoded but for its id: what the journal's critical section finishes in constant time.
#[derive(Debug)]
pub struct Draft {
    /// Headroom for chunk head, event line and id line; then the rest of the event; then the chunk's CRLF.
    bytes: Vec<u8>,
    headroom: usize,
    kind_line: Vec<u8>,
    own_id: Option<Box<str>>,
    targets: Box<[Target]>,
    kept: bool,
    kept_bytes: usize,
    budget: Arc<RingBudget>,
}

impl Draft {
    /// Encodes `event`; the budget is the one of the hub that will hold it.
    pub fn new(event: Event, budget: Arc<RingBudget>) -> Self {
        let kind_line = event.kind().map(|kind| format!("event: {kind}\n").into_bytes()).unwrap_or_default();
        let id_bytes_max = event.own_id().map_or(EventId::TEXT_MAX, str::len);
        let headroom = CHUNK_HEAD_BYTES_MAX + kind_line.len() + "id: \n".len() + id_bytes_max;
        let retry_line = event.retry_ms().map(|ms| format!("retry: {ms}\n")).unwrap_or_default();

        let data = event.data().as_bytes();
        let lines = 1 + memchr::memchr2_iter(b'\n', b'\r', data).count();
        let mut bytes =
            Vec::with_capacity(headroom + retry_line.len() + data.len() + lines * "data: \n".len() + "\n\r\n".len());
        bytes.resize(headroom, 0);
        bytes.extend_from_slice(retry_line.as_bytes());
        push_data_lines(&mut bytes, data);
        bytes.extend_from_slice(b"\n\r\n");

        let (own_id, kept) = (event.own_id().map(Box::<str>::from), event.is_kept());
        let targets = event.into_targets();
        let own_id_bytes = own_id.as_ref().map_or(0, |own_id| 2 * own_id.len() + KEPT_TARGET_BYTES * targets.len());
        let each = |target: &Target| KEPT_TARGET_BYTES + target.name_bytes();
        let kept_bytes = KEPT_RECORD_BYTES + bytes.capacity() + own_id_bytes + targets.iter().map(each).sum::<usize>();
        Self { bytes, headroom, kind_line, own_id, targets, kept, kept_bytes, budget }
    }

    /// At least as long as the message will be, in bytes: what to reserve for it.
    pub fn bytes_max(&self) -> usize {
        self.bytes.len()
    }

    /// Where it goes.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Puts the id line and the chunk's size in front. Constant time: it moves no data.
    pub fn finish(mut self, id: EventId) -> Message {
        let sse_end = self.bytes.len() - "\r\n".len();
        let mut start = self.headroom;
        let mut put_before = |part: &[u8]| {
            start -= part.len();
            self.bytes[start..start + part.len()].copy_from_slice(part);
            start
        };
        let mut line = [0; "id: \n".len() + EventId::TEXT_MAX];
        match &self.own_id {
            Some(own_id) => {
                put_before(b"\n");
                put_before(own_id.as_bytes());
                put_before(b"id: ");
            }
            None => {
                put_before(print(&mut line, format_args!("id: {id}\n")));
            }
        }
        let sse_start = put_before(&self.kind_line);
        let chunk_start = put_before(print(&mut line, format_args!("{:x}\r\n", sse_end - sse_start)));
        Message(Arc::new(Encoded {
            id,
            own_id: self.own_id,
            targets: self.targets,
            kept: self.kept,
            kept_bytes: self.kept_bytes,
            bytes: self.bytes,
            chunk_start,
            sse_start,
            sse_end,
            holders: AtomicU32::new(0),
            budget: self.budget,
        }))
    }
}

/// Formats into `space`, which must be large enough, and returns what was written.
fn print<'a>(space: &'a mut [u8], text: fmt::Arguments<'_>) -> &'a [u8] {
    let mut cursor = std::io::Cursor::new(space);
    let fits = cursor.write_fmt(text).is_ok();
    debug_assert!(fits, "the longest line was not allowed for");
    let len = usize::try_from(cursor.position()).unwrap_or(0);
    &cursor.into_inner()[..len]
}

/// One `data: ` line for each line of `data`, whether it ended in LF, CR or CRLF; empty data is one empty line.
fn push_data_lines(bytes: &mut Vec<u8>, mut data: &[u8]) {
    loop {
        bytes.extend_from_slice(b"data: ");
        let Some(end) = memchr2(b'\n', b'\r', data) else {
            bytes.extend_from_slice(data);
            bytes.push(b'\n');
            return;
        };
        bytes.extend_from_slice(&data[..end]);
        bytes.push(b'\n');
        let break_bytes = if data[end..].starts_with(b"\r\n") { 2 } else { 1 };
        data = &data[end + break_bytes..];
    }
}

/// An event as a receiver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The event type, if one was given.
    pub kind: Option<&'a str>,
    /// The id on the stream: the [`EventId`], or the publisher's own.
    pub id: &'a str,
    /// The data; every line break is one LF.
    pub data: String,
}

/// Immutable bytes of one event, shared by everybody who still has to send them. One pointer.
#[derive(Clone, Debug)]
pub struct Message(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    id: EventId,
    own_id: Option<Box<str>>,
    targets: Box<[Target]>,
    kept: bool,
    kept_bytes: usize,
    bytes: Vec<u8>,
    chunk_start: usize,
    sse_start: usize,
    sse_end: usize,
    /// How many rings hold it; see [`Held`].
    holders: AtomicU32,
    budget: Arc<RingBudget>,
}

impl Message {
    /// The comment line that says the stream is alive.
    pub(crate) fn heartbeat(budget: Arc<RingBudget>) -> Self {
        Self::control(":\n", b"", budget)
    }

    /// What one connection has lost, each gap an event.
    pub(crate) fn gaps(gaps: &[Gap], budget: Arc<RingBudget>) -> Self {
        Self::control(&gaps.iter().map(gap_lines).collect::<String>(), b"", budget)
    }

    /// A heartbeat that tells the client its cursor.
    pub(crate) fn cursor(cursor: EventId, budget: Arc<RingBudget>) -> Self {
        Self::control(&cursor_lines(cursor), b"", budget)
    }

    /// The last line of a stream, when to come back, with the end of the chunked body behind it.
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
        Self(Arc::new(Encoded {
            id: EventId::ZERO,
            own_id: None,
            targets: Box::default(),
            kept: false,
            kept_bytes: 0,
            bytes,
            chunk_start: 0,
            sse_start,
            sse_end,
            holders: AtomicU32::new(0),
            budget,
        }))
    }

    /// Its place in the hub's order; [`EventId::ZERO`] for a control line, which has none.
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// Where it goes; empty for a control line.
    pub fn targets(&self) -> &[Target] {
        &self.0.targets
    }

    /// Whether the journal may keep it.
    pub fn is_kept(&self) -> bool {
        self.0.kept
    }

    /// The fields of the event, as a receiver reads them.
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

    /// The same event with other data and without a type.
    pub(crate) fn with_data(&self, data: String) -> Self {
        let event = Event::relayed(&self.0.targets, data, self.own_id(), self.retry_ms(), self.is_kept());
        Draft::new(event, Arc::clone(&self.0.budget)).finish(self.id())
    }

    /// The reconnection time that it tells.
    fn retry_ms(&self) -> Option<u64> {
        let lines = std::str::from_utf8(self.sse()).unwrap_or_default().split('\n');
        let mut head = lines.take_while(|line| !line.starts_with("data:"));
        head.find_map(|line| line.strip_prefix("retry: ")).and_then(|ms| ms.parse().ok())
    }

    /// The id that its publisher gave it.
    pub(crate) fn own_id(&self) -> Option<&str> {
        self.0.own_id.as_deref()
    }

    /// What it takes of memory, in bytes, about: its buffer, its record, its names, and its places in a journal.
    pub fn kept_bytes(&self) -> usize {
        self.0.kept_bytes
    }

    /// The whole HTTP/1.1 chunk: size, event, CRLF.
    pub fn chunk(&self) -> &[u8] {
        &self.0.bytes[self.0.chunk_start..]
    }

    /// The event alone, as it stands in an event stream, its blank line included.
    pub fn sse(&self) -> &[u8] {
        &self.0.bytes[self.0.sse_start..self.0.sse_end]
    }

    /// What it counts against limits: the bytes of its chunk.
    pub fn bytes(&self) -> usize {
        self.0.bytes.len() - self.0.chunk_start
    }
}

/// A message in a ring: counted in the hub's budget once, however many rings hold it.
#[derive(Debug)]
pub(crate) struct Held(Message);

impl Held {
    pub(crate) fn new(message: Message) -> Self {
        // Relaxed: the counter only decides who adds and who subtracts; see `drop` for what they do to the budget.
        if message.0.holders.fetch_add(1, Ordering::Relaxed) == 0 {
            message.0.budget.add(message.bytes());
        }
        Self(message)
    }

    pub(crate) fn message(&self) -> &Message {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // AcqRel: who added lets go after it, and the last one sees that, so the budget never goes below zero.
        if self.0.0.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.0.budget.sub(self.0.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Arc<RingBudget> {
        Arc::new(RingBudget::new(1 << 20))
    }

    fn message(event: Event) -> Message {
        Draft::new(event, budget()).finish(EventId::new(7, 1))
    }

    #[test]
    fn what_is_queued_is_one_pointer() {
        assert_eq!(size_of::<Message>(), size_of::<usize>());
        assert_eq!(size_of::<Held>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Held>>(), size_of::<usize>());
    }

    #[test]
    fn fields_stand_in_the_order_of_the_contract() {
        let event = Event::new(Target::All, "a\r\nb\rc\n").with_kind("k").unwrap().with_retry_ms(100).unwrap();
        let message = message(event);
        let sse = "event: k\nid: 7-1\nretry: 100\ndata: a\ndata: b\ndata: c\ndata: \n\n";
        assert_eq!(std::str::from_utf8(message.sse()), Ok(sse));
        assert_eq!(message.chunk(), format!("{:x}\r\n{sse}\r\n", sse.len()).as_bytes());
        assert_eq!(message.bytes(), message.chunk().len());
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
    fn an_own_id_takes_the_place_of_the_event_id() {
        let message = message(Event::new(Target::All, "").with_own_id("order 7").unwrap());
        assert_eq!(message.sse(), b"id: order 7\ndata: \n\n");
        assert_eq!(message.id(), EventId::new(7, 1));
    }

    #[test]
    fn the_longest_id_and_an_empty_event_fit_the_headroom() {
        let longest = EventId::new(u64::MAX, u64::MAX);
        let message = Draft::new(Event::new(Target::All, ""), budget()).finish(longest);
        assert_eq!(message.sse(), format!("id: {longest}\ndata: \n\n").as_bytes());
    }

    #[test]
    fn the_last_line_ends_the_chunked_body() {
        let last = Message::last_retry(1234, budget());
        assert_eq!(last.chunk(), b"c\r\nretry: 1234\n\r\n0\r\n\r\n");
        assert_eq!(last.sse(), b"retry: 1234\n");
        assert_eq!(Message::heartbeat(budget()).chunk(), b"2\r\n:\n\r\n");
    }

    #[test]
    fn a_message_in_two_rings_is_counted_once() {
        let budget = budget();
        let message = Draft::new(Event::new(Target::All, "x"), Arc::clone(&budget)).finish(EventId::ZERO);
        let (one, two) = (Held::new(message.clone()), Held::new(message.clone()));
        assert_eq!(budget.held_bytes(), message.bytes());
        drop(one);
        assert_eq!(budget.held_bytes(), message.bytes());
        drop(two);
        assert_eq!(budget.held_bytes(), 0);
    }
}
