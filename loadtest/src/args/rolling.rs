//! The flags of `rolling`.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::values::{CONNECTIONS_MAX, Percent, Rate, THREADS_MAX, parse_duration};

#[derive(Debug, clap::Args)]
pub(crate) struct RollingArgs {
    /// The number of event streams, which come back as browsers do
    #[arg(long, value_name = "N", default_value = "5000", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) connections: u32,
    /// Events per second, each published through nginx. nginx has to pass each on to all streams
    #[arg(long, value_name = "R/s", default_value = "5/s")]
    pub(crate) rate: Rate,
    /// The most streams that may come back within a second, whichever second it is
    #[arg(long, value_name = "PERCENT", default_value = "20%")]
    pub(crate) returns_max: Percent,
    /// Replace each node with `fanfare upgrade`, which keeps its socket open, instead of ending and starting it
    #[arg(long)]
    pub(crate) upgrade: bool,
    /// The time to publish before the first node is replaced
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) before: Duration,
    /// The time for which all streams have to be there before the next node is replaced, and before the end. nginx asks
    /// a node that it could not reach again after 2 s
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = parse_duration)]
    pub(crate) pause: Duration,
    /// The time for which a node that is ended stays away
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = parse_duration)]
    pub(crate) away: Duration,
    /// Fanfare's program; beside this one or in PATH if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) fanfare: Option<PathBuf>,
    /// More arguments for each node, parted by spaces
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub(crate) fanfare_args: String,
    /// Receiving threads
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    pub(crate) threads: u16,
    /// The bound of the whole run
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}
