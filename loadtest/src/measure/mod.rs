//! Measurements, and how they are kept: times, counts, and the server's own process. No sockets.

pub(crate) mod account;
pub(crate) mod clock;
pub(crate) mod crossing;
pub(crate) mod gap;
pub(crate) mod ids;
pub(crate) mod latency;
pub(crate) mod ledger;
pub(crate) mod life;
pub(crate) mod phase;
pub(crate) mod process;
pub(crate) mod returns;
pub(crate) mod servers;
pub(crate) mod span;
pub(crate) mod stamp;
pub(crate) mod sum;
pub(crate) mod tally;
pub(crate) mod terms;
pub(crate) mod timeline;
