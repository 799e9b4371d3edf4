//! [`Networks`]: the networks whose hosts are believed, because the operator has named them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

/// Networks that a list may have at most. Load balancers of large providers publish some hundreds.
pub const NETWORKS_MAX: usize = 1_024;

/// Bits before the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Networks in no particular order. An address is looked up in the time that ten comparisons take.
///
/// Whoever is in one of them can say where a request comes from. So a list has the proxies themselves, and no network in which
/// clients are as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Ranges<Ipv4Addr>,
    v6: Ranges<Ipv6Addr>,
}

/// First and last addresses of networks that are disjoint, in their order.
type Ranges<A> = Vec<(A, A)>;

/// The reason why a list of networks is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworksError {
    /// The text is no address, and no address with a prefix.
    #[error(
        "{0:?} is no network: write an address, or an address and the bits of its prefix: 192.0.2.1, 10.0.0.0/8, 2001:db8::/32"
    )]
    NotANetwork(String),
    /// The address has bits that the prefix leaves out, so one of both is mistyped.
    #[error(
        "{text:?} has an address within the network: write {network} for the network, or leave the prefix out for the address"
    )]
    HostBits {
        /// The text as it was given.
        text: String,
        /// The network that it lies in.
        network: IpNet,
    },
    /// There are more than [`NETWORKS_MAX`].
    #[error("there are more than {NETWORKS_MAX} networks: join neighbours to larger ones")]
    TooMany,
}

impl Networks {
    /// Reads a list. A bare address is a network with one host. An IPv4-mapped network is its IPv4 network.
    ///
    /// # Errors
    ///
    /// The first text that is no network, or a list that is too long.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworksError> {
        let mut networks = Vec::new();
        for text in texts {
            if networks.len() == NETWORKS_MAX {
                return Err(NetworksError::TooMany);
            }
            networks.push(network(text.trim())?);
        }
        let mut found = Self::default();
        for network in IpNet::aggregate(&networks) {
            match network {
                IpNet::V4(network) => found.v4.push((network.network(), network.broadcast())),
                IpNet::V6(network) => found.v6.push((network.network(), network.broadcast())),
            }
        }
        found.v4.sort_unstable();
        found.v6.sort_unstable();
        Ok(found)
    }

    /// Whether `address` is in one of the networks. An IPv4-mapped IPv6 address is its IPv4 address, so `::/0` does not have it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => is_in(&self.v4, address),
            IpAddr::V6(address) => is_in(&self.v6, address),
        }
    }

    /// Whether there is no network in the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

/// Whether one of `ranges` has `address`. They are disjoint, so only the last one that begins at or before the address can have it.
fn is_in<A: Copy + Ord>(ranges: &[(A, A)], address: A) -> bool {
    let behind = ranges.partition_point(|(first, _)| *first <= address);
    behind.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

fn network(text: &str) -> Result<IpNet, NetworksError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().map_err(|_| NetworksError::NotANetwork(text.to_owned()))?;
    if network.addr() != network.network() {
        return Err(NetworksError::HostBits { text: text.to_owned(), network: network.trunc() });
    }
    Ok(unmapped(network).unwrap_or(network))
}

/// The IPv4 network that is meant by an IPv4-mapped one.
fn unmapped(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(mapped) = network else { return None };
    let address: Ipv4Addr = mapped.addr().to_ipv4_mapped()?;
    let bits = mapped.prefix_len().checked_sub(MAPPED_BITS)?;
    Ipv4Net::new(address, bits).ok().map(IpNet::V4)
}
