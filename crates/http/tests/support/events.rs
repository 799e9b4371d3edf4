//! [`Event`]: an event as an EventSource would report it, with the lines that it came in.

pub(crate) use fanfare_judge::Gap;
use fanfare_judge::{Block, Dispatched};

/// An event as an EventSource would report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The type, or "message" if none was given.
    pub(crate) kind: String,
    /// The last event id at that time.
    pub(crate) id: String,
    pub(crate) data: String,
    /// The lines of its block as they came, without comments.
    pub(crate) block: String,
}

impl Event {
    /// The loss that the stream tells, if this event is a gap.
    #[track_caller]
    pub(crate) fn gap(&self) -> Option<Gap> {
        (self.kind == fanfare_judge::GAP).then(|| Gap::read(&self.data))
    }
}

impl From<Block> for Event {
    fn from(block: Block) -> Self {
        let Dispatched { kind, data, last_id } = block.event;
        Self { kind, id: last_id, data, block: block.lines }
    }
}

/// An event id as it is ordered.
#[track_caller]
pub(crate) fn position(id: &str) -> (u64, u64) {
    let (ms, n) = id.split_once('-').unwrap_or_else(|| panic!("{id:?} is no id of the server"));
    (ms.parse().unwrap(), n.parse().unwrap())
}
