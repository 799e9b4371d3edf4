//! [`Draft`]: an event that is encoded but for its id. Gives a [`Message`] once the id is known.

use std::{fmt, io::Write as _, sync::Arc};

use memchr::memchr2;

use crate::{
    event::{
        Event,
        budget::RingBudget,
        event_id::EventId,
        message::{Encoded, Message},
        name::Channel,
        target::Target,
    },
    sync::AtomicU32,
};

/// Bytes of memory of an event's record and its allocations.
const KEPT_RECORD_BYTES: usize = 192;
/// Bytes of memory of one target of an event, without the name: the target in the event, the event in the target's history, and its
/// entry in the order of all events.
const KEPT_TARGET_BYTES: usize = 144;
/// The longest size line of a chunk: sixteen hexadecimal digits and CRLF.
const CHUNK_HEAD_BYTES_MAX: usize = 16 + 2;

/// An event that is encoded but for its id. The order finishes it under its lock in constant time.
///
/// [`Message`] has an example.
#[derive(Debug)]
pub struct Draft {
    /// Headroom for chunk head, event line and id line, then the rest of the event, then the chunk's CRLF.
    bytes: Vec<u8>,
    headroom: usize,
    kind_line: Vec<u8>,
    own_id: Option<Box<str>>,
    targets: Arc<[Target]>,
    is_kept: bool,
    is_purge: bool,
    stamp: u64,
    kept_bytes: usize,
    budget: Arc<RingBudget>,
}

impl Draft {
    /// Encodes `event` for the hub with this budget.
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

        let (own_id, is_kept) = (event.own_id().map(Box::<str>::from), event.is_kept());
        let is_purge = event.purges().is_some();
        let targets = event.into_targets();
        let own_id_bytes = own_id.as_ref().map_or(0, |own_id| 2 * own_id.len() + KEPT_TARGET_BYTES * targets.len());
        let each = |target: &Target| KEPT_TARGET_BYTES + target.name_bytes();
        let kept_bytes = KEPT_RECORD_BYTES + bytes.capacity() + own_id_bytes + targets.iter().map(each).sum::<usize>();
        let stamp = 0;
        Self { bytes, headroom, kind_line, own_id, targets, is_kept, is_purge, stamp, kept_bytes, budget }
    }

    /// Sets the time at which the publish began ([`Message::stamp`]).
    pub(crate) fn stamped(mut self, stamp: u64) -> Self {
        self.stamp = stamp;
        self
    }

    /// The event of `message` with other data and without a type.
    pub(crate) fn with_data(message: &Message, data: String) -> Self {
        let (own_id, retry_ms) = (message.own_id(), message.retry_ms());
        let event = Event::relayed(message.targets(), data, own_id, retry_ms, message.is_kept());
        Self::new(event, Arc::clone(message.budget()))
    }

    /// The longest the message can become, in bytes. Space for the message is reserved by this.
    pub fn bytes_max(&self) -> usize {
        self.bytes.len()
    }

    /// The targets of the event.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The channel whose older events go, if the event is a purge ([`Event::purge`]).
    pub(crate) fn purges(&self) -> Option<&Channel> {
        match &*self.targets {
            [Target::Channel(channel)] if self.is_purge => Some(channel),
            _ => None,
        }
    }

    /// Puts the id line and the chunk's size in front. Takes constant time: the data does not move.
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
        Message::new(Encoded {
            id,
            own_id: self.own_id,
            targets: self.targets,
            is_kept: self.is_kept,
            kept_bytes: self.kept_bytes,
            bytes: self.bytes,
            chunk_start,
            sse_start,
            sse_end,
            holders: AtomicU32::new(0),
            shards_left: AtomicU32::new(0),
            stamp: self.stamp,
            budget: self.budget,
        })
    }
}

/// Formats into `space`, which must be large enough, and returns the written part.
fn print<'a>(space: &'a mut [u8], text: fmt::Arguments<'_>) -> &'a [u8] {
    let mut cursor = std::io::Cursor::new(space);
    let fits = cursor.write_fmt(text).is_ok();
    debug_assert!(fits, "the longest line fits");
    let len = usize::try_from(cursor.position()).unwrap_or(0);
    &cursor.into_inner()[..len]
}

/// Appends a `data: ` line for each line of `data`. Lines end in LF, CR or CRLF. Empty data is one empty line.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Arc<RingBudget> {
        Arc::new(RingBudget::new(0))
    }

    fn message(event: Event) -> Message {
        Draft::new(event, budget()).finish(EventId::new(7, 1))
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
}
