//! An event stream parser written from the text of WHATWG HTML 9.2.5 and 9.2.6, fed in pieces of any size.
//! It knows nothing of the encoder that it is held against.

/// One event as a browser would dispatch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispatched {
    pub(crate) kind: String,
    pub(crate) data: String,
    /// `lastEventId` of the event.
    pub(crate) last_id: String,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    is_after_cr: bool,
    is_begun: bool,
    data: String,
    kind: String,
    id_buffer: String,
    /// The last event ID string of the event source: what it would send when it comes back.
    pub(crate) last_id: String,
    /// Every reconnection time that was set.
    pub(crate) retries_ms: Vec<u64>,
    pub(crate) comments: usize,
    events: Vec<Dispatched>,
}

impl Parser {
    /// The events that `bytes` complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Dispatched> {
        for &byte in bytes {
            let is_after_cr = std::mem::take(&mut self.is_after_cr);
            match byte {
                b'\n' if is_after_cr => {}
                b'\n' | b'\r' => {
                    self.is_after_cr = byte == b'\r';
                    self.end_line();
                }
                _ => self.line.push(byte),
            }
        }
        std::mem::take(&mut self.events)
    }

    /// Whether nothing of an event is left over.
    pub(crate) fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.data.is_empty() && self.kind.is_empty()
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let mut line = bytes.as_slice();
        // One leading byte order mark of the whole stream is ignored, no other.
        if !std::mem::replace(&mut self.is_begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            self.dispatch();
        } else if line.starts_with(':') {
            self.comments += 1;
        } else if let Some((field, value)) = line.split_once(':') {
            self.field(field, value.strip_prefix(' ').unwrap_or(value));
        } else {
            self.field(&line, "");
        }
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id_buffer),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retries_ms.extend(value.parse::<u64>());
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_id.clone_from(&self.id_buffer);
        let (mut data, kind) = (std::mem::take(&mut self.data), std::mem::take(&mut self.kind));
        if data.is_empty() {
            return;
        }
        if data.ends_with('\n') {
            data.pop();
        }
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        self.events.push(Dispatched { kind, data, last_id: self.last_id.clone() });
    }
}
