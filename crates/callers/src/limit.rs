//! [`Limit`]: what is limited for each caller. [`Refused`]: the answer to one who is over a limit.

use thiserror::Error;

/// What a caller does, limited in its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A request of any kind.
    Request,
    /// A handshake of TLS. It costs the server more than any other thing that a stranger can ask for.
    Handshake,
    /// An event that is published. A batch has many.
    Publish,
    /// A byte of a published body.
    PublishedByte,
}

/// What a caller holds for some time, limited in its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holding {
    /// An open socket, whatever it does.
    Socket,
    /// An open event stream.
    Stream,
    /// A body that is being received.
    Body,
    /// A page of history that is being made or sent.
    HistoryPage,
    /// A catch-up that reads history.
    CatchUpRead,
    /// A pattern whose star does not stand at its end alone. All of a server have one limit, because each costs time with every event.
    InnerPattern,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// A limit of a rate.
    Rate(Act),
    /// A limit of a number.
    Number(Holding),
}

/// Number of rates.
pub(crate) const ACTS: usize = 4;
/// Number of kinds of holdings.
pub(crate) const HOLDINGS: usize = 6;

impl Limit {
    /// All limits, in the order of their names in the settings.
    pub const ALL: [Self; ACTS + HOLDINGS] = [
        Self::Rate(Act::Request),
        Self::Rate(Act::Handshake),
        Self::Rate(Act::Publish),
        Self::Rate(Act::PublishedByte),
        Self::Number(Holding::Socket),
        Self::Number(Holding::Stream),
        Self::Number(Holding::Body),
        Self::Number(Holding::HistoryPage),
        Self::Number(Holding::CatchUpRead),
        Self::Number(Holding::InnerPattern),
    ];

    /// The stable name, in kebab-case: for settings, counters and the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate(Act::Request) => "requests",
            Self::Rate(Act::Handshake) => "handshakes",
            Self::Rate(Act::Publish) => "publishes",
            Self::Rate(Act::PublishedByte) => "published-bytes",
            Self::Number(Holding::Socket) => "sockets",
            Self::Number(Holding::Stream) => "streams",
            Self::Number(Holding::Body) => "bodies",
            Self::Number(Holding::HistoryPage) => "history-pages",
            Self::Number(Holding::CatchUpRead) => "catch-up-reads",
            Self::Number(Holding::InnerPattern) => "inner-patterns",
        }
    }

    /// The reason of a refusal, as a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Rate(Act::Request) => "There are too many requests a second.",
            Self::Rate(Act::Handshake) => "There are too many handshakes of TLS a second.",
            Self::Rate(Act::Publish) => "There are too many published events a second.",
            Self::Rate(Act::PublishedByte) => "There are too many published bytes a second.",
            Self::Number(Holding::Socket) => "There are too many open sockets.",
            Self::Number(Holding::Stream) => "There are too many open event streams.",
            Self::Number(Holding::Body) => "There are too many bodies under way.",
            Self::Number(Holding::HistoryPage) => "There are too many pages of history under way.",
            Self::Number(Holding::CatchUpRead) => "There are too many reads of history for streams under way.",
            Self::Number(Holding::InnerPattern) => "There are too many patterns with a star before their end.",
        }
    }

    /// The place of the limit in [`Limit::ALL`].
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Rate(act) => act as usize,
            Self::Number(holding) => ACTS + holding as usize,
        }
    }
}

/// The answer to the newest one that is over a limit. Nobody who is in already loses anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", limit.sentence())]
pub struct Refused {
    /// The limit.
    pub limit: Limit,
    /// Seconds until another try can go well, at least 1, for `Retry-After` (RFC 9110 10.2.3). For a rate they are exact if the caller
    /// does nothing else in the meantime. For a number they are [`HELD_RETRY_AFTER_SECONDS`].
    pub retry_after_seconds: u32,
}

/// Seconds to wait for a holding to be given back. Nobody knows when that will be.
pub const HELD_RETRY_AFTER_SECONDS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_place_its_name_and_its_sentence() {
        for (place, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit.place(), place);
            let others = Limit::ALL.into_iter().filter(|other| *other != limit);
            assert!(others.clone().all(|other| other.name() != limit.name() && other.sentence() != limit.sentence()));
            assert!(limit.name().chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'));
        }
    }
}
