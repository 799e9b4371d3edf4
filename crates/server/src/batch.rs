//! [`Batch`]: the lines that `fanfare publish --ndjson` sends. Each goes out as soon as it is whole. In a silence an
//! empty line goes out, so that the server does not end the batch.

use std::{
    io::{self, ErrorKind, Read},
    thread,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout,
};

use crate::client::Feed;

/// Size of one read of the input.
const READ_BYTES: usize = 64 << 10;
/// Longest beginning of a line that is held back until the line is whole. By default a server takes no longer line.
/// While a beginning is held back, empty lines still go out.
const HELD_BYTES_MAX: usize = 1 << 20;
/// The mark that Windows programs put at the beginning of a file. A reader may skip the mark (RFC 8259 8.1).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A batch that is being sent.
pub(crate) struct Batch {
    pieces: Receiver<io::Result<Bytes>>,
    keep_alive: Duration,
    lines: Lines,
    trouble: Option<io::Error>,
}

impl Batch {
    /// Reads `input` from now on, in a thread of its own. An empty line is sent after each `keep_alive` without a line.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn read(input: Box<dyn Read + Send>, keep_alive: Duration) -> io::Result<Self> {
        let (to, pieces) = mpsc::channel(1);
        thread::Builder::new().name("input".to_owned()).spawn(move || read(input, &to))?;
        Ok(Self { pieces, keep_alive, lines: Lines::default(), trouble: None })
    }

    /// Sends the input until it ends or breaks, or until the connection takes no more.
    pub(crate) async fn send(&mut self, mut to: Feed) {
        loop {
            let (lines, is_last) = match timeout(self.keep_alive, self.pieces.recv()).await {
                Err(_) => (self.lines.keep_alive(), false),
                Ok(Some(Ok(piece))) => (self.lines.add(&piece), false),
                Ok(None) => (self.lines.end(), true),
                Ok(Some(Err(error))) => {
                    // An unfinished line is not sent.
                    self.trouble = Some(error);
                    return;
                }
            };
            let is_taken = lines.is_empty() || to.send_data(lines).await.is_ok();
            if is_last || !is_taken {
                return;
            }
        }
    }

    /// The error because of which the input was not read to its end.
    pub(crate) fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    /// Number of lines that have been given to the connection.
    pub(crate) fn lines_sent(&self) -> u64 {
        self.lines.sent
    }

    /// Changes the line numbers in the server's answer to those of the input.
    pub(crate) fn in_input(&self, answer: String) -> String {
        if self.lines.inserted.is_empty() {
            return answer;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&answer) else { return answer };
        for error in value.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(line) = error.get("line").and_then(Value::as_u64) {
                error["line"] = self.lines.number_in_input(line).into();
            }
        }
        value.to_string()
    }
}

/// Reads until the end, an error, or until the receiver is gone.
fn read(mut input: Box<dyn Read + Send>, to: &Sender<io::Result<Bytes>>) {
    let mut piece = vec![0; READ_BYTES];
    loop {
        let read = match input.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => Ok(Bytes::copy_from_slice(&piece[..length])),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_end = read.is_err();
        if to.blocking_send(read).is_err() || is_end {
            return;
        }
    }
}

/// The lines of the input, with the empty ones that were added.
#[derive(Default)]
struct Lines {
    /// Beginning of a line that is not whole yet.
    held: BytesMut,
    has_begun: bool,
    /// The last bytes that went out do not end a line.
    is_inside: bool,
    /// Number of whole lines of the input that went out.
    sent: u64,
    /// Empty lines that were added: their number, and the number of input lines before them.
    inserted: Vec<Inserted>,
}

struct Inserted {
    before: u64,
    count: u64,
}

impl Lines {
    /// Takes a piece of the input. Returns the bytes that can be sent now.
    fn add(&mut self, piece: &[u8]) -> Bytes {
        let end = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => self.held.len() + at + 1,
            None if self.held.len() + piece.len() > HELD_BYTES_MAX => self.held.len() + piece.len(),
            None => 0,
        };
        self.held.extend_from_slice(piece);
        self.take(end)
    }

    /// Returns the rest at the end of the input.
    fn end(&mut self) -> Bytes {
        self.take(self.held.len())
    }

    fn take(&mut self, length: usize) -> Bytes {
        let mut lines = self.held.split_to(length).freeze();
        if lines.is_empty() {
            return lines;
        }
        if !std::mem::replace(&mut self.has_begun, true) && lines.starts_with(BYTE_ORDER_MARK) {
            lines = lines.slice(BYTE_ORDER_MARK.len()..);
        }
        self.is_inside = !lines.is_empty() && !lines.ends_with(b"\n");
        self.sent += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        lines
    }

    /// Returns an empty line, but nothing in the middle of a line.
    fn keep_alive(&mut self) -> Bytes {
        if self.is_inside {
            return Bytes::new();
        }
        match self.inserted.last_mut().filter(|last| last.before == self.sent) {
            Some(last) => last.count += 1,
            None => self.inserted.push(Inserted { before: self.sent, count: 1 }),
        }
        Bytes::from_static(b"\n")
    }

    /// Translates a line number of the server to one of the input. Both count from 1.
    fn number_in_input(&self, line: u64) -> u64 {
        let mut all = 0;
        for Inserted { before, count } in &self.inserted {
            if line <= before + all {
                break;
            }
            all += count;
        }
        line.saturating_sub(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_go_out_and_the_rest_at_the_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(b"a"), "");
        assert_eq!(lines.add(b"b\nc\nd"), "ab\nc\n");
        assert_eq!(lines.add(b"e"), "");
        assert_eq!((lines.end(), lines.sent), (Bytes::from("de"), 2));
        assert_eq!(lines.end(), "");
    }

    #[test]
    fn an_empty_line_never_stands_within_another() {
        let mut lines = Lines::default();
        assert_eq!(lines.keep_alive(), "\n");
        assert_eq!(lines.add(b"half"), "");
        // The half line is held back.
        assert_eq!(lines.keep_alive(), "\n");
        assert_eq!(lines.add(b" a line\n"), "half a line\n");
        assert_eq!(lines.keep_alive(), "\n");
        // A line that is too long to hold back has begun.
        assert_eq!(lines.add(&vec![b'x'; HELD_BYTES_MAX]), "");
        assert_eq!(lines.keep_alive(), "\n");
        assert_eq!(lines.add(b"x").len(), HELD_BYTES_MAX + 1);
        assert_eq!(lines.keep_alive(), "");
        assert_eq!(lines.add(b"\n"), "\n");
        assert_eq!(lines.keep_alive(), "\n");
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_beginning_alone_however_it_is_cut() {
        let input = "\u{feff}{}\r\n\u{feff}{}\n".as_bytes();
        for cut in 0..input.len() {
            let mut lines = Lines::default();
            let sent = [lines.add(&input[..cut]), lines.keep_alive(), lines.add(&input[cut..]), lines.end()];
            let sent: Vec<u8> = sent.concat().into_iter().filter(|byte| *byte != b'\n').collect();
            assert_eq!(sent, "{}\r\u{feff}{}".as_bytes(), "cut at {cut}");
        }
        let mut lines = Lines::default();
        assert_eq!((lines.add(BYTE_ORDER_MARK), lines.end()), (Bytes::new(), Bytes::new()));
    }

    #[test]
    fn lines_keep_the_numbers_that_they_have_in_the_input() {
        let mut lines = Lines::default();
        lines.keep_alive();
        lines.add(b"1\n2\n");
        lines.keep_alive();
        lines.keep_alive();
        lines.add(b"3\n");
        // The server sees an empty one, 1, 2, two empty ones, and 3.
        assert_eq!([2, 3, 6].map(|line| lines.number_in_input(line)), [1, 2, 3]);
        assert_eq!(Lines::default().number_in_input(7), 7);
    }
}
