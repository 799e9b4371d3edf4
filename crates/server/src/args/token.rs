//! The arguments of `fanfare token`.

use std::time::Duration;

use clap::{ArgAction, Subcommand};
use fanfare_core::{ClientId, Pattern};

use crate::settings::{Flags, duration};

const SECOND: Duration = Duration::from_secs(1);
/// Longest life of a token or a key.
const LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Arguments of `fanfare token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and print it alone on standard output.
    Mint(Mint),
    /// Say what a token has, what it allows here and until when, or why it is refused. The exit code is 1 if it is refused.
    ///
    /// The rules are those of a server with the same --config, environment and flags. Standard output has the claims of the
    /// token, but neither its signature nor any key.
    Explain(Box<Explain>),
    /// Make the key of a publisher, for the file of --api-keys.
    ///
    /// The key is printed once and alone on standard output. Standard error has its entry for the file, which has only the
    /// hash.
    Key(Key),
}

/// What a token or a key allows.
#[derive(Debug, clap::Args)]
pub(crate) struct Allows {
    /// It may publish to channels that match this pattern. `*` alone is every target. The flag may be given several times.
    #[arg(long = "publish", value_name = "PATTERN", action = ArgAction::Append, value_parser = pattern)]
    pub(crate) publish: Vec<Pattern>,

    /// It may publish to clients whose ids match this pattern. The flag may be given several times.
    #[arg(long = "clients", value_name = "PATTERN", action = ArgAction::Append, value_parser = pattern)]
    pub(crate) clients: Vec<Pattern>,

    /// It may publish to all connections.
    #[arg(long)]
    pub(crate) all: bool,

    /// It has this limit, as in streams=3.
    ///
    /// The limits are streams, channels, publishes_per_second and bytes_per_second. The flag may be given several times.
    #[arg(long = "limit", value_name = "NAME=N", action = ArgAction::Append, value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

/// Arguments of `fanfare token mint`.
#[derive(Debug, clap::Args)]
pub(crate) struct Mint {
    /// The key that signs, as in HS256:secret or ES256:private.pem.
    ///
    /// FANFARE_TOKEN_KEY is a better place for a secret than the flag, because other users of the machine can read flags.
    #[arg(long, env = "FANFARE_TOKEN_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,

    /// The name of the key (kid).
    #[arg(long, value_name = "NAME")]
    pub(crate) kid: Option<String>,

    /// The issuer of the token (iss).
    #[arg(long, value_name = "ISS")]
    pub(crate) iss: Option<String>,

    /// The audience of the token (aud). The flag may be given several times.
    #[arg(long = "aud", value_name = "AUD", action = ArgAction::Append)]
    pub(crate) aud: Vec<String>,

    /// The holder of the token (sub) [default: that of --client].
    #[arg(long, value_name = "SUB")]
    pub(crate) sub: Option<String>,

    /// It may follow and read channels that match this pattern. The flag may be given several times.
    #[arg(long = "subscribe", value_name = "PATTERN", action = ArgAction::Append, value_parser = pattern)]
    pub(crate) subscribe: Vec<Pattern>,

    #[command(flatten)]
    pub(crate) allows: Allows,

    /// Its holder is this client.
    #[arg(long, value_name = "ID", value_parser = client)]
    pub(crate) client: Option<ClientId>,

    /// It ends after this time, or never.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = life)]
    pub(crate) expires: Life,
}

/// Arguments of `fanfare token explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The token, or - for standard input [default: standard input, so that the token is in no history].
    #[arg(value_name = "TOKEN")]
    pub(crate) token: Option<String>,

    #[command(flatten)]
    pub(crate) flags: Flags,
}

/// Arguments of `fanfare token key`.
#[derive(Debug, clap::Args)]
pub(crate) struct Key {
    /// The name of the key, for the log.
    #[arg(long, value_name = "NAME", required_unless_present = "hash")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) allows: Allows,

    /// It ends after this time, or never.
    #[arg(long, value_name = "DURATION", default_value = "never", value_parser = life)]
    pub(crate) expires: Life,

    /// Make no key, but print the hash of the key on standard input.
    #[arg(long, conflicts_with_all = ["name", "publish", "clients", "all", "limits", "expires"])]
    pub(crate) hash: bool,
}

/// The time after which something ends. `None` is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life(pub(crate) Option<Duration>);

fn life(text: &str) -> Result<Life, String> {
    match text {
        "never" => Ok(Life(None)),
        text => duration(SECOND, LIFE_MAX)(text).map(|life| Life(Some(life))),
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| error.to_string())
}

fn client(text: &str) -> Result<ClientId, String> {
    ClientId::new(text).map_err(|error| error.to_string())
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write the limit and its number, as in streams=3")?;
    let number = number.parse().map_err(|_| format!("`{number}` is no number; write it as in streams=3"))?;
    Ok((name.to_owned(), number))
}
