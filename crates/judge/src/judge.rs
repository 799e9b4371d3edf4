//! [`Judge`]: the state of one stream, which is fed in pieces of any size.

use std::mem;

use crate::{
    block::{Block, Dispatched},
    contract,
};

/// The rule that a stream has to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    /// A Fanfare server sends it.
    #[default]
    Contract,
    /// Anybody sends it, and nothing is wrong.
    Standard,
}

/// Reads one stream. The default panics at all that a Fanfare server does not send.
#[derive(Debug, Default)]
pub struct Judge {
    rule: Rule,
    line: Vec<u8>,
    is_after_cr: bool,
    is_begun: bool,
    /// The lines of the block so far.
    lines: String,
    data: String,
    kind: String,
    id: Option<String>,
    /// The last event ID string of the event source: what it would send when it comes back.
    pub last_id: String,
    /// Every reconnection time that was set.
    pub retries_ms: Vec<u64>,
    /// Every comment, without its colon.
    pub comments: Vec<String>,
}

impl Judge {
    /// Reads the stream of any server, in which nothing is wrong by the standard.
    pub fn of_any_server() -> Self {
        Self { rule: Rule::Standard, ..Self::default() }
    }

    /// The events that `bytes` complete.
    #[track_caller]
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Dispatched> {
        self.blocks(bytes).into_iter().map(|block| block.event).collect()
    }

    /// The same with their lines.
    #[track_caller]
    pub fn blocks(&mut self, bytes: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        for &byte in bytes {
            let is_after_cr = mem::take(&mut self.is_after_cr);
            match byte {
                b'\n' if is_after_cr => {}
                b'\n' | b'\r' => {
                    assert!(byte == b'\n' || self.rule == Rule::Standard, "lines end with LF alone: {:?}", self.lines);
                    self.is_after_cr = byte == b'\r';
                    let line = mem::take(&mut self.line);
                    let text = String::from_utf8_lossy(&line);
                    assert!(text.as_bytes() == line || self.rule == Rule::Standard, "no UTF-8: {text:?}");
                    blocks.extend(self.line(&text));
                }
                _ => self.line.push(byte),
            }
        }
        blocks
    }

    /// Takes one line, without its end; gives the block that it ends.
    #[track_caller]
    pub fn line(&mut self, line: &str) -> Option<Block> {
        assert!(!line.contains(['\r', '\n']), "no line: {line:?}");
        // One leading byte order mark of the whole stream is ignored, no other.
        let is_first = !mem::replace(&mut self.is_begun, true);
        let line = line.strip_prefix('\u{feff}').filter(|_| is_first && self.rule == Rule::Standard).unwrap_or(line);
        if line.is_empty() {
            return self.dispatch();
        }
        if let Some(comment) = line.strip_prefix(':') {
            if self.rule == Rule::Contract {
                contract::check_comment(comment, &self.lines);
            }
            self.comments.push(comment.to_owned());
            self.lines.clear();
            return None;
        }
        self.lines.push_str(line);
        self.lines.push('\n');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        self.field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    /// True if nothing of an event is left over.
    pub fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.data.is_empty() && self.kind.is_empty() && self.id.is_none()
    }

    #[track_caller]
    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retries_ms.push(value.parse().unwrap_or(u64::MAX));
            }
            _ => assert!(self.rule == Rule::Standard, "no line of a Fanfare server: {field:?} {value:?}"),
        }
    }

    #[track_caller]
    fn dispatch(&mut self) -> Option<Block> {
        let (id, lines) = (self.id.take(), mem::take(&mut self.lines));
        let (mut data, kind) = (mem::take(&mut self.data), mem::take(&mut self.kind));
        if let Some(id) = &id {
            self.last_id.clone_from(id);
        }
        if data.is_empty() {
            // Several client libraries make an empty event of such a block.
            assert!(self.rule == Rule::Standard, "a block without data: {lines:?}");
            return None;
        }
        // The LF of its last line.
        data.pop();
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        let block = Block { event: Dispatched { kind, data, last_id: self.last_id.clone() }, id, lines };
        if self.rule == Rule::Contract {
            contract::check_block(&block);
        }
        Some(block)
    }
}
