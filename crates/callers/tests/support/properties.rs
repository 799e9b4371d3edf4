//! Properties of everything that this crate reads from a network, for any input. Each function panics if one does not hold. The fuzz
//! targets and tests/corpus.rs call them.
//!
//! This file states the rules a second time, in words of its own.
#![allow(dead_code, reason = "each target uses its own part")]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::LazyLock,
};

use fanfare_callers::{
    FORWARDED_BYTES_MAX, ForwardedBy, HOPS_MAX, Networks, ProxyFault, ProxyHeader, V1_BYTES_MAX, V2_BYTES_MAX,
};

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The input is the start of a connection.
pub(crate) fn proxy_headers(input: &[u8]) {
    judge(input);
    // No input comes upon a checksum that is right.
    if let Some(mended) = with_right_checksum(input) {
        let outcome = judge(&mended);
        assert_eq!(outcome, naive_v2(&mended).unwrap_or(outcome));
        assert_ne!(outcome, ProxyHeader::Wrong(ProxyFault::V2Checksum));
    }
}

/// The outcome of a header that comes byte by byte. No byte behind it changes the outcome.
fn judge(input: &[u8]) -> ProxyHeader {
    let outcomes = (0..=input.len()).map(|end| (end, ProxyHeader::read(&input[..end])));
    let Some((end, outcome)) = outcomes.into_iter().find(|(_, outcome)| *outcome != ProxyHeader::NeedMore) else {
        assert!(input.len() < bytes_max(input));
        assert!(V1.starts_with(input) || V2.starts_with(input) || input.starts_with(V1) || input.starts_with(V2));
        for byte in [0, b'\n', 0xff] {
            let mut longest = input.to_vec();
            longest.resize(V2_BYTES_MAX, byte);
            assert_ne!(ProxyHeader::read(&longest), ProxyHeader::NeedMore);
        }
        return ProxyHeader::NeedMore;
    };
    for behind in [&b""[..], b"\n", b"\0", b"\xff\xff", V1, V2] {
        assert_eq!(ProxyHeader::read(&[&input[..end], behind].concat()), outcome);
    }
    assert_eq!(ProxyHeader::read(input), outcome);
    let header = &input[..end];
    assert!(end <= bytes_max(header), "{end} bytes");
    let used = match outcome {
        ProxyHeader::Source { bytes_used, .. }
        | ProxyHeader::Local { bytes_used }
        | ProxyHeader::Unknown { bytes_used } => Some(bytes_used),
        ProxyHeader::NeedMore | ProxyHeader::Wrong(_) => None,
    };
    assert!(used.is_none_or(|used| used == end), "known at {end}: {outcome:?}");
    let expected = if header.starts_with(V1) { naive_v1(header) } else { naive_v2(header) };
    assert_eq!(expected, used.map(|_| outcome), "{}", header.escape_ascii());
    outcome
}

fn bytes_max(bytes: &[u8]) -> usize {
    if bytes.starts_with(V1) { V1_BYTES_MAX } else { V2_BYTES_MAX }
}

/// The outcome of a whole line, if it is a header.
fn naive_v1(line: &[u8]) -> Option<ProxyHeader> {
    let bytes_used = line.len();
    let line = line.strip_suffix(b"\r\n").filter(|_| bytes_used <= 107)?;
    if line == b"PROXY UNKNOWN" || line.starts_with(b"PROXY UNKNOWN ") {
        return Some(ProxyHeader::Unknown { bytes_used });
    }
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let [_, family, source, destination, source_port, destination_port] = words[..] else { return None };
    let addresses = [source.parse::<IpAddr>().ok()?, destination.parse().ok()?];
    let is_of_family = match family {
        "TCP4" => addresses.iter().all(IpAddr::is_ipv4),
        "TCP6" => addresses.iter().all(IpAddr::is_ipv6),
        _ => false,
    };
    let ports = [source_port.parse::<u16>().ok()?, destination_port.parse().ok()?];
    let is_plain = ports.map(|port| port.to_string()) == [source_port, destination_port];
    let source = SocketAddr::new(addresses[0], ports[0]);
    (is_of_family && is_plain).then_some(ProxyHeader::Source { source, bytes_used })
}

/// The outcome of a whole block, if it is a header.
fn naive_v2(block: &[u8]) -> Option<ProxyHeader> {
    let bytes_used = block.len();
    let rest = block.strip_prefix(V2).filter(|_| bytes_used <= 16 + 4_096)?;
    let (&[version_and_command, family, high, low], rest) = rest.split_first_chunk()?;
    if rest.len() != usize::from(high) << 8 | usize::from(low) {
        return None;
    }
    match version_and_command {
        0x20 => return Some(ProxyHeader::Local { bytes_used }),
        0x21 => {}
        _ => return None,
    }
    let octets = match family {
        0x00 => 0,
        0x11 | 0x12 => 4,
        0x21 | 0x22 => 16,
        0x31 | 0x32 => 108,
        _ => return None,
    };
    let ports = if matches!(octets, 4 | 16) { 4 } else { 0 };
    let (addresses, fields) = rest.split_at_checked(2 * octets + ports)?;
    let checksums: Vec<_> = fields_of(fields)?.into_iter().filter(|(kind, _)| *kind == 3).map(|(_, at)| at).collect();
    match checksums[..] {
        [] => {}
        [(at, 4)] => {
            let at = bytes_used - fields.len() + at;
            let mut cleared = block.to_vec();
            cleared[at..at + 4].fill(0);
            (block[at..at + 4] == crc32c(&cleared).to_be_bytes()).then_some(())?;
        }
        _ => return None,
    }
    let ip = match octets {
        4 => IpAddr::from(<[u8; 4]>::try_from(&addresses[..4]).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(&addresses[..16]).ok()?),
        _ => return Some(ProxyHeader::Unknown { bytes_used }),
    };
    let port = u16::from(addresses[2 * octets]) << 8 | u16::from(addresses[2 * octets + 1]);
    Some(ProxyHeader::Source { source: SocketAddr::new(ip, port), bytes_used })
}

/// The type of each field, and where its value begins and how long it is. `None` if the last one is cut off.
fn fields_of(fields: &[u8]) -> Option<Vec<(u8, (usize, usize))>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < fields.len() {
        let bytes = usize::from(*fields.get(at + 1)?) << 8 | usize::from(*fields.get(at + 2)?);
        found.push((fields[at], (at + 3, bytes)));
        at += 3 + bytes;
    }
    (at == fields.len()).then_some(found)
}

/// A whole block whose one checksum is made right. `None` if it has no place for one.
fn with_right_checksum(input: &[u8]) -> Option<Vec<u8>> {
    let rest = input.strip_prefix(V2)?;
    let family = *rest.get(1)?;
    let addresses = [0, 12, 36, 216].get(usize::from(family >> 4))?;
    let bytes = 16 + (usize::from(*rest.get(2)?) << 8 | usize::from(*rest.get(3)?));
    let mut block = input.get(..bytes)?.to_vec();
    let fields = fields_of(block.get(16 + addresses..)?)?;
    let mut checksums = fields.into_iter().filter(|(kind, _)| *kind == 3);
    let (Some((_, (at, 4))), None) = (checksums.next(), checksums.next()) else { return None };
    let at = 16 + addresses + at;
    block[at..at + 4].fill(0);
    let sum = crc32c(&block);
    block[at..at + 4].copy_from_slice(&sum.to_be_bytes());
    Some(block)
}

/// The checksum of Castagnoli, with each byte turned around instead of the polynomial.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            crc = if crc >> 31 == 1 { crc << 1 ^ 0x1edc_6f41 } else { crc << 1 };
        }
    }
    !crc.reverse_bits()
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77));

static SOME: LazyLock<Networks> = LazyLock::new(|| Networks::new(["10.0.0.0/8", "fd00::/8"]).unwrap());
static ALL: LazyLock<Networks> = LazyLock::new(|| Networks::new(["0.0.0.0/0", "::/0"]).unwrap());

/// The input is the peer's address on a line, and then the lines of the header. Without an address the peer is trusted.
pub(crate) fn forwarded(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let peer = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::from(0xfd00 << 112 | 1)));
    let lines: Vec<&[u8]> = lines.collect();
    for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
        assert_eq!(by.client(peer, lines.iter().copied(), &Networks::default()), peer.to_canonical());
        for trusted in [&*SOME, &*ALL] {
            follow(by, peer, &lines, trusted);
        }
        // A trusted proxy adds the one who has connected to it, whatever that one has written.
        let trusted_peer = IpAddr::from([10, 0, 0, 1]);
        for honest in honest(by) {
            let in_a_new_line: Vec<_> = lines.iter().copied().chain([honest]).collect();
            assert_eq!(by.client(trusted_peer, in_a_new_line.iter().copied(), &SOME), CLIENT, "{in_a_new_line:?}");
            let Some((last, others)) = lines.split_last() else { continue };
            let last = [last, &b","[..], honest].concat();
            let in_its_line = others.iter().copied().chain([&last[..]]);
            assert_eq!(by.client(trusted_peer, in_its_line.collect::<Vec<_>>(), &SOME), CLIENT, "{lines:?}");
        }
    }
}

/// What trusted proxies write for [`CLIENT`].
fn honest(by: ForwardedBy) -> [&'static [u8]; 3] {
    match by {
        ForwardedBy::XForwardedFor => {
            [b"203.0.113.77", b" 203.0.113.77:80,10.0.0.9 ", b"::ffff:203.0.113.77,[fd00::9]:1"]
        }
        ForwardedBy::Forwarded => [
            b"for=203.0.113.77",
            br#" proto=http;For="203.0.113.77:80";host="a,\";b\\" , for="[fd00::9]:_x" "#,
            br#"for="[::ffff:203.0.113.77]",for=10.0.0.9"#,
        ],
    }
}

/// Follows the hops from `peer`, and asserts who is taken for the client.
fn follow(by: ForwardedBy, peer: IpAddr, lines: &[&[u8]], trusted: &Networks) {
    let client = by.client(peer, lines.iter().copied(), trusted);
    assert_eq!(client, client.to_canonical());
    if !trusted.contains(peer) {
        assert_eq!(client, peer.to_canonical());
    }
    // Whatever stands to the left of an untrusted hop says nothing.
    if !trusted.contains(client) {
        for forged in [&b"198.51.100.1"[..], b"for=198.51.100.1", b"\"", b"for=\"", b"\\", b"a=\"\\", b"", b"\xff"] {
            let in_a_new_line = [forged].into_iter().chain(lines.iter().copied()).collect::<Vec<_>>();
            assert_eq!(by.client(peer, in_a_new_line, trusted), client, "{forged:?} {lines:?}");
            let Some((first, others)) = lines.split_first() else { continue };
            let first = [forged, b",", first].concat();
            let in_its_line = [&first[..]].into_iter().chain(others.iter().copied()).collect::<Vec<_>>();
            assert_eq!(by.client(peer, in_its_line, trusted), client, "{forged:?} {lines:?}");
        }
    }
    let elements: Option<Vec<Vec<&[u8]>>> = lines.iter().map(|line| elements_of(by, line)).collect();
    if let Some(elements) = elements {
        assert_eq!(client, naive_client(by, peer, &elements.concat(), trusted), "{by:?} {peer} {lines:?}");
    }
}

/// The elements of a line, read from the left. `None` if a quoted string is not the value of a parameter, or has no end.
fn elements_of(by: ForwardedBy, line: &[u8]) -> Option<Vec<&[u8]>> {
    if by == ForwardedBy::XForwardedFor {
        return Some(line.split(|byte| *byte == b',').collect());
    }
    let (mut elements, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = line.get(at) {
        match byte {
            b',' => {
                elements.push(&line[start..at]);
                start = at + 1;
            }
            b'"' => {
                (at > start && line[at - 1] == b'=').then_some(())?;
                at += 1;
                while *line.get(at)? != b'"' {
                    at += if line[at] == b'\\' { 2 } else { 1 };
                }
                let behind = line[at + 1..].trim_ascii_start();
                matches!(behind.first(), None | Some(b',' | b';')).then_some(())?;
            }
            _ => {}
        }
        at += 1;
    }
    elements.push(&line[start..]);
    Some(elements)
}

/// The client by a list of elements, of which the last one was written last.
fn naive_client(by: ForwardedBy, peer: IpAddr, elements: &[&[u8]], trusted: &Networks) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut bytes = 0;
    for element in elements.iter().rev().take(HOPS_MAX) {
        bytes += element.len();
        if !trusted.contains(client) || bytes > FORWARDED_BYTES_MAX {
            break;
        }
        bytes += 1;
        let element = element.trim_ascii();
        if element.is_empty() {
            continue;
        }
        let text = std::str::from_utf8(element).ok();
        let node = match by {
            ForwardedBy::XForwardedFor => text.map(str::to_owned),
            ForwardedBy::Forwarded => text.and_then(naive_for),
        };
        match node.and_then(|node| naive_address(&node)) {
            Some(hop) => client = hop,
            None => break,
        }
    }
    client
}

/// The value of the one parameter `for`.
fn naive_for(element: &str) -> Option<String> {
    // What is quoted is taken out, so that the rest can be split.
    let (mut plain, mut quoted) = (String::new(), Vec::new());
    let mut letters = element.chars();
    while let Some(letter) = letters.next() {
        plain.push(letter);
        if letter == '"' {
            let mut text = String::new();
            loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => text.push(letters.next()?),
                    other => text.push(other),
                }
            }
            quoted.push(text);
        }
    }
    let (mut found, mut quoted) = (Vec::new(), quoted.into_iter());
    for pair in plain.split(';').map(str::trim_ascii).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let value = match value {
            "\"" => quoted.next()?,
            _ if value.contains('"') => return None,
            _ => value.to_owned(),
        };
        if name.eq_ignore_ascii_case("for") {
            found.push(value);
        }
    }
    (found.len() == 1).then(|| found.swap_remove(0))
}

/// An address, with or without a port.
fn naive_address(node: &str) -> Option<IpAddr> {
    let bracketed = |host: &str| host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let bare = || node.parse().ok().or_else(|| bracketed(node));
    let with_port = || {
        let (host, port) = node.rsplit_once(':')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_port = match port.as_bytes() {
            [b'_', name @ ..] => !name.is_empty() && name.iter().copied().all(is_name),
            digits => (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        };
        bracketed(host).or_else(|| host.parse::<Ipv4Addr>().ok().map(IpAddr::from)).filter(|_| is_port)
    };
    bare().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}
