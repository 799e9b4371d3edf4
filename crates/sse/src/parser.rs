//! [`Parser`]: the place in one stream. Whole lines are read where they stand; only a line that is cut by the end of a
//! piece is copied.

use std::{mem, time::Duration};

use crate::{
    item::{Comment, Event, Item},
    lines::{field, line_end},
};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The most bytes of a line beside its value: a byte order mark, the name of a field, colon and space.
const BESIDE_VALUE_BYTES: usize = 16;

/// The most that is kept of each part of a stream. What goes beyond is read, and forgotten.
///
/// ```
/// use fanfare_sse::{Item, Limits, Parser};
///
/// static LIMITS: Limits = Limits { data_bytes: 5, id_bytes: 4, kind_bytes: 256, comment_bytes: 0 };
/// let mut parser = Parser::new(&LIMITS);
/// parser.feed(b"id: a long one\ndata: hello world\n\n", |item| {
///     let Item::Event(event) = item else { panic!("no event") };
///     assert_eq!((event.data, event.data_bytes), (&b"hello"[..], 11));
/// });
/// assert!(parser.has_long_id() && parser.last_id().is_empty(), "a part of an id would be another id");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an event's data.
    pub data_bytes: usize,
    /// Bytes of an id. A longer one counts as an empty one, because a part of it would be another id.
    pub id_bytes: usize,
    /// Bytes of a type.
    pub kind_bytes: usize,
    /// Bytes of a comment.
    pub comment_bytes: usize,
}

impl Limits {
    /// As much of a line as is enough for each.
    fn line_bytes(&self) -> usize {
        let Self { data_bytes, id_bytes, kind_bytes, comment_bytes } = *self;
        data_bytes.max(id_bytes).max(kind_bytes).max(comment_bytes).saturating_add(BESIDE_VALUE_BYTES)
    }
}

/// Reads one event source, over all its connections.
#[derive(Debug)]
pub struct Parser {
    limits: &'static Limits,
    /// The start of the line that is not complete yet.
    line: Vec<u8>,
    line_bytes: u64,
    /// Of the event that has no blank line yet: the start of its data.
    data: Vec<u8>,
    /// The length of its data; `None`: it has no data line yet.
    data_bytes: Option<u64>,
    kind: Vec<u8>,
    /// The id of the block that has no blank line yet.
    id: Vec<u8>,
    is_id_new: bool,
    /// The id of the last block that had one.
    last_id: Vec<u8>,
    has_long_id: bool,
    retry_ms: Option<u64>,
    has_first_line: bool,
    is_behind_comment: bool,
    /// A line ended with CR at the very end of a piece: an LF that follows belongs to it.
    is_after_cr: bool,
}

impl Parser {
    /// A source that has seen no event.
    pub fn new(limits: &'static Limits) -> Self {
        Self::after(limits, Vec::new())
    }

    /// A source that has seen events up to `last_id`.
    ///
    /// ```
    /// use fanfare_sse::{Limits, Parser};
    ///
    /// static LIMITS: Limits = Limits { data_bytes: 1 << 20, id_bytes: 256, kind_bytes: 256, comment_bytes: 0 };
    /// let mut parser = Parser::after(&LIMITS, b"7".to_vec());
    /// parser.feed(b"retry: 1500\nid: 8\ndata: cut o", |_| {});
    /// parser.reconnect();
    /// assert_eq!((parser.last_id(), parser.retry().map(|retry| retry.as_millis())), (b"7".as_slice(), Some(1500)));
    /// ```
    pub fn after(limits: &'static Limits, last_id: Vec<u8>) -> Self {
        Self {
            limits,
            line: Vec::new(),
            line_bytes: 0,
            data: Vec::new(),
            data_bytes: None,
            kind: Vec::new(),
            id: Vec::new(),
            is_id_new: false,
            last_id,
            has_long_id: false,
            retry_ms: None,
            has_first_line: false,
            is_behind_comment: false,
            is_after_cr: false,
        }
    }

    /// Another connection begins. What the last one left unfinished is forgotten; the last id and the time to reconnect
    /// stay.
    pub fn reconnect(&mut self) {
        let last_id = mem::take(&mut self.last_id);
        *self = Self { retry_ms: self.retry_ms, has_long_id: self.has_long_id, ..Self::after(self.limits, last_id) };
    }

    /// The `Last-Event-ID` of a reconnect; empty: none.
    pub fn last_id(&self) -> &[u8] {
        &self.last_id
    }

    /// True after an id that was too long to be kept: [`Parser::last_id`] may not say where the source is.
    pub fn has_long_id(&self) -> bool {
        self.has_long_id
    }

    /// The time that the server wants clients to wait before they reconnect.
    pub fn retry(&self) -> Option<Duration> {
        self.retry_ms.map(Duration::from_millis)
    }

    /// Bytes of the line and of the data that are not complete, kept or not: a stream that makes this grow on and on
    /// never says anything.
    ///
    /// ```
    /// # use fanfare_sse::{Limits, Parser};
    /// # static LIMITS: Limits = Limits { data_bytes: 1 << 20, id_bytes: 256, kind_bytes: 256, comment_bytes: 0 };
    /// let mut parser = Parser::new(&LIMITS);
    /// parser.feed(b"data: 12345\ndata: 67", |_| {});
    /// assert_eq!(parser.unfinished_bytes(), 5 + "data: 67".len() as u64);
    /// ```
    pub fn unfinished_bytes(&self) -> u64 {
        self.line_bytes + self.data_bytes.unwrap_or(0)
    }

    /// Takes the next bytes of the stream, and hands `take` what they complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(Item<'_>)) {
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
                self.take_line(line, line.len() as u64, &mut take);
            } else {
                self.keep(line);
                let (line, line_bytes) = (mem::take(&mut self.line), mem::take(&mut self.line_bytes));
                self.take_line(&line, line_bytes, &mut take);
                self.line = line;
                self.line.clear();
            }
        }
        self.keep(bytes);
    }

    fn keep(&mut self, part: &[u8]) {
        if !part.is_empty() {
            extend(&mut self.line, part, self.limits.line_bytes());
            self.line_bytes += part.len() as u64;
        }
    }

    /// A complete line of `line_bytes` bytes, of which `line` has at least as many as the limits need.
    fn take_line(&mut self, mut line: &[u8], mut line_bytes: u64, take: &mut impl FnMut(Item<'_>)) {
        if !mem::replace(&mut self.has_first_line, true)
            && let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK)
        {
            (line, line_bytes) = (rest, line_bytes - BYTE_ORDER_MARK.len() as u64);
        }
        let follows_comment = mem::take(&mut self.is_behind_comment);
        if line_bytes == 0 {
            self.end_block(take);
        } else if let Some(value) = field(line, b"data") {
            self.take_data(value, line_bytes - (line.len() - value.len()) as u64);
        } else if let Some(value) = field(line, b"id") {
            self.take_id(value);
        } else if let Some(value) = field(line, b"event") {
            set(&mut self.kind, value, self.limits.kind_bytes);
        } else if let Some(text) = field(line, b"") {
            self.is_behind_comment = true;
            let text = &text[..text.len().min(self.limits.comment_bytes)];
            take(Item::Comment(Comment { text, follows_comment }));
        } else if let Some(value) = field(line, b"retry")
            && line_bytes <= self.limits.line_bytes() as u64
        {
            self.take_retry(value);
        }
    }

    fn take_data(&mut self, value: &[u8], value_bytes: u64) {
        let data_bytes_max = self.limits.data_bytes;
        self.data_bytes = match self.data_bytes {
            None => {
                set(&mut self.data, value, data_bytes_max);
                Some(value_bytes)
            }
            Some(before_bytes) => {
                extend(&mut self.data, b"\n", data_bytes_max);
                extend(&mut self.data, value, data_bytes_max);
                Some(before_bytes + 1 + value_bytes)
            }
        };
    }

    fn take_id(&mut self, value: &[u8]) {
        // Before the look for a NUL, which may stand where a long line is not kept.
        if value.len() > self.limits.id_bytes {
            self.has_long_id = true;
            self.id.clear();
        } else if value.contains(&0) {
            // By the standard no id at all: the one before it in the block counts.
            return;
        } else {
            set(&mut self.id, value, self.limits.id_bytes);
        }
        self.is_id_new = true;
    }

    fn take_retry(&mut self, value: &[u8]) {
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            let add = |ms: u64, digit: &u8| ms.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            // More digits than a number holds is as good as never.
            self.retry_ms = Some(value.iter().fold(0, add));
        }
    }

    fn end_block(&mut self, take: &mut impl FnMut(Item<'_>)) {
        let has_id = mem::take(&mut self.is_id_new);
        if has_id {
            // The id counts even where there is no event.
            set(&mut self.last_id, &self.id, self.limits.id_bytes);
        }
        if let Some(data_bytes) = self.data_bytes.take() {
            let kind = if self.kind.is_empty() { b"message" } else { &self.kind[..] };
            let id = has_id.then_some(&self.id[..]);
            take(Item::Event(Event { id, kind, data: &self.data, data_bytes }));
        }
        self.kind.clear();
    }
}

/// The same as [`extend`] from the start.
fn set(kept: &mut Vec<u8>, whole: &[u8], bytes_max: usize) {
    kept.clear();
    extend(kept, whole, bytes_max);
}

/// Adds as much of `part` as may be kept.
fn extend(kept: &mut Vec<u8>, part: &[u8], bytes_max: usize) {
    let taken = part.len().min(bytes_max - kept.len());
    kept.extend_from_slice(&part[..taken]);
}
