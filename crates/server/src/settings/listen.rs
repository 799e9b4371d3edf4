//! [`Listen`]: the value of `--listen`. A port alone means loopback, because every wider address needs a publish key.

use std::{
    fmt::{self, Display},
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _},
    str::FromStr,
};

const FORMS: &str = "write a port, or an address and a port: 3001 or localhost:3001 for this machine alone, \
                     0.0.0.0:3001 or [::]:3001 for other machines too";

/// The values for no listener.
const OFF: [&str; 2] = ["off", "none"];

/// The address to listen on. A name is not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Address(SocketAddr),
    Name {
        host: String,
        port: u16,
    },
    /// No listener.
    Off,
}

impl Listen {
    /// Whether there is to be no listener.
    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// The address to bind: the first that the system knows for a name. `flag` is named in the error.
    ///
    /// # Errors
    /// A sentence, if the system knows no address.
    pub(super) fn resolve(&self, flag: &str) -> Result<Option<SocketAddr>, String> {
        let (host, port) = match self {
            Self::Off => return Ok(None),
            Self::Address(address) => return Ok(Some(*address)),
            // `localhost` is always this machine (RFC 6761, 6.3), and the default is IPv4 as well.
            Self::Name { host, port } if host.eq_ignore_ascii_case("localhost") => {
                return Ok(Some((Ipv4Addr::LOCALHOST, *port).into()));
            }
            Self::Name { host, port } => (host.as_str(), *port),
        };
        let reason = match (host, port).to_socket_addrs() {
            Ok(mut addresses) => match addresses.next() {
                Some(address) => return Ok(Some(address)),
                None => "it has no address".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        Err(format!("{flag} {self}: the name `{host}` cannot be looked up ({reason}); {FORMS}"))
    }
}

impl Listen {
    /// The same host with another port.
    pub(super) fn with_port(&self, port: u16) -> Self {
        match self {
            Self::Address(address) => Self::Address((address.ip(), port).into()),
            Self::Name { host, .. } => Self::Name { host: host.clone(), port },
            Self::Off => Self::Address((Ipv4Addr::LOCALHOST, port).into()),
        }
    }

    /// The host, as a certificate names it.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Address(address) => address.ip().to_string(),
            Self::Name { host, .. } => host.to_ascii_lowercase(),
            Self::Off => "localhost".to_owned(),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if OFF.contains(&text) {
            return Ok(Self::Off);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        match text.parse() {
            Ok(IpAddr::V4(_)) => return Err(format!("the port is missing; {FORMS}")),
            Ok(IpAddr::V6(_)) => {
                return Err(format!("an IPv6 address needs brackets, and a port behind them; {FORMS}"));
            }
            Err(_) => {}
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        if !is_name(host) || port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORMS.to_owned());
        }
        let port = port.parse().map_err(|_| format!("the port must be from 0 to 65535; {FORMS}"))?;
        Ok(match host {
            "" => Self::Address((Ipv4Addr::LOCALHOST, port).into()),
            host => Self::Name { host: host.to_owned(), port },
        })
    }
}

/// Whether `text` is a valid value of --listen.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<Listen>().is_ok_and(|listen| listen != Listen::Off)
}

fn is_name(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
            Self::Off => f.write_str(OFF[0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_an_address() {
        for (text, address) in [
            ("3001", "127.0.0.1:3001"),
            (":3001", "127.0.0.1:3001"),
            ("0", "127.0.0.1:0"),
            ("localhost:3001", "127.0.0.1:3001"),
            ("LocalHost:65535", "127.0.0.1:65535"),
            ("[::1]:3001", "[::1]:3001"),
            ("[::]:3001", "[::]:3001"),
            ("0.0.0.0:3001", "0.0.0.0:3001"),
        ] {
            let resolved = text.parse::<Listen>().unwrap().resolve("--listen").unwrap().unwrap();
            assert_eq!(resolved.to_string(), address, "{text}");
        }
    }

    #[test]
    fn off_is_no_address() {
        for text in ["off", "none"] {
            assert_eq!(text.parse::<Listen>().unwrap().resolve("--listen"), Ok(None));
            assert!(!is_address(text));
        }
    }

    #[test]
    fn the_other_port_has_the_same_host() {
        for (text, other) in
            [("0.0.0.0:80", "0.0.0.0:3443"), ("a.example:80", "a.example:3443"), ("off", "127.0.0.1:3443")]
        {
            assert_eq!(text.parse::<Listen>().unwrap().with_port(3443).to_string(), other);
        }
    }

    #[test]
    fn what_is_no_address_is_told_the_forms() {
        for (text, said) in [
            ("", "write a port"),
            ("x", "write a port"),
            (":", "write a port"),
            ("localhost", "write a port"),
            ("localhost:", "write a port"),
            ("localhost:http", "write a port"),
            ("http://localhost:3001", "write a port"),
            ("*:3001", "write a port"),
            ("[::1]", "write a port"),
            ("a b:3001", "write a port"),
            ("-1", "write a port"),
            ("127.0.0.1", "the port is missing"),
            ("::1", "needs brackets"),
            ("::1:3001", "needs brackets"),
            ("65536", "from 0 to 65535"),
            ("localhost:99999", "from 0 to 65535"),
        ] {
            let error = text.parse::<Listen>().unwrap_err();
            assert!(error.contains(said) && error.contains("0.0.0.0:3001"), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_that_nobody_knows_is_told_with_the_forms() {
        let error = "no-such-host.invalid:3001".parse::<Listen>().unwrap().resolve("--listen").unwrap_err();
        assert!(error.contains("`no-such-host.invalid` cannot be looked up") && error.contains("3001"), "{error}");
    }
}
