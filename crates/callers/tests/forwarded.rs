//! The client's address in `X-Forwarded-For` and `Forwarded`: whose word is taken, and whose is not.

use std::net::IpAddr;

use fanfare_callers::{FORWARDED_BYTES_MAX, ForwardedBy, HOPS_MAX, Networks};
use proptest::prelude::*;

const PEER: &str = "10.0.0.1";

/// The client when a proxy in 10.0.0.0/8 or fd00::/8 has sent these lines.
fn client(by: ForwardedBy, lines: &[&str]) -> String {
    let trusted = Networks::new(["10.0.0.0/8", "fd00::/8"]).unwrap();
    by.client(PEER.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &trusted).to_string()
}

fn x_forwarded_for(lines: &[&str]) -> String {
    client(ForwardedBy::XForwardedFor, lines)
}

fn forwarded(lines: &[&str]) -> String {
    client(ForwardedBy::Forwarded, lines)
}

#[test]
fn the_first_untrusted_hop_from_the_right_is_the_client() {
    assert_eq!(x_forwarded_for(&["203.0.113.9"]), "203.0.113.9");
    assert_eq!(x_forwarded_for(&["1.2.3.4, 203.0.113.9"]), "203.0.113.9");
    assert_eq!(x_forwarded_for(&["1.2.3.4,203.0.113.9 ,\t10.0.0.2,fd00::7"]), "203.0.113.9");
    assert_eq!(forwarded(&["for=1.2.3.4, for=203.0.113.9;by=10.0.0.1, for=\"[fd00::7]\""]), "203.0.113.9");
}

#[test]
fn nobody_but_a_trusted_peer_is_asked() {
    let trusted = Networks::new(["10.0.0.0/8"]).unwrap();
    let stranger = "192.0.2.1".parse().unwrap();
    for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
        let lines = [&b"203.0.113.9"[..], b"for=203.0.113.9"];
        assert_eq!(by.client(stranger, lines, &trusted), stranger);
        assert_eq!(by.client(PEER.parse().unwrap(), [], &trusted).to_string(), PEER);
    }
    let mapped = "::ffff:10.0.0.1".parse().unwrap();
    assert_eq!(ForwardedBy::XForwardedFor.client(mapped, [&b"203.0.113.9"[..]], &trusted).to_string(), "203.0.113.9");
}

#[test]
fn several_lines_are_one_list() {
    assert_eq!(x_forwarded_for(&["1.2.3.4", "203.0.113.9, 10.0.0.3", "10.0.0.2"]), "203.0.113.9");
    assert_eq!(forwarded(&["for=1.2.3.4", "for=203.0.113.9", "for=10.0.0.2"]), "203.0.113.9");
}

#[test]
fn if_all_hops_are_trusted_the_first_one_is_the_client() {
    assert_eq!(x_forwarded_for(&["10.0.0.4, 10.0.0.3", "10.0.0.2"]), "10.0.0.4");
}

#[test]
fn the_other_header_has_another_form() {
    assert_eq!(x_forwarded_for(&["for=203.0.113.9"]), PEER);
    assert_eq!(forwarded(&["203.0.113.9"]), PEER);
    assert_eq!(ForwardedBy::XForwardedFor.header(), "x-forwarded-for");
    assert_eq!(ForwardedBy::Forwarded.header(), "forwarded");
}

#[test]
fn the_examples_of_rfc_7239_are_read() {
    // Section 4.
    assert_eq!(forwarded(&["for=\"_gazonk\""]), PEER);
    assert_eq!(forwarded(&["For=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
    assert_eq!(forwarded(&["for=192.0.2.60;proto=http;by=203.0.113.43"]), "192.0.2.60");
    assert_eq!(forwarded(&["for=192.0.2.43, for=198.51.100.17"]), "198.51.100.17");
    // Section 6.
    assert_eq!(forwarded(&["for=\"192.0.2.43:47011\""]), "192.0.2.43");
    assert_eq!(forwarded(&["for=\"[2001:db8:cafe::17]:47011\""]), "2001:db8:cafe::17");
    // Section 6.3.
    assert_eq!(forwarded(&["for=_hidden, for=_SEVKISEK"]), PEER);
    // Section 7.1.
    assert_eq!(forwarded(&["for=192.0.2.43, for=\"[2001:db8:cafe::17]\""]), "2001:db8:cafe::17");
    assert_eq!(forwarded(&["for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown"]), PEER);
    assert_eq!(forwarded(&["for=192.0.2.43", "for=\"[2001:db8:cafe::17]\",for=unknown"]), PEER);
    // Section 7.4.
    assert_eq!(forwarded(&["for=192.0.2.43, for=10.0.0.9"]), "192.0.2.43");
}

#[test]
fn forms_that_proxies_write_are_read() {
    for (text, address) in [
        ("203.0.113.9:1234", "203.0.113.9"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:1234", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("  203.0.113.9\t", "203.0.113.9"),
    ] {
        assert_eq!(x_forwarded_for(&[text]), address, "{text}");
    }
    for (element, address) in [
        ("for=203.0.113.9:_port", "203.0.113.9"),
        ("proto=https ; FOR=203.0.113.9 ; host=\"a,b;c\\\"d\"", "203.0.113.9"),
        (";for=203.0.113.9;", "203.0.113.9"),
        ("for=\"203\\.0.113.9\"", "203.0.113.9"),
        ("for=[2001:db8::1]:80", "2001:db8::1"),
    ] {
        assert_eq!(forwarded(&[element]), address, "{element}");
    }
}

#[test]
fn empty_elements_say_nothing() {
    assert_eq!(x_forwarded_for(&["203.0.113.9,, ,", "", " , 10.0.0.2,"]), "203.0.113.9");
    assert_eq!(forwarded(&["for=203.0.113.9,, ,", "", " , for=10.0.0.2,"]), "203.0.113.9");
}

#[test]
fn the_list_ends_where_a_trusted_proxy_has_written_no_address() {
    for text in [
        "unknown",
        "_hidden",
        "203.0.113.256",
        "203.0.113.9:",
        "203.0.113.9:123456",
        "203.0.113.9:1a",
        "203.0.113.9 1",
        "203.0.113.9:_",
        "203.0.113.9/32",
        "[203.0.113.9]",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "2001:db8::1%eth0",
        "\"203.0.113.9\"",
        "é",
    ] {
        assert_eq!(x_forwarded_for(&[&format!("1.2.3.4, {text}, 10.0.0.2")]), "10.0.0.2", "{text}");
    }
    for element in [
        "for",
        "for=",
        "for=\"\"",
        "for=unknown",
        "for=\"_hidden\"",
        "by=203.0.113.9",
        "for=203.0.113.9;for=203.0.113.10",
        "for=203.0.113.9;by",
        "for=\"203.0.113.9",
        "for=203.0.113.9\"",
        "for=\"203.0.113.9\\\"",
        "for=\"203.0.113.9\"x",
        "for=203.0.113.9;host=\"a",
        "for =203.0.113.9",
        "for= 203.0.113.9",
    ] {
        assert_eq!(forwarded(&["for=1.2.3.4", element, "for=10.0.0.2"]), "10.0.0.2", "{element}");
    }
}

#[test]
fn a_quote_that_a_client_leaves_open_swallows_nothing() {
    for open in ["for=\"", "for=\"1.2.3.4", "for=\\\"", "\"", "for=\"\\", "for=1.2.3.4;host=\"a\\\"", "for=\"a\";x=\""]
    {
        for element in ["for=203.0.113.9", "for=\"203.0.113.9\"", "for=\"203.0.113.9:80\";host=\"a,\\\"b\\\\\""] {
            assert_eq!(forwarded(&[&format!("{open},{element}")]), "203.0.113.9", "{open}");
            assert_eq!(forwarded(&[&format!("{open}, {element}, for=10.0.0.2")]), "203.0.113.9", "{open}");
        }
    }
}

#[test]
fn as_many_hops_are_read_as_may_be_and_not_one_more() {
    let line = |trusted: usize| format!("203.0.113.9{}", ", 10.0.0.2".repeat(trusted));
    assert_eq!(x_forwarded_for(&[&line(HOPS_MAX - 1)]), "203.0.113.9");
    assert_eq!(x_forwarded_for(&[&line(HOPS_MAX)]), "10.0.0.2");
    let commas = format!("203.0.113.9{}", ",".repeat(HOPS_MAX));
    assert_eq!(x_forwarded_for(&[&commas]), PEER);
    assert_eq!(x_forwarded_for(&[&commas[..commas.len() - 1]]), "203.0.113.9");
}

#[test]
fn as_many_bytes_are_read_as_may_be_and_not_one_more() {
    let line = |bytes: usize| format!("for=203.0.113.9;host=\"{}\"", "x".repeat(bytes - 23));
    assert_eq!(forwarded(&[&line(FORWARDED_BYTES_MAX)]), "203.0.113.9");
    assert_eq!(forwarded(&[&line(FORWARDED_BYTES_MAX + 1)]), PEER);
    // What is cut is not taken for the beginning of an address.
    let behind = ",10.0.0.2".repeat(2);
    let long = format!("1{}203.0.113.9{behind}", " ".repeat(FORWARDED_BYTES_MAX));
    assert_eq!(x_forwarded_for(&[&long]), "10.0.0.2");
    let fits = format!("{}203.0.113.9{behind}", " ".repeat(FORWARDED_BYTES_MAX - 11 - behind.len()));
    assert_eq!(
        (x_forwarded_for(&[&fits]), x_forwarded_for(&[&format!(" {fits}")])),
        ("203.0.113.9".into(), "10.0.0.2".into())
    );
}

/// What a proxy adds for `address`, as one of several that proxies write.
fn written(by: ForwardedBy, address: IpAddr, style: usize) -> String {
    let with_port = match address {
        IpAddr::V4(address) => format!("{address}:4711"),
        IpAddr::V6(address) => format!("[{address}]:4711"),
    };
    match (by, style % 3) {
        (ForwardedBy::XForwardedFor, 0) => with_port,
        (ForwardedBy::XForwardedFor, _) => address.to_string(),
        (ForwardedBy::Forwarded, 0) => format!("for=\"{with_port}\""),
        (ForwardedBy::Forwarded, 1) => format!("proto=https;For=\"{with_port}\";host=\"a,\\\";b\\\\\""),
        (ForwardedBy::Forwarded, _) => format!("by=_me;for=\"{with_port}\";secret=x"),
    }
}

proptest! {
    /// A client writes anything into the header. Trusted proxies add who has connected to them, in the same line or in a new one. Nobody but
    /// they decide.
    #[test]
    fn nothing_that_a_client_has_written_counts(
        forged in prop::collection::vec("[ -~]{0,40}|([,;\"\\\\=\\[\\]]|for|203\\.0\\.113\\.1|10\\.0\\.0\\.5){0,12}", 0..4),
        client: u32,
        proxies in prop::collection::vec((any::<bool>(), 0_usize..3), 1..5),
        is_forwarded: bool,
    ) {
        let by = if is_forwarded { ForwardedBy::Forwarded } else { ForwardedBy::XForwardedFor };
        let trusted = Networks::new(["10.0.0.0/8", "fd00::/8"]).unwrap();
        // Never in 10.0.0.0/8.
        let client = IpAddr::from((client | 0x8000_0000).to_be_bytes());
        let mut lines = forged;
        let mut from = client;
        for (at, (is_in_line, style)) in proxies.into_iter().enumerate() {
            let element = written(by, from, style);
            match lines.last_mut() {
                Some(line) if is_in_line => *line = format!("{line}, {element}"),
                _ => lines.push(element),
            }
            from = if style == 1 { format!("fd00::{at}").parse().unwrap() } else { IpAddr::from([10, 0, 0, at as u8]) };
        }
        let found = by.client(from, lines.iter().map(String::as_bytes), &trusted);
        prop_assert_eq!(found, client, "{:?}", lines);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
        is_all_trusted: bool,
    ) {
        let trusted = Networks::new(if is_all_trusted { ["0.0.0.0/0", "::/0"] } else { ["10.0.0.1", "10.0.0.2"] }).unwrap();
        for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
            let _ = by.client(PEER.parse().unwrap(), lines.iter().map(Vec::as_slice), &trusted);
        }
    }
}
