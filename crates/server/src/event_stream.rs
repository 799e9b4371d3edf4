//! [`Parser`]: reads an event stream by WHATWG HTML 9.2.6, in pieces of any size. The parser keeps the last event id
//! and the reconnection time, which a reconnect needs.

use std::{mem, time::Duration};

/// Most bytes of one event or line. A stream with more is not followed.
const EVENT_BYTES_MAX: usize = 64 << 20;
/// Beginning of the comment in which a Fanfare server names the connection. Its notes for people follow.
const CONNECTION: &str = "connection ";
/// Most notes that are kept of one connection, more than any server has.
const NOTES_MAX: usize = 32;
/// The mark that a browser skips at the beginning of a stream.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The id that this event itself carries.
    pub(crate) id: Option<String>,
    /// Its type. `message` if the event names none.
    pub(crate) kind: String,
    pub(crate) data: String,
}

/// Error: the stream has an event that is too large to follow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLarge;

/// The state of one event source over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    is_after_cr: bool,
    has_first_line: bool,
    data: String,
    kind: String,
    id: Option<String>,
    last_id: String,
    retry: Option<Duration>,
    has_comment: bool,
    is_connection_named: bool,
    /// The comments behind the connection's name have not ended.
    is_in_notes: bool,
    notes: Vec<String>,
}

impl Parser {
    /// A source that has seen events up to `last_id`.
    pub(crate) fn after(last_id: String) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// The value of `Last-Event-ID`. Empty for none.
    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The wait before a reconnect that the server asks for.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Whether a comment has come since the last call.
    pub(crate) fn take_comment(&mut self) -> bool {
        mem::take(&mut self.has_comment)
    }

    /// The server's notes for a person: the comment lines right behind the one that names the connection. Each is
    /// returned once.
    pub(crate) fn take_notes(&mut self) -> Vec<String> {
        mem::take(&mut self.notes)
    }

    /// Begins another connection. An unfinished event is dropped.
    pub(crate) fn reconnect(&mut self) {
        *self = Self { last_id: mem::take(&mut self.last_id), retry: self.retry, ..Self::default() };
    }

    /// The events that `bytes` complete.
    ///
    /// # Errors
    /// An event exceeds the limit.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        while let Some(&first) = bytes.first() {
            if mem::take(&mut self.is_after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.line.len() + self.data.len() > EVENT_BYTES_MAX {
                return Err(TooLarge);
            }
            let Some(end) = end else { break };
            self.is_after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_line());
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let whole = mem::take(&mut self.line);
        let is_first = !mem::replace(&mut self.has_first_line, true);
        let line = whole.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first).unwrap_or(&whole);
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            self.is_in_notes = false;
            return self.dispatch();
        }
        match line.split_once(':') {
            Some(("", comment)) => self.comment(comment.strip_prefix(' ').unwrap_or(comment)),
            Some((field, value)) => self.field(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.field(&line, ""),
        }
        None
    }

    fn comment(&mut self, comment: &str) {
        self.has_comment = true;
        if comment.starts_with(CONNECTION) && !self.is_connection_named {
            (self.is_connection_named, self.is_in_notes) = (true, true);
        } else if self.is_in_notes && !comment.is_empty() && self.notes.len() < NOTES_MAX {
            self.notes.push(comment.to_owned());
        } else {
            self.is_in_notes = false;
        }
    }

    fn field(&mut self, field: &str, value: &str) {
        self.is_in_notes = false;
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                // More digits than a number holds mean: practically never.
                self.retry = Some(Duration::from_millis(value.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let (id, mut data, kind) = (self.id.take(), mem::take(&mut self.data), mem::take(&mut self.kind));
        // The id counts even without an event.
        if let Some(id) = &id {
            self.last_id.clone_from(id);
        }
        // The LF of the last line. Without one there is no data field and no event.
        data.pop()?;
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(Event { id, kind, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, kind: &str, data: &str) -> Event {
        Event { id: id.map(ToOwned::to_owned), kind: kind.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn streams_read_as_the_standard_says() {
        let cases: &[(&str, &[Event])] = &[
            ("data: a\n\n", &[event(None, "message", "a")]),
            ("\u{feff}data:a\r\rdata:  b\r\n\r\n", &[event(None, "message", "a"), event(None, "message", " b")]),
            ("\u{feff}\u{feff}data: a\n\n", &[]),
            (":\u{feff}\n\u{feff}data: a\n\n", &[]),
            ("data: a\ndata\ndata: b\nid: 1\nevent: t\n\n", &[event(Some("1"), "t", "a\n\nb")]),
            ("data\n\ndata\ndata\n\ndata:", &[event(None, "message", ""), event(None, "message", "\n")]),
            ("event: t\nid: 1\n\ndata: a\n\n", &[event(None, "message", "a")]),
            (": note\nData: x\ndata : y\nfoo: z\n\n", &[]),
            ("id: a\0b\ndata: x\n\nid\ndata: y\n\n", &[event(None, "message", "x"), event(Some(""), "message", "y")]),
            ("data: unfinished\n", &[]),
            ("event: a:b\ndata: ü:€\n\n", &[event(None, "a:b", "ü:€")]),
        ];
        for (stream, expected) in cases {
            assert_eq!(Parser::default().feed(stream.as_bytes()).unwrap(), *expected, "{stream:?}");
        }
    }

    #[test]
    fn it_does_not_matter_where_a_stream_is_cut() {
        let stream = "\u{feff}: hello\r\nretry: 250\r\rid: ü1\r\nevent: t\rdata: €\ndata: b\r\n\r\ndata: c\n\ndata\r\r";
        let whole = Parser::default().feed(stream.as_bytes()).unwrap();
        assert_eq!(whole.len(), 3);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut parser = Parser::default();
                let parts =
                    [&stream.as_bytes()[..first], &stream.as_bytes()[first..second], &stream.as_bytes()[second..]];
                let events: Vec<_> = parts.into_iter().flat_map(|part| parser.feed(part).unwrap()).collect();
                assert_eq!(events, whole, "cut at {first} and {second}");
                assert_eq!(parser.last_id(), "ü1");
                assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(Parser::default().feed(b"data: a\xffb\n\n").unwrap(), [event(None, "message", "a\u{fffd}b")]);
    }

    #[test]
    fn the_last_id_outlives_events_without_one_and_the_connection() {
        let mut parser = Parser::after("0".to_owned());
        parser.feed(b"data: a\n\n").unwrap();
        assert_eq!(parser.last_id(), "0");
        parser.feed(b"id: 1\n\ndata: b\n\nid: 2\ndata: unfinished").unwrap();
        assert_eq!(parser.last_id(), "1");
        parser.reconnect();
        assert_eq!(parser.feed(b"\n\ndata: c\n\n").unwrap(), [event(None, "message", "c")]);
        assert_eq!(parser.last_id(), "1");
        parser.feed(b"id\n\n").unwrap();
        assert_eq!(parser.last_id(), "");
    }

    #[test]
    fn only_digits_are_a_retry() {
        let mut parser = Parser::default();
        for bad in ["retry\n", "retry: \n", "retry: 1s\n", "retry: -1\n", "retry: +1\n", "retry:  1\n"] {
            parser.feed(bad.as_bytes()).unwrap();
            assert_eq!(parser.retry(), None, "{bad:?}");
        }
        parser.feed(b"retry: 99999999999999999999999\n").unwrap();
        assert_eq!(parser.retry(), Some(Duration::from_millis(u64::MAX)));
        parser.feed(b"retry:7\n").unwrap();
        parser.reconnect();
        assert_eq!(parser.retry(), Some(Duration::from_millis(7)));
    }

    #[test]
    fn a_comment_is_told_once() {
        let mut parser = Parser::default();
        for (bytes, has_comment) in
            [("data: a\n\n", false), (":", false), ("\n", true), ("id: 1\n", false), (": x\n", true)]
        {
            parser.feed(bytes.as_bytes()).unwrap();
            assert_eq!(parser.take_comment(), has_comment, "{bytes:?}");
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
            let mut parser = Parser::default();
            parser.feed(stream.as_bytes()).unwrap();
            assert_eq!(parser.take_notes(), notes, "{stream:?}");
            assert_eq!(parser.take_notes(), [""; 0]);
        }
        let mut parser = Parser::default();
        parser.feed(format!(": connection 1\n{}", ": x\n".repeat(NOTES_MAX + 1)).as_bytes()).unwrap();
        assert_eq!(parser.take_notes().len(), NOTES_MAX);
        parser.reconnect();
        parser.feed(b": connection 2\n: again\n").unwrap();
        assert_eq!(parser.take_notes(), ["again"]);
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; EVENT_BYTES_MAX / 2];
        assert_eq!(parser.feed(&piece), Ok(Vec::new()));
        assert_eq!(parser.feed(&piece), Ok(Vec::new()));
        assert_eq!(parser.feed(b"x"), Err(TooLarge));
    }
}
