//! Version 1 of the PROXY protocol: a line for people (section 2.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::{self, FromStr},
};

use super::header::{ProxyFault, ProxyHeader, V1_BYTES_MAX};

/// The first bytes of a header of version 1.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// Reads a header, which begins like one of version 1.
pub(super) fn read(bytes: &[u8]) -> ProxyHeader {
    let first = bytes.get(..V1_BYTES_MAX).unwrap_or(bytes);
    // The first line break of any kind must be the end. So a line that is wrong is not waited for.
    let Some(end) = first.iter().position(|byte| *byte == b'\n') else {
        return match first.len() < V1_BYTES_MAX {
            true => ProxyHeader::NeedMore,
            false => ProxyHeader::Wrong(ProxyFault::V1TooLong),
        };
    };
    line(&first[..end], end + 1).unwrap_or(ProxyHeader::Wrong(ProxyFault::V1Malformed))
}

/// Reads a line without its line feed. `None` if it is malformed.
fn line(line: &[u8], bytes_used: usize) -> Option<ProxyHeader> {
    let line = line.strip_prefix(SIGNATURE)?.strip_suffix(b"\r")?;
    // Whatever follows UNKNOWN is to be ignored.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Some(ProxyHeader::Unknown { bytes_used });
    }
    let mut words = str::from_utf8(line).ok()?.split(' ');
    let source = match words.next()? {
        "TCP4" => source::<Ipv4Addr>(&mut words)?,
        "TCP6" => source::<Ipv6Addr>(&mut words)?,
        _ => return None,
    };
    words.next().is_none().then_some(ProxyHeader::Source { source, bytes_used })
}

/// Reads both addresses, then both ports, and gives the source.
fn source<'a, A: FromStr + Into<IpAddr>>(words: &mut impl Iterator<Item = &'a str>) -> Option<SocketAddr> {
    let source: A = words.next()?.parse().ok()?;
    let _destination: A = words.next()?.parse().ok()?;
    let port = port(words.next()?)?;
    self::port(words.next()?)?;
    Some(SocketAddr::new(source.into(), port))
}

/// A number without signs and leading zeros.
fn port(word: &str) -> Option<u16> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| is_plain)
}
