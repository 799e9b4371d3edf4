//! [`Requests`]: the limits on the size and the time of a request.

use std::time::Duration;

use super::{
    units::{GIB, KIB, MIB, MS, YEAR},
    value::{duration, number, size},
};

/// Keys of `[limits]` on requests.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Requests")]
pub(super) struct Requests {
    /// The head of a request, with its path and query, may have at most this size.
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = size(8 * KIB, 16 * MIB))]
    pub(super) head_bytes: usize,

    /// The head of a request may take at most this time.
    ///
    /// The first request of a connection must begin within the same time.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration(MS, YEAR))]
    pub(super) head_timeout: Duration,

    /// A body, or a line of a batch, may pause for at most this time between two pieces.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR))]
    pub(super) body_idle_timeout: Duration,

    /// A body, or a line of a batch, may take at most this time in all.
    ///
    /// Each 16 KiB of it add one second.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration(MS, YEAR))]
    pub(super) body_timeout: Duration,

    /// A batch may pause for at most this time between two lines.
    ///
    /// An empty line counts as a line.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR))]
    pub(super) batch_idle_timeout: Duration,

    /// All bodies that are being received may take at most this memory together [default: from --memory].
    ///
    /// Further bodies wait or are refused. Pages of history that are being sent may take as much again.
    #[arg(long, value_name = "SIZE", value_parser = size(1, usize::MAX))]
    pub(super) bodies_bytes: Option<usize>,

    /// One connection may follow at most this many channels.
    #[arg(long, value_name = "N", default_value = "128", value_parser = number(1, u16::MAX))]
    pub(super) channels_max: u16,

    /// One connection may follow at most this many patterns.
    ///
    /// Patterns count among its channels too.
    #[arg(long, value_name = "N", default_value = "16", value_parser = number(0, u16::MAX))]
    pub(super) patterns: u16,

    /// All connections together may follow at most this many different patterns with a star elsewhere than at the end.
    ///
    /// The name of each event is compared with all of them that have its beginning. Patterns whose only star is at the end
    /// have no limit.
    #[arg(long, value_name = "N", default_value = "256", value_parser = number(0_u32, 1_000_000))]
    pub(super) inner_patterns: u32,

    /// The application of --authorize-url is asked at most this many questions at a time.
    ///
    /// Further requests are refused, and their clients are told to come back later.
    #[arg(long, value_name = "N", default_value = "256", value_parser = number(1_u32, 65_536))]
    pub(super) authorize_under_way: u32,

    /// The server keeps at most this many answers of the application.
    ///
    /// It keeps those that say for how long (`Cache-Control: max-age`), for an hour at most. The oldest makes room.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = number(0_u32, 1_000_000))]
    pub(super) authorize_cache: u32,

    /// A subscriber may send at most this many bytes after its request.
    ///
    /// The server throws these bytes away.
    #[arg(long, value_name = "SIZE", default_value = "4KiB", value_parser = size(0, GIB))]
    pub(super) input_bytes: usize,

    /// A request waits for at most this time for a node that has not yet read the events of the other nodes.
    ///
    /// After this time the server tells the client to come back later.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration(Duration::ZERO, YEAR))]
    pub(super) ready_timeout: Duration,
}
