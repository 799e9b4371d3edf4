//! Values of flags: a rate, a time, a share. A value in hand is in its range.

use std::str::FromStr;
use std::time::Duration;

/// The most connections of one run; the descriptors usually end it sooner.
pub(super) const CONNECTIONS_MAX: i64 = 1_000_000;
/// The most receiving threads, processes and publishers.
pub(super) const THREADS_MAX: i64 = 64;
/// The longest duration a flag takes.
const DURATION_MAX: Duration = Duration::from_hours(24);

/// A rate of events, above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    events_per_s: f64,
}

impl Rate {
    pub(crate) fn events_per_s(self) -> f64 {
        self.events_per_s
    }

    /// When event `number` is due, in nanoseconds after the first. Computed from the start: errors do not add up.
    pub(crate) fn due_ns(self, number: u32) -> u64 {
        (f64::from(number) * 1e9 / self.events_per_s) as u64
    }

    /// How many are due within this time, the first at its start; at least one.
    pub(crate) fn events_in(self, duration: Duration) -> u32 {
        (duration.as_secs_f64() * self.events_per_s).ceil().max(1.0) as u32
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let number = typed.strip_suffix("/s").unwrap_or(typed);
        match number.parse::<f64>() {
            Ok(events_per_s) if (0.001..=1e6).contains(&events_per_s) => Ok(Self { events_per_s }),
            _ => Err("a rate is a number from 0.001 to 1000000, for instance 100/s".to_owned()),
        }
    }
}

/// Seconds, or a number with `ms`, `s` or `m`.
pub(crate) fn parse_duration(typed: &str) -> Result<Duration, String> {
    let (number, unit_s) = if let Some(number) = typed.strip_suffix("ms") {
        (number, 0.001)
    } else if let Some(number) = typed.strip_suffix('s') {
        (number, 1.0)
    } else if let Some(number) = typed.strip_suffix('m') {
        (number, 60.0)
    } else {
        (typed, 1.0)
    };
    let seconds = number.parse::<f64>().map_err(|_| "not a number of seconds, nor 500ms, 10s or 2m".to_owned())?;
    match Duration::try_from_secs_f64(seconds * unit_s) {
        Ok(duration) if !duration.is_zero() && duration <= DURATION_MAX => Ok(duration),
        _ => Err("a time is more than 0 and at most 24 hours".to_owned()),
    }
}

/// A share of the connections, in whole percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percent(u32);

impl Percent {
    /// At least one of `whole`, unless the share is zero.
    pub(crate) fn of(self, whole: u32) -> u32 {
        self.of_bytes(u64::from(whole)) as u32
    }

    /// The same of a number of bytes.
    pub(crate) fn of_bytes(self, whole: u64) -> u64 {
        (whole * u64::from(self.0)).div_ceil(100)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match typed.strip_suffix('%').unwrap_or(typed).parse() {
            Ok(percent) if percent <= 100 => Ok(Self(percent)),
            _ => Err("a share is 0 to 100, in percent".to_owned()),
        }
    }
}

/// Some of the connections: how many, or which share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Share {
    Count(u32),
    Percent(Percent),
}

impl Share {
    pub(crate) fn of(self, whole: u32) -> u32 {
        match self {
            Self::Count(count) => count.min(whole),
            Self::Percent(percent) => percent.of(whole),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if typed.ends_with('%') {
            return typed.parse().map(Self::Percent);
        }
        typed.parse().map(Self::Count).map_err(|_| "a number of streams, or a share of them as in 10%".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        assert_eq!(parse_duration("60"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "-1", "0", "nan", "inf", "25h", "1e9", "1500m"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_duration("1440m"), Ok(DURATION_MAX));
    }

    #[test]
    fn a_rate_is_above_zero() {
        let rate: Rate = "100/s".parse().unwrap();
        assert_eq!(rate.due_ns(0), 0);
        assert_eq!(rate.due_ns(250), 2_500_000_000);
        assert_eq!(rate.events_in(Duration::from_millis(2500)), 250);
        assert_eq!(rate.events_in(Duration::from_millis(1)), 1);
        for wrong in ["0/s", "-5", "nan", "inf", "2000000", "10/m", ""] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!("10%".parse::<Percent>().unwrap().of(1000), 100);
        assert_eq!("1".parse::<Percent>().unwrap().of(5), 1);
        assert_eq!("0".parse::<Percent>().unwrap().of(5), 0);
        for wrong in ["101", "-1", "x", "1.5"] {
            assert!(wrong.parse::<Percent>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn some_of_the_streams_are_so_many_or_a_share() {
        let of = |typed: &str| typed.parse::<Share>().map(|share| share.of(11_000));
        assert_eq!((of("1000"), of("10%"), of("20000")), (Ok(1000), Ok(1100), Ok(11_000)));
        assert!(of("-1").is_err() && of("101%").is_err() && of("").is_err());
    }
}
