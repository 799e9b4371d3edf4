//! [`Parser`]: an event stream as the standard says (WHATWG HTML 9.2.6), with what it says nothing about kept too:
//! comments, and the lines as they stood.

/// An event as an EventSource would report it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// The type; "message" if none was given.
    pub(crate) kind: String,
    /// The last event id at that time.
    pub(crate) id: String,
    pub(crate) data: String,
    /// The lines of its block as they came, without comments.
    pub(crate) block: String,
}

/// Takes lines, gives events.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    kind: String,
    data: String,
    has_data: bool,
    block: String,
    pub(crate) last_id: String,
    pub(crate) retries: Vec<u64>,
    pub(crate) comments: Vec<String>,
    /// Blocks without data: several client libraries make an empty event of one.
    pub(crate) empty_blocks: usize,
}

impl Parser {
    /// Takes one line without its LF; gives the event that it ends, if it ends one.
    pub(crate) fn line(&mut self, line: &str) -> Option<Event> {
        assert!(!line.contains('\r'), "lines end with LF alone: {line:?}");
        if line.is_empty() {
            return self.dispatch();
        }
        if let Some(comment) = line.strip_prefix(':') {
            self.comments.push(comment.to_owned());
            return None;
        }
        self.block += line;
        self.block.push('\n');
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.has_data = true;
                self.data += value;
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retries.push(value.parse().unwrap());
            }
            _ => panic!("not a line that the server has to send: {line:?}"),
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        let block = std::mem::take(&mut self.block);
        if !std::mem::take(&mut self.has_data) {
            self.empty_blocks += 1;
            return None;
        }
        data.pop();
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(Event { kind, id: self.last_id.clone(), data, block })
    }
}
