//! Version 2 of the PROXY protocol: a block of bytes (section 2.2).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{ProxyFault, ProxyHeader, V2_BYTES_MAX, V2_FIXED_BYTES};

/// The first bytes of a header of version 2.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The type of the field with the checksum (2.2.3), and bytes of the type and the length of a field.
const CRC32C: u8 = 0x03;
const FIELD_HEAD_BYTES: usize = 3;

/// Reads a header, which begins like one of version 2.
pub(super) fn read(bytes: &[u8]) -> ProxyHeader {
    // What is wrong in the first bytes is known before the others are here.
    if let Some(fault) = bytes.get(12..).and_then(fault) {
        return ProxyHeader::Wrong(fault);
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<V2_FIXED_BYTES>() else { return ProxyHeader::NeedMore };
    let [.., version_and_command, family_and_transport, high, low] = *fixed;
    let rest_bytes = usize::from(u16::from_be_bytes([high, low]));
    let bytes_used = V2_FIXED_BYTES + rest_bytes;
    let Some(rest) = rest.get(..rest_bytes) else { return ProxyHeader::NeedMore };
    // LOCAL: the rest is skipped, whatever it is.
    if version_and_command & 0x0f == 0 {
        return ProxyHeader::Local { bytes_used };
    }
    let fields = &rest[address_bytes(family_and_transport)..];
    match check(fields, &bytes[..bytes_used], bytes_used - fields.len()) {
        Err(fault) => ProxyHeader::Wrong(fault),
        Ok(()) => match source(family_and_transport, rest) {
            Some(source) => ProxyHeader::Source { source, bytes_used },
            None => ProxyHeader::Unknown { bytes_used },
        },
    }
}

/// What is wrong in the bytes behind the signature, as far as they are here.
fn fault(bytes: &[u8]) -> Option<ProxyFault> {
    let version_and_command = *bytes.first()?;
    if !matches!(version_and_command, 0x20 | 0x21) {
        return Some(ProxyFault::V2Unknown);
    }
    let is_local = version_and_command == 0x20;
    let family_and_transport = *bytes.get(1)?;
    // The family of LOCAL is ignored (2.2).
    if !is_local && !matches!(family_and_transport, 0x00 | 0x11 | 0x12 | 0x21 | 0x22 | 0x31 | 0x32) {
        return Some(ProxyFault::V2Unknown);
    }
    let rest_bytes = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
    if V2_FIXED_BYTES + rest_bytes > V2_BYTES_MAX {
        return Some(ProxyFault::V2TooLong);
    }
    (!is_local && rest_bytes < address_bytes(family_and_transport)).then_some(ProxyFault::V2TooShort)
}

/// Bytes of both addresses and ports (2.2).
fn address_bytes(family_and_transport: u8) -> usize {
    match family_and_transport >> 4 {
        1 => 12,
        2 => 36,
        3 => 216,
        _ => 0,
    }
}

/// The source, if it is an IP address. Its transport may be UDP: a proxy that speaks HTTP/3 says so.
fn source(family_and_transport: u8, rest: &[u8]) -> Option<SocketAddr> {
    let port = |at: usize| Some(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?));
    match family_and_transport >> 4 {
        1 => Some(SocketAddr::new(Ipv4Addr::from(*rest.first_chunk::<4>()?).into(), port(8)?)),
        2 => Some(SocketAddr::new(Ipv6Addr::from(*rest.first_chunk::<16>()?).into(), port(32)?)),
        _ => None,
    }
}

/// Goes through the fields, which begin at `at` of the header, and checks the checksum if there is one (2.2.3).
fn check(mut fields: &[u8], header: &[u8], mut at: usize) -> Result<(), ProxyFault> {
    let mut has_checksum = false;
    while !fields.is_empty() {
        let [kind, high, low] = *fields.first_chunk::<FIELD_HEAD_BYTES>().ok_or(ProxyFault::V2TooShort)?;
        let end = FIELD_HEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
        let value = fields.get(FIELD_HEAD_BYTES..end).ok_or(ProxyFault::V2TooShort)?;
        if kind == CRC32C {
            // A second one is wrong as well: each would have to be made with the other.
            if has_checksum || !is_checksum(value, header, at + FIELD_HEAD_BYTES) {
                return Err(ProxyFault::V2Checksum);
            }
            has_checksum = true;
        }
        fields = &fields[end..];
        at += end;
    }
    Ok(())
}

/// Whether `value` at `at` of the header is the header's CRC32c, with zeros where the value is.
fn is_checksum(value: &[u8], header: &[u8], at: usize) -> bool {
    let place = at..at + value.len();
    let bytes = header.iter().enumerate().map(|(at, byte)| if place.contains(&at) { 0 } else { *byte });
    <[u8; 4]>::try_from(value).is_ok_and(|value| u32::from_be_bytes(value) == crc32c(bytes))
}

/// The checksum of Castagnoli (RFC 3720 appendix B.4), bit by bit: a header comes once for a connection, and seldom has one.
fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    let with_bit = |crc: u32, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    !bytes.fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), with_bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32c(b"123456789".iter().copied()), 0xe306_9283);
        assert_eq!(crc32c([0; 32].into_iter()), 0x8a91_36aa);
    }
}
