//! The event stream format, read in place: lines ended by LF, CRLF or CR, an event at each blank line after data
//! (HTML Living Standard, 9.2.6). Of an event it tells the type, the first bytes of the data, and how long the data is.
//!
//! Never allocates, and keeps a bounded number of bytes per connection however long a line is.

use crate::measure::stamp::STAMP_BYTES_MAX;

/// What is kept of an event's data: a stamp, or the whole of what a server tells of a gap.
const DATA_BYTES_MAX: usize = 224;
const _: () = assert!(DATA_BYTES_MAX >= STAMP_BYTES_MAX && DATA_BYTES_MAX >= ID_BYTES_MAX);
/// What is kept of a line that is not complete yet: the field name, a byte order mark, and the data's first bytes,
/// or the whole of an id.
const LINE_BYTES_MAX: usize = DATA_BYTES_MAX + 16;

/// What is kept of an event's type: more than any type that means something here.
const TYPE_BYTES_MAX: usize = 16;
/// The longest id that is kept; a longer one counts as none.
pub(crate) const ID_BYTES_MAX: usize = 128;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One dispatched event.
#[derive(Debug, PartialEq)]
pub(crate) struct Event<'a> {
    /// The first bytes of its type, `TYPE_BYTES_MAX` at most; empty for a plain message.
    pub(crate) kind: &'a [u8],
    /// Its own id; empty if its block has none, or one that is too long.
    pub(crate) id: &'a [u8],
    /// The first bytes of the first data line, `DATA_BYTES_MAX` at most.
    pub(crate) opening: &'a [u8],
    /// The length of the data, its line breaks included.
    pub(crate) data_bytes: u64,
}

/// The place in the stream of one connection.
#[derive(Debug)]
pub(crate) struct Parser {
    /// The start of the line that is not complete yet.
    line: Opening<LINE_BYTES_MAX>,
    line_bytes: u64,
    /// The event that has no blank line yet: the start of its data.
    data: Opening<DATA_BYTES_MAX>,
    /// The length of its data; `None`: it has no data line yet.
    data_bytes: Option<u64>,
    kind: Opening<TYPE_BYTES_MAX>,
    /// The id of the block that has no blank line yet, and of the last one that had.
    id: Opening<ID_BYTES_MAX>,
    last_id: Opening<ID_BYTES_MAX>,
    /// The block that has no blank line yet has an id.
    is_id_new: bool,
    /// An id was longer than what is kept.
    pub(crate) has_long_id: bool,
    is_first_line: bool,
    /// A line ended with CR at the very end of a read: an LF that follows belongs to it.
    is_after_cr: bool,
}

impl Parser {
    pub(crate) fn new() -> Self {
        Self {
            line: Opening::new(),
            line_bytes: 0,
            data: Opening::new(),
            data_bytes: None,
            kind: Opening::new(),
            id: Opening::new(),
            last_id: Opening::new(),
            is_id_new: false,
            has_long_id: false,
            is_first_line: true,
            is_after_cr: false,
        }
    }

    /// Takes the next bytes of the stream and calls `dispatch` for every event that they complete.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut dispatch: impl FnMut(Event<'_>)) {
        if self.is_after_cr && !bytes.is_empty() {
            self.is_after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = line_end(bytes) {
            let (line, rest) = bytes.split_at(at);
            bytes = &rest[1..];
            if rest[0] == b'\r' {
                self.is_after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            if self.line_bytes == 0 {
                self.take_line(line, line.len() as u64, &mut dispatch);
            } else {
                self.keep(line);
                let (line, line_bytes) = (self.line, self.line_bytes);
                (self.line, self.line_bytes) = (Opening::new(), 0);
                self.take_line(line.bytes(), line_bytes, &mut dispatch);
            }
        }
        self.keep(bytes);
    }

    /// What a reconnect sends as `Last-Event-ID`; empty: nothing.
    pub(crate) fn last_id(&self) -> &[u8] {
        self.last_id.bytes()
    }

    fn keep(&mut self, part: &[u8]) {
        self.line.extend(part);
        self.line_bytes += part.len() as u64;
    }

    /// A complete line of `line_bytes` bytes, of which `line` has at least the first `LINE_BYTES_MAX`.
    fn take_line(&mut self, mut line: &[u8], mut line_bytes: u64, dispatch: &mut impl FnMut(Event<'_>)) {
        if std::mem::take(&mut self.is_first_line)
            && let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK)
        {
            (line, line_bytes) = (rest, line_bytes - BYTE_ORDER_MARK.len() as u64);
        }
        if line_bytes == 0 {
            let has_id = std::mem::take(&mut self.is_id_new);
            if has_id {
                self.last_id.set(self.id.bytes());
            }
            let kind = std::mem::replace(&mut self.kind, Opening::new());
            if let Some(data_bytes) = self.data_bytes.take() {
                let id = if has_id { self.id.bytes() } else { b"" };
                dispatch(Event { kind: kind.bytes(), id, opening: self.data.bytes(), data_bytes });
            }
            return;
        }
        if let Some(value) = field(line, b"data") {
            self.take_data(value, line_bytes - (line.len() - value.len()) as u64);
        } else if let Some(value) = field(line, b"id") {
            let is_kept = value.len() <= ID_BYTES_MAX && !value.contains(&0);
            self.has_long_id |= value.len() > ID_BYTES_MAX;
            self.is_id_new = true;
            self.id.set(if is_kept { value } else { b"" });
        } else if let Some(value) = field(line, b"event") {
            self.kind = Opening::of(value);
        }
    }

    fn take_data(&mut self, value: &[u8], value_bytes: u64) {
        self.data_bytes = match self.data_bytes {
            None => {
                self.data.set(value);
                Some(value_bytes)
            }
            Some(before_bytes) => Some(before_bytes + 1 + value_bytes),
        };
    }
}

/// The value of a line's field, if it is the field of this name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let after_name = line.strip_prefix(name)?;
    match after_name.split_first() {
        None => Some(after_name),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

/// The first bytes of something longer.
#[derive(Debug, Clone, Copy)]
struct Opening<const BYTES_MAX: usize> {
    bytes: [u8; BYTES_MAX],
    used: u8,
}

impl<const BYTES_MAX: usize> Opening<BYTES_MAX> {
    fn new() -> Self {
        const { assert!(BYTES_MAX <= u8::MAX as usize) };
        Self { bytes: [0; BYTES_MAX], used: 0 }
    }

    fn of(whole: &[u8]) -> Self {
        let mut opening = Self::new();
        opening.extend(whole);
        opening
    }

    /// The same, without a copy of all that it could hold: for what changes with every event.
    fn set(&mut self, whole: &[u8]) {
        self.used = 0;
        self.extend(whole);
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.used)]
    }

    fn extend(&mut self, part: &[u8]) {
        let used = usize::from(self.used);
        let taken = part.len().min(BYTES_MAX - used);
        self.bytes[used..used + taken].copy_from_slice(&part[..taken]);
        self.used += taken as u8;
    }
}

/// Where the first CR or LF is. Whole blocks are looked at without a branch inside, so the compiler uses wide registers.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: u8| (byte == b'\n') | (byte == b'\r');
    let clear = bytes.chunks_exact(32).take_while(|block| !block.iter().fold(false, |hit, &byte| hit | is_end(byte)));
    let start = clear.count() * 32;
    bytes[start..].iter().position(|&byte| is_end(byte)).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = Vec<(Vec<u8>, u64)>;

    fn feed(parser: &mut Parser, bytes: &[u8], seen: &mut Seen) {
        parser.feed(bytes, |event| seen.push((event.opening.to_vec(), event.data_bytes)));
    }

    /// Every way to cut the stream in two gives the same events, and so does every byte by itself.
    fn check(stream: &[u8], expected: &[(&str, u64)]) {
        let expected: Seen = expected.iter().map(|(opening, bytes)| (opening.as_bytes().to_vec(), *bytes)).collect();
        for cut in 0..=stream.len() {
            let (mut parser, mut seen) = (Parser::new(), Vec::new());
            feed(&mut parser, &stream[..cut], &mut seen);
            feed(&mut parser, &stream[cut..], &mut seen);
            assert_eq!(seen, expected, "cut at {cut} of {}", stream.escape_ascii());
        }
        let (mut parser, mut seen) = (Parser::new(), Vec::new());
        stream.iter().for_each(|byte| feed(&mut parser, &[*byte], &mut seen));
        assert_eq!(seen, expected, "byte by byte: {}", stream.escape_ascii());
    }

    #[test]
    fn an_event_is_its_data_at_a_blank_line() {
        for end in ["\n", "\r\n", "\r"] {
            let stream =
                "retry: 1000\n: hello\nid: 1\ndata: one\n\n:\nevent: x\ndata:two\ndata:  three\n\nid: 2\n\ndata: cut";
            check(stream.replace('\n', end).as_bytes(), &[("one", 3), ("two", 10)]);
        }
    }

    #[test]
    fn line_ends_may_be_mixed() {
        check(b"data: a\r\n\ndata: b\r\r\ndata: c\n\rdata: d\r\n\r\n", &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
    }

    #[test]
    fn data_without_a_value_is_an_event_and_a_blank_line_alone_is_none() {
        check(b"\n\ndata\n\ndata:\n\ndata\ndata\n\n\n", &[("", 0), ("", 0), ("", 1)]);
        check(b"dataset: 1\n\nDATA: 1\n\n data: 1\n\n", &[]);
    }

    #[test]
    fn one_byte_order_mark_at_the_start_is_passed_over() {
        check(b"\xEF\xBB\xBFdata: a\n\n\xEF\xBB\xBFdata: b\n\n", &[("a", 1)]);
        check(b"\xEF\xBB\xBF\n\ndata: a\n\n", &[("a", 1)]);
    }

    #[test]
    fn a_long_line_is_measured_and_its_opening_kept() {
        let long = "0123456789".repeat(30);
        let stream = format!(": {long}\ndata: {long}\n\ndata: short\ndata: {long}\n\n");
        check(stream.as_bytes(), &[(&long[..DATA_BYTES_MAX], 300), ("short", 306)]);
    }

    #[test]
    fn the_type_is_of_one_event_and_the_id_lasts() {
        let mut parser = Parser::new();
        let mut kinds = Vec::new();
        let mut ids = Vec::new();
        let mut feed = |parser: &mut Parser, text: &str| {
            parser.feed(text.as_bytes(), |event| {
                kinds.push(event.kind.to_vec());
                ids.push(event.id.to_vec());
            });
        };
        feed(&mut parser, "event: fanfare.gap\nid: 7-0\ndata: a\n\ndata: b\n\nevent: lonely\n\nid: 8-0\ndata: c\n");
        assert_eq!(parser.last_id(), b"7-0", "an id counts from the blank line on");
        feed(&mut parser, "\n");
        assert_eq!(parser.last_id(), b"8-0");
        feed(&mut parser, "id: 9-0\n\n");
        assert_eq!(parser.last_id(), b"9-0", "also without data");
        let longest = "9".repeat(ID_BYTES_MAX);
        let (one, two) = longest.split_at(50);
        feed(&mut parser, &format!("id: {one}"));
        feed(&mut parser, &format!("{two}\n\n"));
        assert_eq!((parser.last_id(), parser.has_long_id), (longest.as_bytes(), false));
        feed(&mut parser, &format!("id: {longest}"));
        feed(&mut parser, "9\n\n");
        assert_eq!((parser.last_id(), parser.has_long_id), (b"".as_slice(), true));
        assert_eq!(kinds, [b"fanfare.gap".as_slice(), b"", b""]);
        assert_eq!(ids, [b"7-0".as_slice(), b"", b"8-0"], "the id of the block itself");
    }

    #[test]
    fn a_line_end_is_found_at_every_place() {
        for length in 0..100 {
            let mut bytes = vec![b'x'; length];
            assert_eq!(line_end(&bytes), None);
            for at in 0..length {
                bytes[at] = if at % 2 == 0 { b'\n' } else { b'\r' };
                assert_eq!(line_end(&bytes), Some(at));
                bytes[at] = b'x';
            }
        }
    }
}
