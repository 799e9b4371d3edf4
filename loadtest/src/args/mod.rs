//! The command line: what was typed, checked as far as it can be without a network.
//!
//! The only file that reads flags. A value that has passed here is in its range.

use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::report::Format;
use crate::wire::target::{Path, Url};

/// The most events of one run: each costs 16 bytes a receiving thread.
const EVENTS_MAX: i64 = 1_000_000;
/// The largest data of one event, in bytes.
const SIZE_BYTES_MAX: i64 = 16 << 20;
/// The smallest data that can hold the stamp, in bytes.
const SIZE_BYTES_MIN: i64 = crate::measure::stamp::DATA_BYTES_MIN as i64;
/// The most connections of one run; the descriptors usually end it sooner.
const CONNECTIONS_MAX: i64 = 1_000_000;
/// The most receiving threads.
const THREADS_MAX: i64 = 64;
/// The longest duration a flag takes.
const DURATION_MAX: Duration = Duration::from_hours(24);

/// Puts load on a server of Server-Sent Events and reports what arrived, how late, and at what cost.
///
/// Exit status: 0 when every event reached every stream once and in order, 1 when not or when the target failed,
/// 2 for a wrong command line or too few file descriptors.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
}

impl Args {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publish at a fixed rate to many open streams and check every delivery
    Fanout(FanoutArgs),
    /// Hold many open streams and weigh them
    Idle(IdleArgs),
}

/// What every scenario says about the streams that it opens.
#[derive(Debug, clap::Args)]
pub(crate) struct StreamArgs {
    /// The server, as http://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub(crate) url: Url,
    /// The path that is subscribed to
    #[arg(long, value_name = "PATH", default_value = "/sse?channel=load")]
    pub(crate) subscribe_path: Path,
    /// How many event streams to hold open
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) connections: u32,
    /// Receiving threads; half of the processors, at most 4, if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    threads: Option<u16>,
    /// The bound of the whole run (for `idle`: of its opening), in seconds or with a unit: 60, 500ms, 2m
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

impl StreamArgs {
    /// How many threads receive: never more than there are connections.
    pub(crate) fn threads(&self) -> u32 {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let half = u32::try_from(processors / 2).unwrap_or(1).clamp(1, 4);
        self.threads.map_or(half, u32::from).min(self.connections)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct FanoutArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    /// The path that is published to
    #[arg(long, value_name = "PATH", default_value = "/channels/load/broadcast")]
    pub(crate) publish_path: Path,
    /// Events per second, for instance 100/s
    #[arg(long, value_name = "R/s")]
    pub(crate) rate: Rate,
    /// How many events to publish
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=EVENTS_MAX))]
    pub(crate) events: u32,
    /// The data of one event, in bytes
    #[arg(long, value_name = "BYTES", default_value = "128",
          value_parser = clap::value_parser!(u32).range(SIZE_BYTES_MIN..=SIZE_BYTES_MAX))]
    pub(crate) size: u32,
    /// The server's process: adds its CPU time and its memory to the report
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// After the last publish: give up, and count as lost, what has not come when nothing came for this long
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) quiet: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    /// How long to hold the streams, in seconds or with a unit
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration)]
    pub(crate) hold: Duration,
    /// The server's process, whose memory is weighed
    #[arg(long, value_name = "PID")]
    pub(crate) pid: u32,
}

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
fn parse_duration(typed: &str) -> Result<Duration, String> {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

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
        for wrong in ["0/s", "-5", "nan", "inf", "2000000", "10/m", ""] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
