//! [`Proxies`]: the settings of the proxies in front of the server.

use clap::{ArgAction, ValueEnum, builder::BoolishValueParser};
use fanfare_callers::{ForwardedBy, Networks};

/// Settings of `fanfare serve` on proxies.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Proxies {
    /// A proxy of this address or network says from which address a client comes, as in `10.0.0.0/8`.
    ///
    /// The proxies themselves have no limits. Their word counts only with --forwarded-by or --proxy-protocol. Name no network
    /// that clients are in. The setting may be given several times. Commas separate the networks in the environment.
    #[arg(long = "trusted-proxy", env = "FANFARE_TRUSTED_PROXY", value_name = "NET", value_delimiter = ',', action = ArgAction::Append, value_parser = network, help_heading = "Behind proxies")]
    trusted: Vec<String>,

    /// The trusted proxies name the client of each request in this header [default: they name none].
    ///
    /// The other header is ignored, because a proxy passes on what a client has written there.
    #[arg(long, env = "FANFARE_FORWARDED_BY", value_enum, help_heading = "Behind proxies")]
    forwarded_by: Option<ForwardedByArg>,

    /// Connections of trusted proxies begin with the PROXY protocol, version 1 or 2.
    ///
    /// A connection of a trusted proxy without it is refused.
    #[arg(long, env = "FANFARE_PROXY_PROTOCOL", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "Behind proxies")]
    proxy_protocol: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ForwardedByArg {
    /// `X-Forwarded-For`, which nearly every proxy writes.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

fn network(text: &str) -> Result<String, String> {
    Networks::new([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

impl Proxies {
    /// Checks rules on several settings.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        self.networks().map_err(|error| format!("--trusted-proxy: {error}"))?;
        if !self.trusted.is_empty() {
            return Ok(());
        }
        let needs = |flag: &str| {
            format!("{flag} needs --trusted-proxy, the address of the proxy: nobody else may say who a client is")
        };
        match (self.proxy_protocol, self.forwarded_by) {
            (true, _) => Err(needs("--proxy-protocol")),
            (false, Some(_)) => Err(needs("--forwarded-by")),
            (false, None) => Ok(()),
        }
    }

    /// The proxies, for the server.
    pub(super) fn config(&self) -> fanfare_http::Proxies {
        fanfare_http::Proxies {
            // Checked before.
            trusted: self.networks().unwrap_or_default(),
            forwarded: self.forwarded_by.map(|header| match header {
                ForwardedByArg::XForwardedFor => ForwardedBy::XForwardedFor,
                ForwardedByArg::Forwarded => ForwardedBy::Forwarded,
            }),
            proxy_protocol: self.proxy_protocol,
        }
    }

    fn networks(&self) -> Result<Networks, fanfare_callers::NetworksError> {
        Networks::new(self.trusted.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::samples::serve;

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let check = |flags: &[&str]| serve(flags, &[]).flags.proxies.check();
        for flag in ["--proxy-protocol", "--forwarded-by=x-forwarded-for"] {
            assert!(check(&[flag]).unwrap_err().contains("needs --trusted-proxy"), "{flag}");
            assert_eq!(check(&[flag, "--trusted-proxy=10.0.0.0/8"]), Ok(()));
        }
        assert_eq!(check(&["--trusted-proxy=10.0.0.0/8"]), Ok(()));
    }

    #[test]
    fn a_list_of_networks_has_1024_at_most() {
        let networks = |number: u32| {
            let all: Vec<_> = (0..number).map(|number| format!("10.{}.{}.1", number / 256, number % 256)).collect();
            serve(&[&format!("--trusted-proxy={}", all.join(","))], &[]).flags.proxies.check()
        };
        assert_eq!(networks(1_024), Ok(()));
        assert!(networks(1_025).unwrap_err().contains("more than 1024 networks"));
    }
}
