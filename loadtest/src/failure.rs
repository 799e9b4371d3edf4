//! The reasons why a run has no result: one variant a cause, its exit status, and the one line that says it on stderr.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::compare::error::CompareError;
use crate::floor::error::FloorError;
use crate::link::error::AuthorityError;
use crate::publish::error::PublishError;
use crate::site::error::SiteError;
use crate::wire::target::ResolveError;

/// The reason why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "{limit} file descriptors hold {fit} connections, not {connections}: raise the hard limit (as root `ulimit -Hn`, \
         LimitNOFILE= in a systemd unit, --ulimit nofile= for a container), or share them among several load generators"
    )]
    Descriptors { limit: u64, fit: u64, connections: u32 },
    #[error("the run takes {needed:?}, longer than --timeout {timeout:?}")]
    TooLong { needed: Duration, timeout: Duration },
    #[error("that is {events} events; a run has at most {events_max}")]
    TooMany { events: u32, events_max: u32 },
    #[error("at least one stream has to be left that stays and reads everything")]
    NobodySteady,
    #[error("all of the {0} streams would stay: a storm needs some that leave (--connections, --stay)")]
    NobodyLeaves(u32),
    #[error("{connections} streams are too few for {speeds} speeds")]
    TooFewForSpeeds { connections: u32, speeds: u32 },
    #[error("batches are published with --preset fanfare only: another server would take one for a single event")]
    NoBatches,
    #[error("a batch of {batch} times {size_bytes} bytes is larger than {bytes_max} bytes")]
    BatchTooLarge { batch: u32, size_bytes: u32, bytes_max: u64 },
    #[error("the nodes of a run are all https:// or all http://")]
    MixedNodes,
    #[error("streams share a connection with --http 2 only")]
    NoSharing,
    #[error("--tls-ca is for https:// only")]
    NoTls,
    #[error("there are handshakes with https:// only")]
    NoHandshakes,
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("a soak needs --pid: what would grow is the server's memory")]
    SoakPid,
    #[error("cannot read the descriptor limit: {0}")]
    Limit(#[source] io::Error),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("stream {number} of {connections}: {cause}")]
    Subscribe { number: u32, connections: u32, cause: String },
    #[error(
        "no local port is left after {open} of {connections} streams ({cause}): widen net.ipv4.ip_local_port_range, or \
         share them among load generators with source addresses of their own"
    )]
    Ports { open: u32, connections: u32, cause: String },
    #[error("a receiving thread could not start: {0}")]
    NoReceiver(String),
    #[error("only {open} of {connections} streams were open after {timeout:?}: the target does not answer")]
    NotOpen { open: u32, connections: u32, timeout: Duration },
    #[error("the target closed {closed} of {connections} streams before the first event")]
    ClosedEarly { closed: u32, connections: u32 },
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("publishing was not over at the --timeout of {0:?}: the target takes no bytes, or too few")]
    NotPublished(Duration),
    #[error("cannot weigh process {pid}: {path}: {cause}")]
    Weigh { pid: u32, path: String, cause: io::Error },
    #[error("a receiving process: {0}")]
    Process(#[source] io::Error),
    #[error("a receiving process failed: {0}")]
    Remote(String),
    #[error("cannot write {path}: {cause}")]
    Save { path: String, cause: io::Error },
    #[error(transparent)]
    Compare(#[from] CompareError),
    #[error(transparent)]
    Floor(#[from] FloorError),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error("cannot catch signals: {0}")]
    Signals(#[source] io::Error),
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    #[error("a thread of this program died; that is a bug in it")]
    Bug,
}

impl Failure {
    /// Prints it on stderr and gives the exit status: 2 if a different command line would cure it, 1 for the rest.
    pub(crate) fn print(&self) -> ExitCode {
        // Nothing is left to be done about a closed stderr.
        let _ = writeln!(io::stderr().lock(), "fanfare-loadtest: {self}");
        match self {
            Self::Descriptors { .. }
            | Self::Ports { .. }
            | Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::NobodySteady
            | Self::NobodyLeaves(_)
            | Self::TooFewForSpeeds { .. }
            | Self::NoBatches
            | Self::BatchTooLarge { .. }
            | Self::MixedNodes
            | Self::NoSharing
            | Self::NoTls
            | Self::NoHandshakes
            | Self::Authority(_)
            | Self::SoakPid => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
