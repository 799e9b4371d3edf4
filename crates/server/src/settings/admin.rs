//! [`Admin`]: the settings of the admin listener.

use std::net::SocketAddr;

use clap::ArgAction;
use fanfare_admin::AdminToken;

use super::{
    listen::Listen,
    value::{host, number},
};

/// Channels that may have metrics of their own.
const CHANNEL_METRICS_MAX: u32 = 10_000;

/// Settings of `fanfare serve` on the admin listener.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Admin {
    /// The server shows its figures and takes orders of operators on this address and port.
    ///
    /// There are a dashboard, an API, and `/metrics` for Prometheus. An address that other machines can reach needs --admin-token.
    /// With `off` there is no such listener. If nobody has set the address and its port is taken, the server goes without.
    #[arg(
        long,
        env = "FANFARE_ADMIN",
        value_name = "[ADDR:]PORT",
        default_value = "127.0.0.1:3001",
        help_heading = "Operating"
    )]
    pub(super) admin: Listen,

    /// Operators must send this key, as `Authorization: Bearer KEY`.
    ///
    /// FANFARE_ADMIN_TOKEN and the file are better places than the flag, because other users of the machine can read flags.
    #[arg(long, env = "FANFARE_ADMIN_TOKEN", value_name = "KEY", hide_env_values = true, help_heading = "Operating")]
    admin_token: Option<String>,

    /// The admin listener answers under this host name.
    ///
    /// IP addresses and localhost need no entry. The setting may be given several times. Commas separate the names in the environment.
    #[arg(long = "admin-host", env = "FANFARE_ADMIN_HOST", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = host, help_heading = "Operating")]
    admin_hosts: Vec<String>,

    /// Of so many channels, the first by name, `/metrics` has figures of their own.
    ///
    /// Clients choose the names of channels, and each name takes memory in Prometheus.
    #[arg(long, env = "FANFARE_ADMIN_CHANNEL_METRICS", value_name = "N", default_value = "0", value_parser = number(0_u32, CHANNEL_METRICS_MAX), help_heading = "Operating")]
    admin_channel_metrics: u32,
}

impl Admin {
    /// Checks rules on several settings. `address` is that of the listener.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self, address: Option<SocketAddr>) -> Result<(), String> {
        let token = self.token()?;
        match address {
            Some(address) if token.is_none() && !address.ip().to_canonical().is_loopback() => Err(format!(
                "other machines can reach {address}, and anybody could end streams and read events there: set --admin-token, or give \
                 --admin a loopback address"
            )),
            _ => Ok(()),
        }
    }

    /// Whether there is a listener for operators.
    pub(super) fn is_on(&self) -> bool {
        !self.admin.is_off()
    }

    fn token(&self) -> Result<Option<AdminToken>, String> {
        let token = self.admin_token.as_ref().map(|token| AdminToken::new(token.as_str())).transpose();
        token.map_err(|error| format!("--admin-token (FANFARE_ADMIN_TOKEN): {error}"))
    }

    /// The settings for the listener. `journal` is what keeps the events.
    ///
    /// # Errors
    /// As of [`Admin::check`], which has found it before.
    pub(super) fn config(&self, journal: fanfare_admin::JournalKind) -> Result<fanfare_admin::Admin, String> {
        Ok(fanfare_admin::Admin {
            token: self.token()?,
            hosts: self.admin_hosts.clone(),
            journal,
            channel_metrics_max: usize::try_from(self.admin_channel_metrics).unwrap_or(usize::MAX),
            ..fanfare_admin::Admin::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Command {
        #[command(flatten)]
        admin: Admin,
    }

    fn checked(arguments: &[&str], address: &str) -> Result<(), String> {
        let parsed = Command::try_parse_from([&["serve"], arguments].concat()).unwrap();
        parsed.admin.check(Some(address.parse().unwrap()))
    }

    #[test]
    fn an_address_that_others_can_reach_needs_a_token() {
        assert_eq!(checked(&[], "127.0.0.1:3001"), Ok(()));
        assert_eq!(checked(&[], "[::1]:3001"), Ok(()));
        assert_eq!(checked(&["--admin-token", "secret"], "0.0.0.0:3001"), Ok(()));
        for address in ["0.0.0.0:3001", "10.0.0.1:3001", "[::]:3001"] {
            let error = checked(&[], address).unwrap_err();
            assert!(error.contains(address) && error.contains("--admin-token"), "{error}");
        }
        for (token, said) in [("", "empty"), ("two words", "no space")] {
            let error = checked(&["--admin-token", token], "127.0.0.1:3001").unwrap_err();
            assert!(error.contains("--admin-token") && error.contains(said), "{error}");
        }
    }
}
