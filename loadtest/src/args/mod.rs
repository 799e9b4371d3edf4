//! The command line: what was typed, checked as far as it can be without a network.
//!
//! The only place that reads flags. A value that has passed here is in its range.

pub(crate) mod compare;
pub(crate) mod floor;
pub(crate) mod rolling;
pub(crate) mod streams;
pub(crate) mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use self::streams::StreamArgs;
use self::values::{CONNECTIONS_MAX, Percent, Rate, Share, THREADS_MAX, parse_duration};
use crate::attack::kind::Kind;
use crate::report::Format;

/// The most events of one run: what is kept of each in memory stays small.
pub(crate) const EVENTS_MAX: u32 = 1_000_000;
/// The data of one event, in bytes, unless it is said.
const SIZE_BYTES: u32 = 128;
/// The largest data of one event, in bytes.
const SIZE_BYTES_MAX: i64 = 16 << 20;
/// The smallest data that can hold the stamp, in bytes.
const SIZE_BYTES_MIN: i64 = crate::measure::stamp::DATA_BYTES_MIN as i64;
/// The most that a slow reader takes, in bytes a second: a full buffer ten times. The least is a byte each time.
const SLOW_BYTES_MAX: i64 = 655_360;
/// The most that a reader of a given pace takes, in bytes a second.
const PACED_BYTES_MAX: i64 = 100_000_000;
/// The most clients that connect at once: one source address has ports for them.
const NEWCOMERS_MAX: i64 = 20_000;
/// The most addresses of attackers: a little of a /16.
const ATTACKERS_MAX: i64 = 10_000;
/// The most lines of a batch, and its most bytes of data: it is made in memory, by each publisher.
const BATCH_LINES_MAX: i64 = 10_000;
pub(crate) const BATCH_BYTES_MAX: u64 = 64 << 20;

/// Puts load on a server of Server-Sent Events and reports what arrived, how late, and at what cost.
///
/// Exit status: 0 when every event reached every stream once and in order, 1 when not or when the target failed (for
/// `speeds`, where readers are slow on purpose: an event that its stream was told is missing counts as accounted for),
/// 2 for a wrong command line, too few file descriptors or too few local ports. For `compare`: 0 when Fanfare had no
/// fault, whatever the others had and whichever targets were missed; 1 when it had one or something is missing.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Write the report to this file too: one page of HTML with its charts, that needs nothing else
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

impl Args {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publish at a fixed rate to one channel with many streams and check every delivery
    Fanout(FanoutArgs),
    /// Publish at a fixed rate to many channels in turn
    Channels(ChannelsArgs),
    /// Publish at a fixed rate to many clients in turn, each by its id
    Targeted(TargetedArgs),
    /// Publish to one channel as fast as the target answers
    ///
    /// With --batch and --connections 0: how many publishes a second it takes and acknowledges.
    #[command(mut_arg("connections", |connections| connections.value_parser(clap::value_parser!(u32).range(0..=CONNECTIONS_MAX))))]
    FlatOut(FlatOutArgs),
    /// Publish while some of the streams do not read, or read slowly
    Slow(SlowArgs),
    /// Publish while streams come and go
    Churn(ChurnArgs),
    /// Publish while most streams are away and come back at once, with Last-Event-ID, for what they have missed
    ///
    /// Those that stay follow one channel, at a low rate, and those that leave another. The report says what the live
    /// traffic felt before the storm and in it, when all had caught up, and what the server took for it. With a server
    /// that knows no channels, what is meant for the others is told as damage.
    // As the storm has it: 1,000 that stay, 10,000 that leave.
    #[command(mut_arg("connections", |connections| connections.required(false).default_value("11000")))]
    Storm(StormArgs),
    /// Publish to standing streams while a crowd connects at once over TLS, each with a full handshake
    ///
    /// The newcomers ask for nothing: what is measured is the handshake. The report says what the standing streams felt
    /// before and meanwhile, how long the handshakes took, and, with --pid, how many of them a core of the server does
    /// in a second: from its CPU meanwhile, less what so many events took before. With --connections 0 there
    /// are handshakes alone.
    #[command(mut_arg("connections", |connections| {
        let range = clap::value_parser!(u32).range(0..=CONNECTIONS_MAX);
        connections.required(false).default_value("500").value_parser(range)
    }))]
    Handshakes(HandshakesArgs),
    /// Publish to honest streams while an attacker holds, floods and probes
    ///
    /// The report says what the honest streams felt in calm and under attack, and what the attacker was refused. On
    /// loopback the attacker has addresses of its own, and the honest streams have many, eight streams each. The
    /// attacker has no token, or a wrong one. Its sockets send nothing. 64 clients open streams and drop them, 64 send
    /// requests, 64 send bodies of a byte every 100 ms, and 4 HTTP/2 connections open 500 streams each and read none.
    #[command(mut_arg("connections", |connections| connections.required(false).default_value("500")))]
    Abuse(AbuseArgs),
    /// Publish as fast as the target answers to readers of five speeds, and check what each was told of its losses
    ///
    /// The streams are spread evenly over the speeds: reading at once, at most so many bytes a second, and now and then
    /// not at all. It fails if an event is lost without a word, comes twice or late, or if a stream was told of more or
    /// of fewer losses than it has.
    Speeds(SpeedsArgs),
    /// Replace two nodes behind nginx, one after the other, while streams come back as browsers do
    ///
    /// Starts a Redis, two nodes of Fanfare that share it, and nginx with the file of examples/two-nodes. Publishes go
    /// through nginx too, and one that fails is sent again with its Idempotency-Key. It fails if an event is lost, comes
    /// twice or out of order, if a stream is refused, if a node does not end in order, or if too many streams come back
    /// within one second.
    Rolling(rolling::RollingArgs),
    /// Publish for a long time and fail if the server grows
    Soak(SoakArgs),
    /// Hold many open streams and weigh them
    Idle(IdleArgs),
    /// Put the floor, Fanfare, nchan and others under the same loads, also over TLS and HTTP/2, and compare them
    Compare(compare::CompareArgs),
    /// Serve what the kernel alone costs: a bare server to compare others with
    ///
    /// The floor speaks HTTP/2 with whoever begins so, and HTTP/1.1 with all others. With a certificate it speaks both
    /// over TLS, through rustls' own buffered connection.
    Floor(floor::FloorArgs),
    /// Receive for another process of this program
    #[command(hide = true)]
    Receive,
}

/// Options of every scenario that publishes.
#[derive(Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The data of one event, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = SIZE_BYTES,
          value_parser = clap::value_parser!(u32).range(SIZE_BYTES_MIN..=SIZE_BYTES_MAX))]
    pub(crate) size: u32,
    /// The number of publishers, each on a connection of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    publishers: u16,
    /// The server's process, or those of all nodes: adds their CPU time and their memory to the report
    #[arg(long, value_name = "PID,...", value_delimiter = ',')]
    pub(crate) pid: Vec<u32>,
    /// After the last publish: give up, and count as lost, what has not come when nothing came for this long
    #[arg(long, value_name = "TIME", default_value = "2", value_parser = parse_duration)]
    pub(crate) quiet: Duration,
}

impl PublishArgs {
    /// One publisher of events of the usual size.
    pub(crate) fn alone(quiet: Duration) -> Self {
        Self { size: SIZE_BYTES, publishers: 1, pid: Vec::new(), quiet }
    }

    pub(crate) fn publishers(&self) -> u32 {
        u32::from(self.publishers)
    }
}

/// The amount that is published. One of the two bounds has to be given.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct AmountArgs {
    /// The number of events to publish
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=i64::from(EVENTS_MAX)))]
    pub(crate) events: Option<u32>,
    /// For how long to publish, in seconds or with a unit
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
}

/// An open loop.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RateArgs {
    /// Events per second, for instance 100/s
    #[arg(long, value_name = "R/s")]
    pub(crate) rate: Rate,
    #[command(flatten)]
    pub(crate) amount: AmountArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FanoutArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    #[command(flatten)]
    pub(crate) rate: RateArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChannelsArgs {
    #[command(flatten)]
    pub(crate) fanout: FanoutArgs,
    /// The number of channels that the streams are spread over; each follows one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) channels: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TargetedArgs {
    #[command(flatten)]
    pub(crate) fanout: FanoutArgs,
    /// The number of client ids that the streams are spread over [default: one each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) clients: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FlatOutArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    /// Publish in batches, NDJSON, of so many lines; every one has to be acknowledged as published. Where they go and
    /// what a line is can be given with --publish-path and --body
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..=BATCH_LINES_MAX))]
    pub(crate) batch: Option<u32>,
    #[command(flatten)]
    pub(crate) amount: AmountArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SlowArgs {
    #[command(flatten)]
    pub(crate) fanout: FanoutArgs,
    /// The share of the streams that never read
    #[arg(long, value_name = "PERCENT", default_value = "10%")]
    pub(crate) stuck: Percent,
    /// The share of the streams that read slowly
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    pub(crate) slow: Percent,
    /// The speed at which these read, in bytes a second
    #[arg(long, value_name = "BYTES", default_value = "4096", value_parser = clap::value_parser!(u32).range(10..=SLOW_BYTES_MAX))]
    pub(crate) slow_bytes_per_s: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChurnArgs {
    #[command(flatten)]
    pub(crate) fanout: FanoutArgs,
    /// The share of the streams that come and go
    #[arg(long, value_name = "PERCENT", default_value = "50%")]
    pub(crate) visitors: Percent,
    /// The number of them that leave, and as many come, in a second
    #[arg(long, value_name = "R/s", default_value = "100/s")]
    pub(crate) churn: Rate,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StormArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    /// Events per second to those that stay
    #[arg(long, value_name = "R/s", default_value = "20/s")]
    pub(crate) rate: Rate,
    /// The streams that stay, and show what the live traffic feels: how many, or which share
    #[arg(long, value_name = "N|PERCENT", default_value = "1000")]
    pub(crate) stay: Share,
    /// Events that the others miss: published while they are away, as fast as the target answers
    #[arg(long, value_name = "N", default_value = "1000",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(EVENTS_MAX)))]
    pub(crate) missed: u32,
    /// Events per second to the others while they are there: few, beside the one that gives each a position
    #[arg(long, value_name = "R/s", default_value = "0.1/s")]
    pub(crate) away_rate: Rate,
    /// The number of streams that come back at the same time, in each process [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) returning_max: Option<u32>,
    /// The time to publish before the others leave
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) before: Duration,
    /// The time for which they are away, at least
    #[arg(long, value_name = "TIME", default_value = "2", value_parser = parse_duration)]
    pub(crate) away: Duration,
    /// The time to publish after they have begun to come back, at least: it goes on until all have caught up
    #[arg(long, value_name = "TIME", default_value = "4", value_parser = parse_duration)]
    pub(crate) after: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HandshakesArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    /// Events per second to the standing streams
    #[arg(long, value_name = "R/s", default_value = "50/s")]
    pub(crate) rate: Rate,
    /// The number of clients that connect at once
    #[arg(long, value_name = "N", default_value = "2000", value_parser = clap::value_parser!(u32).range(1..=NEWCOMERS_MAX))]
    pub(crate) newcomers: u32,
    /// The time to publish before they come
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) before: Duration,
    /// The time to publish after the last handshake, at least
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = parse_duration)]
    pub(crate) after: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AbuseArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    /// Events per second to the honest streams
    #[arg(long, value_name = "R/s", default_value = "50/s")]
    pub(crate) rate: Rate,
    /// The time to publish before the attack
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) before: Duration,
    /// The length of the attack
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) attack: Duration,
    /// The ways of the attacker; all if not given
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) kinds: Vec<Kind>,
    /// The source addresses of the attacker, on loopback
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=ATTACKERS_MAX))]
    pub(crate) attackers: u32,
    /// The sockets that it holds and that send nothing
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=NEWCOMERS_MAX))]
    pub(crate) held: u32,
    /// The most connects, streams and requests a second, of each way
    #[arg(long, value_name = "R/s", default_value = "500/s")]
    pub(crate) flood_rate: Rate,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SpeedsArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    /// The number of events to publish
    #[arg(long, value_name = "M", default_value = "50000",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(EVENTS_MAX)))]
    pub(crate) events: u32,
    /// The speeds between reading at once and stopping, in bytes a second
    #[arg(long, value_name = "BYTES,...", value_delimiter = ',', default_value = "1000000,200000,50000",
          value_parser = clap::value_parser!(u32).range(1000..=PACED_BYTES_MAX))]
    pub(crate) bytes_per_s: Vec<u32>,
    /// The time for which those that stop do not read
    #[arg(long, value_name = "TIME", default_value = "3", value_parser = parse_duration)]
    pub(crate) nap: Duration,
    /// The time for which all keep their speeds after the last publish; then all read to the end
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) own_pace: Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    pub(crate) fanout: FanoutArgs,
    /// The growth of the server's memory that is allowed from the second quarter to the last, in percent
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    pub(crate) growth_max: Percent,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    pub(crate) streams: StreamArgs,
    /// The time to hold the streams, in seconds or with a unit
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) hold: Duration,
    /// The server's process, or those of all nodes, whose memory is weighed
    #[arg(long, value_name = "PID,...", value_delimiter = ',', required = true)]
    pub(crate) pid: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::wire::target::Url;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    fn flat_out(line: &str) -> Result<FlatOutArgs, String> {
        let line = format!("fanfare-loadtest flat-out --events 1 {line}");
        match Args::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?.command {
            Command::FlatOut(flat_out) => Ok(flat_out),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_nodes_come_after_the_server_however_they_are_given() {
        let urls = |line: &str| -> Vec<Url> { flat_out(line).unwrap().streams.urls().cloned().collect() };
        let expected = ["http://a:1", "http://a:2", "http://a:3"].map(|url| url.parse().unwrap());
        assert_eq!(urls("--connections 1 --url http://a:1 --nodes http://a:2,http://a:3"), expected);
        assert_eq!(urls("--connections 1 --nodes http://a:2 --nodes http://a:3 --url http://a:1"), expected);
        assert_eq!(urls("--connections 1 --url http://a:1"), expected[..1]);
        assert!(flat_out("--connections 1 --nodes http://a:2").is_err(), "one of them is the --url");
    }

    #[test]
    fn a_transport_that_makes_no_sense_is_refused() {
        let refused = |line: &str| {
            flat_out(&format!("--connections 1 {line}")).unwrap().streams.transport().map_err(|error| error.to_string())
        };
        assert_eq!(refused("--url https://a --tls-ca x.pem --http 2").unwrap().tls_ca, Some("x.pem".into()));
        assert_eq!(refused("--url http://a --http 2 --streams-per-connection 4").unwrap().streams_per_connection, 4);
        for (line, why) in [
            ("--url http://a --streams-per-connection 2", "streams share a connection with --http 2 only"),
            ("--url http://a --tls-ca x.pem", "--tls-ca is for https:// only"),
            ("--url https://a --nodes http://b", "the nodes of a run are all https:// or all http://"),
        ] {
            assert_eq!(refused(line).unwrap_err(), why);
        }
    }

    #[test]
    fn only_flat_out_does_without_streams() {
        let flat_out = flat_out("--connections 0 --processes 2 --threads 2 --pid 7,8 --url http://a:1").unwrap();
        assert_eq!((flat_out.streams.threads(), flat_out.streams.processes()), (1, 1));
        assert_eq!((flat_out.publish.pid, flat_out.batch), (vec![7, 8], None));
        let line = "fanfare-loadtest fanout --url http://a:1 --connections 0 --rate 1/s --events 1";
        assert!(Args::try_parse_from(line.split_whitespace()).is_err());
    }
}
