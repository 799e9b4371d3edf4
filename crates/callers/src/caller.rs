//! [`Caller`]: whoever is behind one address, as far as limits go.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// Bits of an IPv6 address that tell the hosts of one network apart.
const HOST_BITS: u32 = 64;

/// One caller: an IPv4 address, or the first 64 bits of an IPv6 address.
///
/// A site gets at least a /64 (RFC 6177), and a host takes any address in it as often as it likes (RFC 8981). An IPv4-mapped IPv6
/// address (RFC 4291 2.5.5.2) is its IPv4 address. Addresses of 6to4 and NAT64 are taken as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The first address of the network. That of an IPv4 address is its IPv4-mapped one, which no /64 begins with.
    first: Ipv6Addr,
}

impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        let first = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> HOST_BITS << HOST_BITS),
        };
        Self { first }
    }
}

/// The address, or the network with its prefix: `2001:db8:1:2::/64`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first.to_ipv4_mapped() {
            Some(address) => address.fmt(f),
            None => write!(f, "{}/64", self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(address: &str) -> Caller {
        Caller::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn addresses_of_one_64_are_one_caller_and_the_next_64_is_another() {
        let one = caller("2001:db8:1:2::1");
        assert_eq!(one, caller("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(one, caller("2001:db8:1:3::1"));
        assert_eq!(one.to_string(), "2001:db8:1:2::/64");
    }

    #[test]
    fn each_ipv4_address_is_a_caller_and_mapped_it_is_the_same() {
        let one = caller("192.0.2.1");
        assert_eq!(one, caller("::ffff:192.0.2.1"));
        assert_ne!(one, caller("192.0.2.2"));
        assert_eq!(one.to_string(), "192.0.2.1");
    }

    #[test]
    fn other_ways_to_carry_ipv4_stay_as_they_are() {
        assert_eq!(caller("2002:c000:201::1").to_string(), "2002:c000:201::/64");
        assert_eq!(caller("64:ff9b::192.0.2.1").to_string(), "64:ff9b::/64");
    }
}
