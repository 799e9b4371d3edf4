//! [`EventStream`]: a stream as `fanfare subscribe` follows it: events as text, and the server's notes in comments.

use std::{borrow::Cow, mem, time::Duration};

use fanfare_sse::{Comment, Item, Limits, Parser};

/// Bytes of one event, or one line; a stream with more is not worth following.
const EVENT_BYTES_MAX: usize = 64 << 20;
static LIMITS: Limits = Limits {
    data_bytes: EVENT_BYTES_MAX,
    id_bytes: EVENT_BYTES_MAX,
    kind_bytes: EVENT_BYTES_MAX,
    comment_bytes: NOTE_BYTES_MAX,
};
/// The beginning of the comment with which a Fanfare server names the connection. Its notes for people follow.
const CONNECTION: &[u8] = b"connection ";
/// Bytes that are kept of a note: more than is shown of one.
const NOTE_BYTES_MAX: usize = 4 << 10;
/// Notes that are kept of one connection; no server has so many.
const NOTES_MAX: usize = 32;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The id that this event itself carries.
    pub(crate) id: Option<String>,
    /// The type; `message` if the event names none.
    pub(crate) kind: String,
    pub(crate) data: String,
}

/// The stream is no event stream that could be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLarge;

/// The state of one event source over all its connections.
#[derive(Debug)]
pub(crate) struct EventStream {
    parser: Parser,
    remarks: Remarks,
}

/// The comments of one connection.
#[derive(Debug, Default)]
struct Remarks {
    has_comment: bool,
    is_connection_named: bool,
    /// The comments behind that of the connection have not ended.
    is_in_notes: bool,
    notes: Vec<String>,
}

impl EventStream {
    /// A source that has seen events up to `last_id`.
    pub(crate) fn after(last_id: String) -> Self {
        Self { parser: Parser::after(&LIMITS, last_id.into_bytes()), remarks: Remarks::default() }
    }

    /// The `Last-Event-ID` of a reconnect; empty: none.
    pub(crate) fn last_id(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.parser.last_id())
    }

    /// The time that the server wants clients to wait before they reconnect.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.parser.retry()
    }

    /// True if a comment has come since the last call.
    pub(crate) fn take_comment(&mut self) -> bool {
        mem::take(&mut self.remarks.has_comment)
    }

    /// The server's notes for a person who reads the stream: the comment lines right behind the one that names the
    /// connection. Each is given once.
    pub(crate) fn take_notes(&mut self) -> Vec<String> {
        mem::take(&mut self.remarks.notes)
    }

    /// Another connection begins; what was left unfinished is thrown away.
    pub(crate) fn reconnect(&mut self) {
        self.parser.reconnect();
        self.remarks = Remarks::default();
    }

    /// The events that `bytes` complete.
    ///
    /// # Errors
    /// An event grows without end.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let Self { parser, remarks } = self;
        let (mut events, mut is_too_large) = (Vec::new(), false);
        parser.feed(bytes, |item| match item {
            Item::Comment(comment) => remarks.take(comment),
            Item::Event(event) => {
                is_too_large |= event.data_bytes > event.data.len() as u64;
                events.push(Event { id: event.id.map(text), kind: text(event.kind), data: text(event.data) });
            }
        });
        is_too_large |= parser.unfinished_bytes() > EVENT_BYTES_MAX as u64;
        if is_too_large { Err(TooLarge) } else { Ok(events) }
    }
}

impl Remarks {
    fn take(&mut self, comment: Comment<'_>) {
        self.has_comment = true;
        self.is_in_notes &= comment.follows_comment;
        if comment.text.starts_with(CONNECTION) && !self.is_connection_named {
            (self.is_connection_named, self.is_in_notes) = (true, true);
        } else if self.is_in_notes && !comment.text.is_empty() && self.notes.len() < NOTES_MAX {
            self.notes.push(text(comment.text));
        } else {
            self.is_in_notes = false;
        }
    }
}

/// Bytes that are no UTF-8 are replaced, as the standard says.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, kind: &str, data: &str) -> Event {
        Event { id: id.map(ToOwned::to_owned), kind: kind.to_owned(), data: data.to_owned() }
    }

    fn new() -> EventStream {
        EventStream::after(String::new())
    }

    #[test]
    fn events_are_text() {
        let events = new().feed("id: ü1\nevent: t\ndata: €\ndata: b\n\ndata: c\n\n".as_bytes()).unwrap();
        assert_eq!(events, [event(Some("ü1"), "t", "€\nb"), event(None, "message", "c")]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(new().feed(b"data: a\xffb\n\n").unwrap(), [event(None, "message", "a\u{fffd}b")]);
    }

    #[test]
    fn an_id_that_is_not_utf8_is_sent_back_as_it_was_read() {
        let mut stream = new();
        stream.feed(b"id: a\xffb\n\n").unwrap();
        assert_eq!(stream.last_id(), "a\u{fffd}b");
    }

    #[test]
    fn a_comment_is_told_once() {
        let mut stream = new();
        for (bytes, has_comment) in
            [("data: a\n\n", false), (":", false), ("\n", true), ("id: 1\n", false), (": x\n", true)]
        {
            stream.feed(bytes.as_bytes()).unwrap();
            assert_eq!(stream.take_comment(), has_comment, "{bytes:?}");
        }
    }

    #[test]
    fn what_the_server_tells_a_person_stands_behind_the_connection() {
        for (stream, notes) in [
            ("retry: 1\n: connection 7 client a\n: one\n:two: x\nevent: t\n: no\n", &["one", "two: x"][..]),
            (": connection 7 client a\n: one\n\n: no\n", &["one"]),
            (": connection 7 client a\n:\n: no\n", &[]),
            (": connection 7 client a\n: connection refused\n", &["connection refused"]),
            ("data: a\n\n:\n: connection 7 client a\n: late\n\n: connection 8\n: no\n", &["late"]),
            (": welcome\n: to another server\n\n", &[]),
        ] {
            let mut source = new();
            source.feed(stream.as_bytes()).unwrap();
            assert_eq!(source.take_notes(), notes, "{stream:?}");
            assert_eq!(source.take_notes(), [""; 0]);
        }
        let mut stream = new();
        stream.feed(format!(": connection 1\n{}", ": x\n".repeat(NOTES_MAX + 1)).as_bytes()).unwrap();
        assert_eq!(stream.take_notes().len(), NOTES_MAX);
        stream.reconnect();
        stream.feed(b": connection 2\n: again\n").unwrap();
        assert_eq!(stream.take_notes(), ["again"]);
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let mut stream = new();
        let piece = vec![b'x'; EVENT_BYTES_MAX / 2];
        assert_eq!(stream.feed(&piece), Ok(Vec::new()));
        assert_eq!(stream.feed(&piece), Ok(Vec::new()));
        assert_eq!(stream.feed(b"x"), Err(TooLarge));
        let mut stream = new();
        stream.feed(b"data:").unwrap();
        stream.feed(&piece).unwrap();
        assert_eq!(stream.feed(&[&*piece, b"x\n\n"].concat()), Err(TooLarge), "although it ends");
    }
}
