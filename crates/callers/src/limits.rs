//! [`Limits`]: how much one caller, or one holder, may take. [`Rate`]: how often, and how many at once.

use std::num::{NonZeroU32, NonZeroU64};

use crate::limit::{ACTS, Act, HOLDINGS, Holding};

/// A rate: so many a second on average, and so many at once after a rest.
///
/// Something that is worth more than the burst, like a large body, is let in whole while anything of the burst is left. Then the
/// caller waits until its average is right again. So within `s` seconds at most `burst` + `per_second` times `s` are let in, and on
/// top of it the rest of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Number for each second.
    pub per_second: NonZeroU64,
    /// Number at once. More than 18 * 10^15 is no limit.
    pub burst: NonZeroU64,
}

impl Rate {
    /// A rate whose burst is what comes in two seconds.
    #[must_use]
    pub const fn per_second(per_second: NonZeroU64) -> Self {
        Self { per_second, burst: per_second.saturating_add(per_second.get()) }
    }

    /// The same rate with another burst.
    #[must_use]
    pub const fn with_burst(self, burst: NonZeroU64) -> Self {
        Self { burst, ..self }
    }
}

/// What one caller or one holder may take. `None` is no limit.
///
/// [`Limits::of_caller`] and [`Limits::of_holder`] have the defaults. [`Limits::NONE`] limits nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests. Default for a caller: 1,000 a second and 2,048 at once. A second of them costs one or two hundredths of a core. All
    /// streams that a caller may have can come back at once.
    pub requests: Option<Rate>,
    /// Handshakes of TLS. Default for a caller: 100 a second and 1,024 at once. A second of them costs 2 to 10 hundredths of a core. All
    /// sockets that a caller may have can come back at once.
    pub handshakes: Option<Rate>,
    /// Published events. Default: 10,000 a second and 20,000 at once. A backend that publishes as fast is one that its operator knows.
    pub publishes: Option<Rate>,
    /// Bytes of published bodies. Default: 16 MiB a second and 32 MiB at once. Each of them is written once for each stream.
    pub published_bytes: Option<Rate>,
    /// Open sockets. Default for a caller: 1,024. An office of some hundred people has one address, and each of them some tabs.
    pub sockets: Option<NonZeroU32>,
    /// Open event streams. Default for a caller: 2,048, because HTTP/2 has many in one socket. Default for a holder: 256, because a
    /// client is a person with some devices and tabs, or a service with some processes.
    pub streams: Option<NonZeroU32>,
    /// Bodies that are being received. Default for a caller: 256. Pools of connections of a backend have up to 100.
    pub bodies: Option<NonZeroU32>,
    /// Pages of history under way. Default for a caller: 32. Each reads under the lock that all publishes share.
    pub history_pages: Option<NonZeroU32>,
    /// Catch-ups that read history at the same time. Default for a caller: 256. They have the same lock, and take turns anyway.
    pub catch_up_reads: Option<NonZeroU32>,
    /// Followed patterns with a star before their end, of all streams. Default for a caller: 32, an eighth of what a server has by
    /// default.
    pub inner_patterns: Option<NonZeroU32>,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        requests: None,
        handshakes: None,
        publishes: None,
        published_bytes: None,
        sockets: None,
        streams: None,
        bodies: None,
        history_pages: None,
        catch_up_reads: None,
        inner_patterns: None,
    };

    /// The defaults for one address, which a whole office may share.
    #[must_use]
    pub const fn of_caller() -> Self {
        Self {
            requests: rate(1_000, 2_048),
            handshakes: rate(100, 1_024),
            sockets: NonZeroU32::new(1_024),
            streams: NonZeroU32::new(2_048),
            bodies: NonZeroU32::new(256),
            history_pages: NonZeroU32::new(32),
            catch_up_reads: NonZeroU32::new(256),
            inner_patterns: NonZeroU32::new(32),
            ..Self::of_publisher()
        }
    }

    /// The defaults for one name: a publisher's key, the holder of a token, or a client.
    #[must_use]
    pub const fn of_holder() -> Self {
        Self { streams: NonZeroU32::new(256), ..Self::of_publisher() }
    }

    const fn of_publisher() -> Self {
        Self { publishes: rate(10_000, 20_000), published_bytes: rate(16 << 20, 32 << 20), ..Self::NONE }
    }

    /// The rates, by [`Act`].
    pub(crate) fn rates(&self) -> [Option<Rate>; ACTS] {
        [Act::Request, Act::Handshake, Act::Publish, Act::PublishedByte].map(|act| match act {
            Act::Request => self.requests,
            Act::Handshake => self.handshakes,
            Act::Publish => self.publishes,
            Act::PublishedByte => self.published_bytes,
        })
    }

    /// The numbers, by [`Holding`].
    pub(crate) fn numbers(&self) -> [Option<NonZeroU32>; HOLDINGS] {
        [
            Holding::Socket,
            Holding::Stream,
            Holding::Body,
            Holding::HistoryPage,
            Holding::CatchUpRead,
            Holding::InnerPattern,
        ]
        .map(|holding| match holding {
            Holding::Socket => self.sockets,
            Holding::Stream => self.streams,
            Holding::Body => self.bodies,
            Holding::HistoryPage => self.history_pages,
            Holding::CatchUpRead => self.catch_up_reads,
            Holding::InnerPattern => self.inner_patterns,
        })
    }
}

const fn rate(per_second: u64, burst: u64) -> Option<Rate> {
    match (NonZeroU64::new(per_second), NonZeroU64::new(burst)) {
        (Some(per_second), Some(burst)) => Some(Rate { per_second, burst }),
        _ => None,
    }
}
