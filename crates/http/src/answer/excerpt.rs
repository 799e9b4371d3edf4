//! [`Excerpt`]: a page of history on its way out. It is read from the history and written as JSON piece by piece, as its reader
//! takes it. So a page holds a few events at a time, and costs nothing while nobody takes it.

use std::{collections::VecDeque, fmt::Write as _, sync::Arc};

use bytes::Bytes;
use fanfare_core::{Channel, EventId, Gap, Message, Page, ReadLimit, Start, engine::Cut};

use crate::{app::App, ending::deadline::Deadline, limits::room::Share};

/// Bytes of JSON that are written at a time: as much as an HTTP/2 stream may have unsent.
pub(crate) const PIECE_BYTES: usize = 16 << 10;
/// Bytes that a page holds besides the events it has read: its pieces that are on their way, and its state.
pub(crate) const OWN_BYTES: usize = 32 << 10;
/// Bytes of an event's data that become JSON at a time. Each may become six.
const SLICE_BYTES: usize = 1 << 10;
/// Events that are read at a time: publishers wait meanwhile.
const MESSAGES_PER_READ: usize = 64;

const BEGIN: &str = "{\"events\":[";

/// The part of a page that has yet to be written.
#[derive(Debug)]
pub(crate) struct Excerpt {
    app: Arc<App>,
    channel: Channel,
    /// The event behind which the next read begins.
    next: EventId,
    gap: Option<Gap>,
    /// Events and bytes that the page may still have.
    left: ReadLimit,
    messages: VecDeque<Message>,
    /// The data of the event that is being written. The bytes up to `data_at` are written.
    data: String,
    data_at: usize,
    /// An event was begun.
    has_begun: bool,
    step: Step,
    /// Bytes that are written and not taken.
    written: Bytes,
    left_bytes: Option<usize>,
    share: Share,
    deadline: Option<Deadline>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BetweenEvents,
    InData,
    Over,
}

impl Excerpt {
    /// The page that begins at `start`. Its first events are read.
    pub(crate) fn new(app: &Arc<App>, channel: Channel, start: &Start, limit: ReadLimit, share: Share) -> Self {
        let mut excerpt = Self {
            app: Arc::clone(app),
            channel,
            next: EventId::ZERO,
            gap: None,
            left: limit,
            messages: VecDeque::new(),
            data: String::new(),
            data_at: 0,
            has_begun: false,
            step: Step::BetweenEvents,
            written: Bytes::new(),
            left_bytes: None,
            share,
            deadline: None,
        };
        let page = excerpt.read(start);
        excerpt.take(page);
        excerpt
    }

    /// Bytes of the events that are read and not written.
    pub(crate) fn bytes(&self) -> usize {
        self.messages.iter().map(Message::bytes).sum()
    }

    /// Counts the bytes that the page holds. False if they are too many.
    pub(crate) fn count(&mut self) -> bool {
        self.share.set_to(OWN_BYTES + self.bytes())
    }

    /// Gives the reader a deadline. A reader that has not taken the page by then is cut off.
    pub(crate) fn until(self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Writes the whole page if it has no more than `bytes_max` of events. False if it has more.
    pub(crate) fn write_whole(&mut self, bytes_max: usize) -> bool {
        while self.bytes() <= bytes_max && self.left.messages_max > 0 {
            let page = self.read(&Start::After(self.next));
            let bytes = page.messages.iter().map(Message::bytes).sum::<usize>();
            if self.bytes() + bytes > bytes_max {
                // These events are read again when it is their turn.
                return false;
            }
            let is_last = page.messages.is_empty();
            self.take(page);
            if is_last {
                self.left.messages_max = 0;
            }
        }
        if self.bytes() > bytes_max {
            return false;
        }
        let mut text = String::new();
        while self.step != Step::Over {
            self.write_some(&mut text);
        }
        self.share.set(text.len());
        self.left_bytes = Some(text.len());
        self.written = text.into();
        true
    }

    /// Number of bytes that are left, if that is known.
    pub(crate) fn left_bytes(&self) -> Option<usize> {
        self.left_bytes
    }

    /// The next piece. `None` at the end. hyper asks for the end only when the peer has taken the last piece, so a page that is not
    /// taken is held, and ends in its time.
    ///
    /// # Errors
    /// The page was not taken in its time.
    pub(crate) fn piece(&mut self) -> Option<Result<Bytes, Cut>> {
        if self.deadline.as_ref().is_some_and(Deadline::is_over) {
            return Some(Err(Cut));
        }
        if self.written.is_empty() {
            let mut text = String::new();
            while text.len() < PIECE_BYTES && self.step != Step::Over {
                self.write_some(&mut text);
            }
            self.written = text.into();
        }
        let piece = self.written.split_to(self.written.len().min(PIECE_BYTES));
        if let Some(deadline) = &self.deadline {
            deadline.add(piece.len());
        }
        self.left_bytes = self.left_bytes.map(|bytes| bytes - piece.len());
        (!piece.is_empty()).then_some(Ok(piece))
    }

    fn write_some(&mut self, text: &mut String) {
        match self.step {
            Step::InData => self.write_data(text),
            Step::BetweenEvents if !self.messages.is_empty() => self.begin_event(text),
            Step::BetweenEvents => {
                if !self.read_on() {
                    self.end(text);
                }
            }
            Step::Over => {}
        }
    }

    fn end(&mut self, text: &mut String) {
        let begin = if self.has_begun { "" } else { BEGIN };
        let gap = self.gap.map_or_else(|| "null".to_owned(), |gap| gap.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{begin}],\"gap\":{gap},\"next\":\"{}\"}}", self.next);
        self.step = Step::Over;
        self.share.set(OWN_BYTES);
    }

    fn begin_event(&mut self, text: &mut String) {
        let Some(message) = self.messages.pop_front() else { return };
        let fields = message.fields();
        text.push_str(if self.has_begun { "," } else { BEGIN });
        text.push_str("{\"id\":\"");
        push_escaped(text, fields.id);
        text.push_str("\",\"event\":");
        match fields.kind {
            None => text.push_str("null"),
            Some(kind) => {
                text.push('"');
                push_escaped(text, kind);
                text.push('"');
            }
        }
        text.push_str(",\"data\":\"");
        (self.data, self.data_at) = (fields.data, 0);
        (self.has_begun, self.step) = (true, Step::InData);
    }

    fn write_data(&mut self, text: &mut String) {
        let rest = &self.data[self.data_at..];
        let slice = &rest[..rest.floor_char_boundary(SLICE_BYTES)];
        push_escaped(text, slice);
        self.data_at += slice.len();
        if self.data_at == self.data.len() {
            text.push_str("\"}");
            (self.data, self.data_at) = (String::new(), 0);
            self.step = Step::BetweenEvents;
        }
    }

    /// Reads the next events. False if the page ends here.
    fn read_on(&mut self) -> bool {
        if self.left.messages_max == 0 || self.left.bytes_max == 0 {
            return false;
        }
        let page = self.read(&Start::After(self.next));
        let bytes = page.messages.iter().map(Message::bytes).sum::<usize>();
        // The first event comes whatever its size, and was there before. Where there is no room for more, the rest is another page.
        if self.has_begun && (bytes > self.left.bytes_max || !self.share.set_to(OWN_BYTES + bytes)) {
            return false;
        }
        self.take(page);
        !self.messages.is_empty()
    }

    fn read(&self, start: &Start) -> Page {
        let limit = ReadLimit {
            messages_max: self.left.messages_max.min(MESSAGES_PER_READ),
            bytes_max: self.left.bytes_max.min(PIECE_BYTES),
        };
        self.app.hub.history(&self.channel, start, limit)
    }

    fn take(&mut self, page: Page) {
        let Page { messages, gap, next } = page;
        self.gap = match (self.gap, gap) {
            (Some(first), Some(second)) => Some(Gap { to: first.to.max(second.to), missed: None, ..first }),
            (first, second) => first.or(second),
        };
        self.left.messages_max = self.left.messages_max.saturating_sub(messages.len());
        let bytes = messages.iter().map(Message::bytes).sum();
        self.left.bytes_max = self.left.bytes_max.saturating_sub(bytes);
        self.messages.extend(messages);
        self.next = next;
    }
}

/// `text` as it stands in a string of JSON.
fn push_escaped(text: &mut String, slice: &str) {
    let quoted = serde_json::Value::from(slice).to_string();
    text.push_str(&quoted[1..quoted.len() - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_the_same_in_slices_and_whole() {
        let text = "\u{1}\u{7f}\u{2028}\0 \"quoted\" \\ \n\t 日本 🦀".repeat(100);
        let mut slices = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (slice, behind) = rest.split_at(rest.floor_char_boundary(7));
            push_escaped(&mut slices, slice);
            rest = behind;
        }
        assert_eq!(format!("\"{slices}\""), serde_json::Value::from(text).to_string());
    }
}
