//! Headers of the PROXY protocol: what is one, in pieces of any size, and what is none.

use std::net::SocketAddr;

use fanfare_callers::{ProxyFault, ProxyHeader, V1_BYTES_MAX, V2_BYTES_MAX};
use proptest::prelude::*;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];

fn v2(version_and_command: u8, family_and_transport: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_and_command, family_and_transport], &length, rest].concat()
}

fn source(text: &str, bytes_used: usize) -> ProxyHeader {
    ProxyHeader::Source { source: text.parse::<SocketAddr>().unwrap(), bytes_used }
}

/// Reads a header that comes byte by byte, with a request behind it. Each beginning needs more.
fn read(header: &[u8]) -> ProxyHeader {
    for end in 0..header.len() {
        assert_eq!(ProxyHeader::read(&header[..end]), ProxyHeader::NeedMore, "the first {end} bytes");
    }
    let outcome = ProxyHeader::read(header);
    assert_eq!(outcome, ProxyHeader::read(&[header, b"GET / HTTP/1.1\r\n\r\n"].concat()));
    outcome
}

fn fault(bytes: &[u8]) -> ProxyFault {
    match ProxyHeader::read(bytes) {
        ProxyHeader::Wrong(fault) => fault,
        other => panic!("{other:?} of {:?}", bytes.escape_ascii().to_string()),
    }
}

#[test]
fn the_lines_of_section_2_1_are_read() {
    let longest_v4 = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
    assert_eq!(read(longest_v4), source("255.255.255.255:65535", 56));
    let group = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest_v6 = format!("PROXY TCP6 {group} {group} 65535 65535\r\n");
    assert_eq!(read(longest_v6.as_bytes()), source(&format!("[{group}]:65535"), 104));
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), ProxyHeader::Unknown { bytes_used: 15 });
    let longest = format!("PROXY UNKNOWN {group} {group} 65535 65535\r\n");
    assert_eq!(longest.len(), V1_BYTES_MAX);
    assert_eq!(read(longest.as_bytes()), ProxyHeader::Unknown { bytes_used: V1_BYTES_MAX });
    let example = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    assert_eq!(read(example), source("192.168.0.1:56324", 47));
    assert_eq!(read(b"PROXY TCP6 ::1 2001:db8::1 0 443\r\n"), source("[::1]:0", 34));
}

#[test]
fn a_line_has_107_bytes_and_not_one_more() {
    let line = |bytes: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(bytes - 16)).into_bytes();
    assert_eq!(read(&line(107)), ProxyHeader::Unknown { bytes_used: 107 });
    let long = line(108);
    assert_eq!(ProxyHeader::read(&long[..106]), ProxyHeader::NeedMore);
    assert_eq!((fault(&long[..107]), fault(&long)), (ProxyFault::V1TooLong, ProxyFault::V1TooLong));
}

#[test]
fn lines_that_are_not_as_the_section_says_are_refused() {
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1\r192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2 1 2\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
    ] {
        assert_eq!(fault(line.as_bytes()), ProxyFault::V1Malformed, "{line:?}");
    }
    assert_eq!(fault(b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n"), ProxyFault::V1Malformed);
}

#[test]
fn what_begins_like_neither_version_is_refused_at_its_first_byte() {
    for bytes in [&b"G"[..], b"PROXY\r", b"PROXIES", b"\r\n\r\n\r", b"\r\nPROXY", b"\x16\x03\x01"] {
        assert_eq!(fault(bytes), ProxyFault::NoHeader);
    }
    assert_eq!(ProxyHeader::read(b""), ProxyHeader::NeedMore);
}

#[test]
fn the_families_of_section_2_2_are_read() {
    assert_eq!(read(&v2(0x21, 0x11, V4)), source("192.0.2.1:56324", 28));
    assert_eq!(read(&v2(0x21, 0x12, V4)), source("192.0.2.1:56324", 28), "UDP, in front of a proxy for HTTP/3");
    let mut v6 = [0; 36];
    v6[..2].copy_from_slice(&[0x20, 0x01]);
    (v6[15], v6[33]) = (7, 80);
    assert_eq!(read(&v2(0x21, 0x21, &v6)), source("[2001::7]:80", 52));
    assert_eq!(read(&v2(0x21, 0x31, &[b'/'; 216])), ProxyHeader::Unknown { bytes_used: 232 });
    assert_eq!(read(&v2(0x21, 0x00, &[])), ProxyHeader::Unknown { bytes_used: 16 });
}

#[test]
fn a_proxy_that_speaks_for_itself_may_say_anything_behind_it() {
    assert_eq!(read(&v2(0x20, 0x00, &[])), ProxyHeader::Local { bytes_used: 16 });
    assert_eq!(read(&v2(0x20, 0x11, V4)), ProxyHeader::Local { bytes_used: 28 });
    assert_eq!(read(&v2(0x20, 0xff, &[3, 0, 4, 1])), ProxyHeader::Local { bytes_used: 20 });
}

#[test]
fn a_receiver_refuses_what_it_must() {
    for (version_and_command, family_and_transport) in
        [(0x11, 0x11), (0x31, 0x11), (0x22, 0x11), (0x2f, 0x11), (0x21, 0x01), (0x21, 0x13), (0x21, 0x41), (0x21, 0x10)]
    {
        assert_eq!(fault(&v2(version_and_command, family_and_transport, &[0; 216])), ProxyFault::V2Unknown);
    }
    for (family_and_transport, bytes) in [(0x11, 11), (0x21, 35), (0x31, 215)] {
        assert_eq!(fault(&v2(0x21, family_and_transport, &vec![0; bytes])), ProxyFault::V2TooShort);
    }
    assert_eq!(fault(&[SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat()), ProxyFault::V2TooLong, "before the rest comes");
}

#[test]
fn a_block_has_its_limit_and_not_one_byte_more() {
    let block = |bytes: usize| {
        let value = bytes - 16 - V4.len() - 3;
        v2(0x21, 0x11, &[V4, &[0x04], &(value as u16).to_be_bytes(), &vec![0; value]].concat())
    };
    assert_eq!(read(&block(V2_BYTES_MAX)), source("192.0.2.1:56324", V2_BYTES_MAX));
    assert_eq!(fault(&block(V2_BYTES_MAX + 1)), ProxyFault::V2TooLong);
}

#[test]
fn fields_are_skipped_and_a_field_that_is_cut_off_is_refused() {
    let authority = [V4, &[0x02, 0, 3], b"a.b", &[0xe0, 0, 0]].concat();
    assert_eq!(read(&v2(0x21, 0x11, &authority)), source("192.0.2.1:56324", 37));
    for cut in [1, 2] {
        assert_eq!(fault(&v2(0x21, 0x11, &authority[..authority.len() - cut])), ProxyFault::V2TooShort);
    }
    assert_eq!(fault(&v2(0x21, 0x11, &[V4, &[0x02, 0, 4], b"a.b"].concat())), ProxyFault::V2TooShort);
}

/// The CRC32c of the header below, made with another program.
const CHECKSUM: u32 = 0xe26e_6f85;

/// A header with a checksum, and another field in front of it.
fn with_checksum(checksum: u32) -> Vec<u8> {
    v2(0x21, 0x11, &[V4, &[0x04, 0, 1, 9, 0x03, 0, 4], &checksum.to_be_bytes()].concat())
}

#[test]
fn a_checksum_is_checked_if_there_is_one() {
    assert_eq!(read(&with_checksum(CHECKSUM)), source("192.0.2.1:56324", 39));
    assert_eq!(fault(&with_checksum(CHECKSUM ^ 1)), ProxyFault::V2Checksum);
    assert_eq!(fault(&with_checksum(0)), ProxyFault::V2Checksum);
    let mut changed = with_checksum(CHECKSUM);
    changed[16] ^= 1;
    assert_eq!(fault(&changed), ProxyFault::V2Checksum, "another address");
    assert_eq!(fault(&v2(0x21, 0x11, &[V4, &[0x03, 0, 3, 0, 0, 0]].concat())), ProxyFault::V2Checksum, "three bytes");
    let twice = v2(0x21, 0x11, &[V4, &[0x03, 0, 4, 0, 0, 0, 0, 0x03, 0, 4, 0, 0, 0, 0]].concat());
    assert_eq!(fault(&twice), ProxyFault::V2Checksum);
}

proptest! {
    #[test]
    fn any_bytes_have_one_outcome_that_more_bytes_do_not_change(
        start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", SIGNATURE, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, &rest].concat();
        let mut known = None;
        for end in 0..=bytes.len() {
            let outcome = ProxyHeader::read(&bytes[..end]);
            match known {
                Some(known) => prop_assert_eq!(outcome, known),
                None if outcome != ProxyHeader::NeedMore => known = Some(outcome),
                None => prop_assert!(end < V2_BYTES_MAX),
            }
            match outcome {
                ProxyHeader::Source { bytes_used, .. }
                | ProxyHeader::Local { bytes_used }
                | ProxyHeader::Unknown { bytes_used } => prop_assert!(bytes_used <= end),
                ProxyHeader::NeedMore | ProxyHeader::Wrong(_) => {}
            }
        }
    }

    #[test]
    fn every_source_that_a_proxy_writes_comes_back(source: SocketAddr, destination: SocketAddr) {
        // Without the scope and the flow, which no header has.
        let source = SocketAddr::new(source.ip(), source.port());
        let mut destination = SocketAddr::new(destination.ip(), destination.port());
        if source.is_ipv4() != destination.is_ipv4() {
            destination = source;
        }
        let (name, family) = if source.is_ipv4() { ("TCP4", 0x11) } else { ("TCP6", 0x21) };
        let line = format!("PROXY {name} {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port());
        let bytes_used = line.len();
        prop_assert_eq!(ProxyHeader::read(line.as_bytes()), ProxyHeader::Source { source, bytes_used });

        let octets = |address: SocketAddr| match address {
            SocketAddr::V4(address) => address.ip().octets().to_vec(),
            SocketAddr::V6(address) => address.ip().octets().to_vec(),
        };
        let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
        let block = v2(0x21, family, &[octets(source), octets(destination), ports].concat());
        let bytes_used = block.len();
        prop_assert_eq!(ProxyHeader::read(&block), ProxyHeader::Source { source, bytes_used });
    }
}
