//! [`Parser`]: an event stream as the standard says (WHATWG HTML 9.2.6), with what it says nothing about kept too:
//! comments, and the lines as they stood.

use serde_json::Value;

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

impl Event {
    /// What the stream says was lost, if it is that; it must not move the client's cursor.
    #[track_caller]
    pub(crate) fn gap(&self) -> Option<Gap> {
        if self.kind != "fanfare.gap" {
            return None;
        }
        assert!(!self.block.contains("id:"), "{self:?}");
        let gap: Value = serde_json::from_str(&self.data).unwrap();
        let fields: Vec<_> = gap.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["from", "to", "missed", "reason"]);
        let text = |name: &str| gap[name].as_str().map(str::to_owned);
        Some(Gap {
            from: text("from"),
            to: text("to"),
            missed: gap["missed"].as_u64(),
            reason: text("reason").unwrap(),
        })
    }
}

/// Events that are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) missed: Option<u64>,
    pub(crate) reason: String,
}

impl Gap {
    /// Of one whose last event is not known.
    pub(crate) fn unknown() -> Self {
        Self { from: None, to: None, missed: None, reason: "unknown-id".to_owned() }
    }
}

/// An event id as it is ordered.
#[track_caller]
pub(crate) fn position(id: &str) -> (u64, u64) {
    let (ms, n) = id.split_once('-').unwrap_or_else(|| panic!("{id:?} is no id of the server"));
    (ms.parse().unwrap(), n.parse().unwrap())
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
