//! What was published, to whom and with which outcome, and what was seen of it where. Values alone: the checker judges
//! them.

use std::fmt;

/// `1795172087751-3` as numbers.
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
/// Whatever is published in most runs goes to some of these.
pub(crate) const EVERYTHING: [Target; 5] = [A, B, C, Target::All, Target::Client("user")];

/// What an event is known by: its publisher, and a number that rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) publisher: char,
    pub(crate) number: u64,
}

/// One event in so many is so long that its write to the disk can be cut in the middle.
const LARGE_EACH: u64 = 97;
const LARGE_BYTES: usize = 100_000;
/// Publishers with a capital letter publish nothing shorter than this,
const HUGE_BYTES_MIN: usize = 20_000;
/// and nothing that is longer by more.
const HUGE_BYTES_SPAN: u64 = 180_000;

impl Name {
    /// All of the data: the name, and in some much more, so that a write may be cut in its middle.
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

    /// The event with this data; none has it unless every byte is right.
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

/// What a publisher was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Published; a batch tells only some of its ids.
    Acknowledged(Option<Id>),
    /// Not published, as an answer said.
    Refused,
    /// There was no answer.
    Unknown,
}

/// One event, sent.
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
    /// With data that nobody published: the first of it.
    Foreign(Id, String),
    /// As the server says it.
    Gap(String),
}

impl Seen {
    pub(crate) fn event(id: Id, data: &str) -> Self {
        let foreign = || Self::Foreign(id, data.chars().take(40).collect());
        Name::of(data).map_or_else(foreign, |name| Self::Event(id, name))
    }
}

/// What a gap that was told says of lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Exclusive.
    from: Id,
    /// Inclusive.
    to: Id,
}

impl Gap {
    /// None: it says of no event that it is lost to one who was away or too slow.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let gap: serde_json::Value = serde_json::from_str(text).ok()?;
        ["busy", "expired", "restart"].contains(&gap["reason"].as_str()?).then_some(())?;
        Some(Self { from: id(gap["from"].as_str()?), to: id(gap["to"].as_str()?) })
    }

    pub(crate) fn covers(self, id: Id) -> bool {
        self.from < id && id <= self.to
    }
}

/// Everything that came to one place, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) place: String,
    /// It is due what goes to any of these,
    pub(crate) targets: Vec<Target>,
    /// with an id above this.
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
    /// What is kept at the end, read in several ways from the beginning: each view has all that it is due.
    pub(crate) history: Vec<View>,
    /// What subscribers saw meanwhile.
    pub(crate) streams: Vec<View>,
    /// How many of the last events of each target are kept. None: all.
    pub(crate) history_events: Option<usize>,
}
