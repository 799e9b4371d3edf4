//! [`Reach`]: how a server is reached: time limits and trust. They are flags of `publish` and `subscribe`.

use std::{path::PathBuf, time::Duration};

use crate::settings::duration;

/// Shortest wait that a client flag allows.
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// How `publish` and `subscribe` reach a server.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reach {
    /// Trust the authorities in this PEM file, instead of those that the system trusts. It may be the certificate of the server
    /// itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Connecting may take at most this time, including the look-up of the name and TLS.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration(MS, DAY))]
    pub(crate) connect_timeout: Duration,

    /// The command gives up when the server takes no data for this time, or has all data and does not answer for this time.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration(MS, DAY))]
    pub(crate) answer_timeout: Duration,
}
