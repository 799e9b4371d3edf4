//! Records of a run: published events with target and outcome, and the events seen at each place. Only values: the
//! checker judges them.

use std::fmt;

/// The numbers of an id like `1795172087751-3`.
pub(crate) type Id = (u64, u64);

pub(crate) fn id(text: &str) -> Id {
    let (ms, count) = text.split_once('-').unwrap_or_else(|| panic!("no id: {text:?}"));
    (ms.parse().unwrap(), count.parse().unwrap())
}

/// Where an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    All,
    Channel(&'static str),
    Client(&'static str),
}

impl Target {
    /// The route of a single publish.
    pub(crate) fn path(self) -> String {
        match self {
            Self::All => "/broadcast".to_owned(),
            Self::Channel(name) => format!("/channels/{name}"),
            Self::Client(name) => format!("/clients/{name}"),
        }
    }
}

pub(crate) const CHANNELS: [&str; 3] = ["a", "b", "c"];
pub(crate) const A: Target = Target::Channel("a");
pub(crate) const B: Target = Target::Channel("b");
pub(crate) const C: Target = Target::Channel("c");
/// Targets of the events in most runs.
pub(crate) const EVERYTHING: [Target; 5] = [A, B, C, Target::All, Target::Client("user")];

/// Name of an event: its publisher, and a number that rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) publisher: char,
    pub(crate) number: u64,
}

/// One event in this many is long, so that its write to the disk can be cut in the middle.
const LARGE_EACH: u64 = 97;
const LARGE_BYTES: usize = 100_000;
/// Shortest data of publishers with a capital letter.
const HUGE_BYTES_MIN: usize = 20_000;
/// Their longest data is longer by this.
const HUGE_BYTES_SPAN: u64 = 180_000;

impl Name {
    /// The data of the event: its name, and in some events a long rest, so that a write may be cut in its middle.
    pub(crate) fn data(self) -> String {
        let more_bytes = match self.publisher.is_uppercase() {
            true => HUGE_BYTES_MIN + usize::try_from(self.number * 7_919 % HUGE_BYTES_SPAN).unwrap(),
            false if self.number % LARGE_EACH == LARGE_EACH - 1 => LARGE_BYTES,
            false => 0,
        };
        let mut data = self.to_string();
        data.push_str(&" 0123456789".repeat(more_bytes / 11));
        data
    }

    /// The event with this data. None unless every byte is right.
    pub(crate) fn of(data: &str) -> Option<Self> {
        let (publisher, number) = data.split(' ').next()?.split_once('-')?;
        let name = Self { publisher: publisher.parse().ok()?, number: number.parse().ok()? };
        (name.data() == data).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.publisher, self.number)
    }
}

/// The answer to a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Published; a batch tells only some of its ids.
    Acknowledged(Option<Id>),
    /// Not published, as an answer said.
    Refused,
    /// There was no answer.
    Unknown,
}

/// One event that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) name: Name,
    pub(crate) targets: Vec<Target>,
    pub(crate) outcome: Outcome,
}

/// One thing that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Event(Id, Name),
    /// Data that nobody published: its beginning.
    Foreign(Id, String),
    /// The text of the server.
    Gap(String),
}

impl Seen {
    pub(crate) fn event(id: Id, data: &str) -> Self {
        let foreign = || Self::Foreign(id, data.chars().take(40).collect());
        Name::of(data).map_or_else(foreign, |name| Self::Event(id, name))
    }
}

/// The lost events of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Exclusive.
    from: Id,
    /// Inclusive.
    to: Id,
}

impl Gap {
    /// Parses a gap. None if it does not name events that were lost to an absent or slow client.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let gap: serde_json::Value = serde_json::from_str(text).ok()?;
        ["busy", "expired", "restart"].contains(&gap["reason"].as_str()?).then_some(())?;
        Some(Self { from: id(gap["from"].as_str()?), to: id(gap["to"].as_str()?) })
    }

    pub(crate) fn covers(self, id: Id) -> bool {
        self.from < id && id <= self.to
    }
}

/// All that came to one place, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) place: String,
    /// The view is due the events of any of these targets.
    pub(crate) targets: Vec<Target>,
    /// The view is due only events with a higher id.
    pub(crate) after: Id,
    pub(crate) seen: Vec<Seen>,
}

impl View {
    pub(crate) fn is_due(&self, targets: &[Target]) -> bool {
        self.targets.iter().any(|target| targets.contains(target))
    }
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) published: Vec<Published>,
    /// Views of the final history, read in several ways from the beginning. Each view has all events that it is due.
    pub(crate) history: Vec<View>,
    /// Views of subscribers during the run.
    pub(crate) streams: Vec<View>,
    /// Number of last events of each target that are kept. None: all.
    pub(crate) history_events: Option<usize>,
}
