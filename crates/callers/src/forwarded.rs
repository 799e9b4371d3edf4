//! The client's address, as proxies have written it into a header: [`ForwardedBy`] says which one.
//!
//! Each proxy adds the address of whoever has connected to it, at the right. What is further to the left was there before, so the client
//! may have written it. So the list is read from the right, and only for as long as the one who has written is trusted.

mod list;
mod node;

use std::net::IpAddr;

use crate::networks::Networks;
use list::FromTheRight;

/// Elements that are read at most. Chains of proxies have two or three.
pub const HOPS_MAX: usize = 32;
/// Bytes that are read at most, of all lines together, from the right.
pub const FORWARDED_BYTES_MAX: usize = 4 << 10;

/// The header that trusted proxies write.
///
/// One is chosen and the other is ignored. A proxy that writes one of them passes on what a client has written into the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`: addresses. Nearly every proxy writes it.
    XForwardedFor,
    /// `Forwarded`: what RFC 7239 defines.
    Forwarded,
}

impl ForwardedBy {
    /// The name of the header, in lower case.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The client of a request that came from `peer`. `lines` are the values of the header in the order in which they came: together
    /// they are one list (RFC 9110 5.3).
    ///
    /// Beginning with the peer, the first one that is not trusted is the client. The list ends early where a trusted proxy has written
    /// no address (`unknown`, `_hidden`), where an element is malformed, and behind [`HOPS_MAX`] elements or [`FORWARDED_BYTES_MAX`]
    /// bytes: the last known hop is the client then. If all hops are trusted, the first of them is.
    #[must_use]
    pub fn client<'a, L>(self, peer: IpAddr, lines: L, trusted: &Networks) -> IpAddr
    where
        L: IntoIterator<Item = &'a [u8], IntoIter: DoubleEndedIterator>,
    {
        let mut client = peer.to_canonical();
        if !trusted.contains(client) {
            return client;
        }
        let has_quotes = self == Self::Forwarded;
        let elements = FromTheRight::new(lines.into_iter(), FORWARDED_BYTES_MAX, has_quotes);
        for element in elements.take(HOPS_MAX) {
            // An empty one says nothing (RFC 9110 5.6.1.2).
            if element.is_some_and(<[u8]>::is_empty) {
                continue;
            }
            let Some(hop) = element.and_then(|element| self.address(element)) else { break };
            client = hop;
            if !trusted.contains(client) {
                break;
            }
        }
        client
    }

    /// The address in one element.
    fn address(self, element: &[u8]) -> Option<IpAddr> {
        let element = std::str::from_utf8(element).ok()?;
        match self {
            Self::XForwardedFor => node::address(element),
            Self::Forwarded => node::address(&node::forwarded_for(element)?),
        }
    }
}
