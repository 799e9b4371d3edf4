//! [`History`]: the settings of the events that the server keeps. [`ForChannels`]: the limits of the channels that
//! match a pattern.

use std::time::Duration;

use clap::ArgAction;
use fanfare_core::{Pattern, Retention, Retentions};

use super::{
    units::{MS, YEAR},
    value::{duration, ms, number, size},
};

const EXAMPLE: &str = "news.*=events:10 bytes:1MiB age:10m";

/// Settings of `fanfare serve` on history. A target is what an event was sent to: a channel, a client id, or all.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct History {
    /// The server keeps at most this many events of each target: a channel, a client id, or all.
    ///
    /// With 0 it keeps none, and a client that comes back receives a gap.
    #[arg(long, env = "FANFARE_HISTORY_EVENTS", value_name = "N", default_value = "1000", value_parser = number(0, u32::MAX), help_heading = "History")]
    history_events: u32,

    /// The events kept of each target may take at most this memory.
    ///
    /// A larger event is not kept.
    #[arg(long, env = "FANFARE_HISTORY_BYTES", value_name = "SIZE", default_value = "4MiB", value_parser = bytes, help_heading = "History")]
    history_bytes: usize,

    /// The server keeps an event for at most this time.
    #[arg(long, env = "FANFARE_HISTORY_AGE", value_name = "DURATION", default_value = "1h", value_parser = age, help_heading = "History")]
    history_age: Duration,

    /// Channels that match a pattern have limits of their own, as in `news.*=events:10 bytes:1MiB age:10m`.
    ///
    /// A limit that is left out is the same as for each target. `*` is any run of characters. The first pattern that
    /// matches decides. The setting may be given several times. Commas separate the entries in the environment.
    #[arg(long = "history-channel", env = "FANFARE_HISTORY_CHANNEL", value_name = "PATTERN=LIMITS", value_delimiter = ',', action = ArgAction::Append, value_parser = ForChannels::parse, help_heading = "History")]
    history_channels: Vec<ForChannels>,
}

impl History {
    /// The limits of each target, and of all targets together.
    pub(super) fn retentions(&self, bytes_max: usize, targets_max: u32) -> Retentions {
        let each = Retention {
            events_max: count(self.history_events),
            bytes_max: self.history_bytes,
            age_ms_max: ms(self.history_age),
        };
        let channels = self.history_channels.iter().map(|channels| channels.or(each)).collect();
        Retentions { each, channels, bytes_max, targets_max: count(targets_max) }
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn bytes(text: &str) -> Result<usize, String> {
    size(1, usize::MAX)(text)
}

fn age(text: &str) -> Result<Duration, String> {
    duration(MS, YEAR)(text)
}

/// A pattern and the limits that it names.
#[derive(Clone, Debug)]
struct ForChannels {
    pattern: Pattern,
    events: Option<u32>,
    bytes: Option<usize>,
    age: Option<Duration>,
}

impl ForChannels {
    /// # Errors
    /// A sentence that names the part that is wrong.
    fn parse(text: &str) -> Result<Self, String> {
        // Split at the last `=`: a channel's name may hold one, a limit does not.
        let (pattern, limits) = text.rsplit_once('=').ok_or_else(|| {
            format!("no pattern with limits; write for instance '{EXAMPLE}', with spaces between the limits")
        })?;
        let pattern = Pattern::new(pattern).map_err(|error| format!("the pattern before =: {error}"))?;
        let mut channels = Self { pattern, events: None, bytes: None, age: None };
        let mut limits = limits.split_whitespace().peekable();
        if limits.peek().is_none() {
            return Err(format!("no limit behind =; write for instance '{EXAMPLE}'"));
        }
        limits.try_for_each(|limit| channels.set(limit).map_err(|reason| format!("`{limit}`: {reason}")))?;
        Ok(channels)
    }

    fn set(&mut self, limit: &str) -> Result<(), String> {
        match limit.split_once(':') {
            Some(("events", value)) => once(&mut self.events, events(value)?),
            Some(("bytes", value)) => once(&mut self.bytes, bytes(value)?),
            Some(("age", value)) => once(&mut self.age, age(value)?),
            _ => Err("no limit; write events:N, bytes:SIZE or age:DURATION".to_owned()),
        }
    }

    /// The limits of the pattern. Those that it does not name are from `each`.
    fn or(&self, each: Retention) -> (Pattern, Retention) {
        let retention = Retention {
            events_max: self.events.map_or(each.events_max, count),
            bytes_max: self.bytes.unwrap_or(each.bytes_max),
            age_ms_max: self.age.map_or(each.age_ms_max, ms),
        };
        (self.pattern.clone(), retention)
    }
}

fn once<T>(limit: &mut Option<T>, value: T) -> Result<(), String> {
    match limit.replace(value) {
        None => Ok(()),
        Some(_) => Err("this limit is given twice".to_owned()),
    }
}

fn events(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("not a number of events from 0 to {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Retention = Retention { events_max: 1, bytes_max: 2, age_ms_max: 3 };

    fn parsed(text: &str) -> (String, Retention) {
        let (pattern, retention) = ForChannels::parse(text).unwrap().or(EACH);
        (pattern.as_str().to_owned(), retention)
    }

    #[test]
    fn limits_come_in_any_order_and_those_left_out_are_as_for_each_target() {
        let all = Retention { events_max: 10, bytes_max: 1 << 20, age_ms_max: 600_000 };
        for text in [EXAMPLE, "news.*=age:10m  events:10 bytes:1MiB", "news.*=bytes:1048576 age:600s events:010"] {
            assert_eq!(parsed(text), ("news.*".to_owned(), all), "{text}");
        }
        assert_eq!(parsed("a=events:0").1, Retention { events_max: 0, ..EACH });
        assert_eq!(parsed("a=bytes:9").1, Retention { bytes_max: 9, ..EACH });
        assert_eq!(parsed("a=age:9ms").1, Retention { age_ms_max: 9, ..EACH });
    }

    #[test]
    fn a_pattern_may_hold_what_a_channel_may() {
        for (text, pattern) in [("a=b=events:1", "a=b"), ("a b:*=events:1", "a b:*"), ("{ü}=events:1", "{ü}")] {
            assert_eq!(parsed(text).0, pattern);
        }
        let longest = "x".repeat(256);
        assert_eq!(parsed(&format!("{longest}=events:1")).0, longest);
        assert!(ForChannels::parse(&format!("x{longest}=events:1")).unwrap_err().contains("at most 256 bytes"));
    }

    #[test]
    fn limits_have_bounds() {
        for (good, bad) in
            [("events:4294967295", "events:4294967296"), ("bytes:1", "bytes:0"), ("age:365d", "age:366d")]
        {
            assert!(ForChannels::parse(&format!("a={good}")).is_ok(), "{good}");
            assert!(ForChannels::parse(&format!("a={bad}")).unwrap_err().starts_with(&format!("`{bad}`: ")), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            ("", "no pattern with limits"),
            ("bytes:1MiB", "with spaces between the limits"),
            ("=events:1", "the pattern before =: a name must not be empty"),
            ("a\u{7}=events:1", "the pattern before =: a name must not contain control characters"),
            ("a=", "no limit behind ="),
            ("a= ", "no limit behind ="),
            ("a=10", "`10`: no limit; write events:N"),
            ("a=events", "`events`: no limit; write events:N"),
            ("a=evnets:1", "`evnets:1`: no limit; write events:N"),
            ("a=events:", "`events:`: not a number of events"),
            ("a=bytes:1 events:-1", "`events:-1`: not a number of events"),
            ("a=events:1 bytes:many", "`bytes:many`: not a size"),
            ("a=bytes:1 MiB", "`MiB`: no limit"),
            ("a=age:10", "`age:10`: "),
            ("a=age:0s", "`age:0s`: must be at least 1ms"),
            ("a=events:1 events:1", "`events:1`: this limit is given twice"),
        ] {
            let error = ForChannels::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
