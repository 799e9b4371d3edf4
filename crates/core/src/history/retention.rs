//! [`Retention`]: how much history one target keeps. [`Retentions`]: the retention of every target, and the limits of the whole
//! history.

use crate::event::{pattern::Pattern, target::Target};

/// The limits of one target's history. Above any of the three the oldest event is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The number of events. 0 keeps none.
    pub events_max: usize,
    /// Bytes of memory that the events take, with their records ([`crate::Message::kept_bytes`]).
    pub bytes_max: usize,
    /// The age of an event, in milliseconds.
    pub age_ms_max: u64,
}

impl Default for Retention {
    /// 1,000 events, 4 MiB, 1 h.
    fn default() -> Self {
        Self { events_max: 1_000, bytes_max: 4 << 20, age_ms_max: 60 * 60 * 1_000 }
    }
}

/// The limits of a hub's history.
///
/// ```
/// use fanfare_core::{Config, Pattern, Retention, Retentions};
///
/// let few = Retention { events_max: 10, ..Retention::default() };
/// let channels = vec![(Pattern::new("prices.*").unwrap(), few)];
/// let config = Config { history: Retentions { channels, ..Retentions::default() }, ..Config::default() };
/// assert_eq!(config.history.channels[0].1.events_max, 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retentions {
    /// The limits of every target without a matching pattern. Default: [`Retention::default`].
    pub each: Retention,
    /// The limits of channels by pattern. The first pattern that matches decides. Default: none.
    pub channels: Vec<(Pattern, Retention)>,
    /// Bytes of memory that all events take together, each once. Default 256 MiB.
    pub bytes_max: usize,
    /// Targets that have a history. Above this the target that was silent for longest is forgotten. Default 100,000.
    pub targets_max: usize,
}

impl Default for Retentions {
    fn default() -> Self {
        Self { each: Retention::default(), channels: Vec::new(), bytes_max: 256 << 20, targets_max: 100_000 }
    }
}

impl Retentions {
    /// Limits that keep no history at all.
    pub fn none() -> Self {
        Self { each: Retention { events_max: 0, ..Retention::default() }, ..Self::default() }
    }

    /// The limits of `target`.
    pub(crate) fn of(&self, target: &Target) -> Retention {
        let Target::Channel(channel) = target else { return self.each };
        let found = self.channels.iter().find(|(pattern, _)| pattern.matches(channel.as_str()));
        found.map_or(self.each, |(_, retention)| *retention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::name::Channel;

    #[test]
    fn the_first_pattern_that_matches_decides_and_only_for_channels() {
        let few = |events_max| Retention { events_max, ..Retention::default() };
        let pattern = |text| Pattern::new(text).unwrap();
        let channels = vec![(pattern("a.b"), few(1)), (pattern("a.*"), few(2))];
        let retentions = Retentions { channels, ..Retentions::default() };
        let of = |name: &str| retentions.of(&Target::Channel(Channel::new(name).unwrap())).events_max;
        assert_eq!((of("a.b"), of("a.c"), of("b")), (1, 2, 1_000));
        assert_eq!(retentions.of(&Target::All).events_max, 1_000);
    }
}
