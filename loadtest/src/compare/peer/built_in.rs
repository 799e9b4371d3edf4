//! [`BuiltIn`]: a server that `compare` starts itself, and the names of those that the figures are told by.

use clap::ValueEnum;

/// The server that all others are told in multiples of.
pub(crate) const FLOOR: &str = "floor";
/// The server whose faults and targets count.
pub(crate) const FANFARE: &str = "fanfare";

/// A server that is started here.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum BuiltIn {
    /// One send per subscriber and event and nothing else: what the kernel costs
    Floor,
    /// The server of this repository, with one shard
    Fanfare,
    /// nginx with the module nchan, in one process
    Nchan,
}
