//! [`Limits`]: the keys of `[limits]` in the settings file. Each has a default that fits nearly everybody, so there are
//! no flags or variables for them. They are defined like flags, to have the same parsers and the same reference.

use clap::{Args as _, Command};

use super::{callers::Callers, connections::Connections, events::Events, requests::Requests};

/// All keys of `[limits]`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Limits {
    #[command(flatten)]
    pub(super) events: Events,
    #[command(flatten)]
    pub(super) requests: Requests,
    #[command(flatten)]
    pub(super) connections: Connections,
    #[command(flatten)]
    pub(super) callers: Callers,
}

/// The definition of all keys.
pub(super) fn definition() -> Command {
    Limits::augment_args(Command::new("limits").no_binary_name(true))
}

/// The names of all keys.
pub(crate) fn names() -> Vec<String> {
    definition().get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

/// The place of the key `name`, for a user who tried it as a flag or as a variable.
pub(crate) fn place(name: &str) -> String {
    format!("a key of the settings file: {name} under [limits] (see docs/settings.md)")
}
