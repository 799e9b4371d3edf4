//! [`Transport`]: what carries the streams and publishes of a run: the version of HTTP, with TLS or without.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Version {
    /// A connection for each stream
    #[value(name = "1.1")]
    Http1,
    /// Several streams on a connection, if asked for
    #[value(name = "2")]
    Http2,
}

/// What carries the streams and publishes of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transport {
    pub(crate) version: Version,
    pub(crate) is_tls: bool,
    /// Certificates of the trusted authority. `None`: those of the system.
    pub(crate) tls_ca: Option<PathBuf>,
    /// The most streams of one connection. 1 with HTTP/1.1.
    pub(crate) streams_per_connection: u32,
}

impl Version {
    /// The name of the protocol in a TLS handshake (RFC 7301).
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

impl Transport {
    /// Whether its bytes are HTTP/1.1 on a socket, with nothing in between.
    pub(crate) fn is_plain(&self) -> bool {
        self.version == Version::Http1 && !self.is_tls
    }

    /// The most connections for so many streams in so many groups that share none.
    pub(crate) fn connections(&self, streams: u32, groups: u32) -> u32 {
        streams.min((streams / self.streams_per_connection).saturating_add(groups))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {} TLS", self.version, if self.is_tls { "over" } else { "without" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_share_need_fewer_connections() {
        let transport = |streams_per_connection| Transport {
            version: Version::Http2,
            is_tls: true,
            tls_ca: None,
            streams_per_connection,
        };
        assert_eq!(transport(1).connections(1000, 3), 1000);
        assert_eq!(transport(4).connections(1000, 3), 253);
        assert_eq!(transport(100).connections(7, 30), 7);
        assert_eq!(transport(4).to_string(), "HTTP/2 over TLS");
    }
}
