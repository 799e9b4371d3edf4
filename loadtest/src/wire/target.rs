//! The server under load: its URL as typed, and the address that it resolves to.
//!
//! The authority of a `Url` in hand can be put into a request as it is, and its host into a TLS handshake.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

/// How long one connect may take, for a stream, the publisher, and the choice among several addresses.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections from one source address: a source has about 28,000 ports to one destination.
pub(crate) const CONNECTIONS_PER_SOURCE: u32 = 20_000;

/// `http://HOST[:PORT]` or `https://HOST[:PORT]`, checked but not yet resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Url {
    host: String,
    port: u16,
    authority: String,
    pub(crate) is_tls: bool,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let (rest, is_tls) = match (typed.strip_prefix("http://"), typed.strip_prefix("https://")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err("a URL begins with http:// or https://, as http://127.0.0.1:3000".to_owned()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err("a path belongs into --subscribe-path and --publish-path".to_owned());
        }
        if authority.contains('@') || authority.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("the URL is http://HOST[:PORT] or https://HOST[:PORT] and nothing else".to_owned());
        }
        // The last colon parts the port, unless it is inside the brackets of an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| "that is no port")?),
            _ => (authority, if is_tls { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || port == 0 {
            return Err("the URL needs a host, and a port above 0".to_owned());
        }
        if is_tls && ServerName::try_from(host).is_err() {
            return Err("no certificate can be for that host".to_owned());
        }
        Ok(Self { host: host.to_owned(), port, authority: authority.to_owned(), is_tls })
    }
}

/// Where the requests of a run go: a server, or one node of several.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
    /// The name that its certificate has to be for, if it is spoken to over TLS.
    pub(crate) host: String,
}

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("{authority} does not resolve: {cause}")]
    Lookup { authority: String, cause: io::Error },
    #[error("{authority} resolves to no address")]
    Empty { authority: String },
}

impl Target {
    /// Looks the host up. Of several addresses, the first that accepts a connection is taken for the whole run.
    pub(crate) fn resolve(url: &Url) -> Result<Self, ResolveError> {
        let authority = url.authority.clone();
        let found = match (url.host.as_str(), url.port).to_socket_addrs() {
            Ok(found) => found.collect::<Vec<_>>(),
            Err(cause) => return Err(ResolveError::Lookup { authority, cause }),
        };
        let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, CONNECT_TIMEOUT).is_ok();
        // With one address, or none that accepts, the first stream says the error.
        let chosen = if found.len() > 1 { found.iter().find(accepts) } else { None };
        match chosen.or(found.first()) {
            Some(&address) => Ok(Self { address, authority, host: url.host.clone() }),
            None => Err(ResolveError::Empty { authority }),
        }
    }

    /// The source address for connection `index` of `connections`: many on loopback when there are more than one address
    /// is to have.
    pub(crate) fn source(&self, index: u32, connections: u32, per_source: u32) -> Option<SocketAddr> {
        match self.address.ip() {
            IpAddr::V4(ip) if ip.is_loopback() && connections > per_source => {
                let host = 2 + index / per_source;
                Some(SocketAddr::from((Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 0, 0)) + host), 0)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        let url = |typed: &str| typed.parse::<Url>().map(|url| (url.host, url.port, url.authority));
        let is = |host: &str, port, authority: &str| Ok((host.to_owned(), port, authority.to_owned()));
        assert_eq!(url("http://127.0.0.1:3000"), is("127.0.0.1", 3000, "127.0.0.1:3000"));
        assert_eq!(url("http://example.org/"), is("example.org", 80, "example.org"));
        assert_eq!(url("http://[::1]:3000"), is("::1", 3000, "[::1]:3000"));
        assert_eq!(url("http://[::1]"), is("::1", 80, "[::1]"));
        assert_eq!(url("https://example.org"), is("example.org", 443, "example.org"));
        assert_eq!(url("https://[::1]:3443"), is("::1", 3443, "[::1]:3443"));
        for wrong in [
            "ftp://a",
            "https://a b",
            "https://-",
            "a:3000",
            "http://",
            "http://a:b",
            "http://a:0",
            "http://a/b",
            "http://u@a",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn many_connections_to_loopback_spread_over_source_addresses() {
        let target =
            |address: &str| Target { address: address.parse().unwrap(), authority: String::new(), host: String::new() };
        let near = target("127.0.0.1:3000");
        assert_eq!(near.source(0, 20_000, 20_000), None);
        assert_eq!(near.source(0, 20_001, 20_000), Some("127.0.0.2:0".parse().unwrap()));
        assert_eq!(near.source(20_000, 20_001, 20_000), Some("127.0.0.3:0".parse().unwrap()));
        assert_eq!(near.source(999_999, 1_000_000, 20_000), Some("127.0.0.51:0".parse().unwrap()));
        assert_eq!(near.source(499, 500, 8), Some("127.0.0.64:0".parse().unwrap()));
        assert_eq!(target("192.0.2.1:80").source(0, 30_000, 20_000), None);
    }
}
