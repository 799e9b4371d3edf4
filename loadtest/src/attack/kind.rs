//! [`Kind`]: one way in which an attacker takes from a server.

use clap::ValueEnum;

/// One way in which an attacker takes from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Sockets that are held open and never send anything
    Sockets,
    /// Event streams that are opened and dropped at once
    Streams,
    /// Requests with a wrong token, of unknown routes, and for pages of history
    Requests,
    /// Bodies that come byte by byte
    Bodies,
    /// HTTP/2 connections with many streams that are not read
    Http2,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Sockets, Self::Streams, Self::Requests, Self::Bodies, Self::Http2];

    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sockets => "sockets",
            Self::Streams => "streams",
            Self::Requests => "requests",
            Self::Bodies => "bodies",
            Self::Http2 => "http2",
        }
    }
}
