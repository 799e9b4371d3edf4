//! Lists of trusted networks: what is one, what is none, and who is in it.

use std::net::IpAddr;

use fanfare_callers::{NETWORKS_MAX, Networks, NetworksError};

fn has(networks: &Networks, address: &str) -> bool {
    networks.contains(address.parse::<IpAddr>().unwrap())
}

#[test]
fn an_address_is_in_its_network_and_its_neighbour_is_not() {
    let networks = Networks::new(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", " ::1 "]).unwrap();
    for address in ["10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8:ffff::1", "::1", "::ffff:10.1.2.3"] {
        assert!(has(&networks, address), "{address}");
    }
    for address in ["9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "2001:db9::", "::2", "::ffff:11.0.0.0"] {
        assert!(!has(&networks, address), "{address}");
    }
}

#[test]
fn networks_within_each_other_are_one() {
    let networks = Networks::new(["10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", "10.1.0.0/16"]).unwrap();
    assert!(has(&networks, "10.1.2.3") && has(&networks, "10.200.0.0") && !has(&networks, "11.0.0.0"));
}

#[test]
fn a_mapped_network_is_its_ipv4_network_and_all_of_ipv6_has_no_ipv4() {
    let networks = Networks::new(["::ffff:10.0.0.0/104"]).unwrap();
    assert!(has(&networks, "10.9.9.9") && has(&networks, "::ffff:10.9.9.9") && !has(&networks, "11.0.0.0"));
    let networks = Networks::new(["::/0"]).unwrap();
    assert!(has(&networks, "2001:db8::1") && !has(&networks, "10.9.9.9") && !has(&networks, "::ffff:10.9.9.9"));
}

#[test]
fn an_empty_list_has_nobody() {
    let networks = Networks::new([]).unwrap();
    assert!(networks.is_empty() && !has(&networks, "127.0.0.1"));
}

#[test]
fn what_is_no_network_is_refused_with_a_sentence() {
    for text in
        ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0-10.0.0.9", "2001:db8::/129", "[::1]"]
    {
        let error = Networks::new(["10.0.0.1", text]).unwrap_err();
        assert_eq!(error, NetworksError::NotANetwork(text.to_owned()));
        assert!(error.to_string().starts_with(&format!("{text:?} is no network: write an address, ")), "{error}");
    }
}

#[test]
fn an_address_with_a_prefix_that_leaves_bits_out_is_refused_with_both_ways_out() {
    let error = Networks::new(["10.0.0.1/8"]).unwrap_err().to_string();
    let expected = "\"10.0.0.1/8\" has an address within the network: write 10.0.0.0/8 for the network, or leave the prefix out for the \
                    address";
    assert_eq!(error, expected);
}

#[test]
fn a_list_has_1024_networks_and_not_one_more() {
    let texts: Vec<_> = (0..=NETWORKS_MAX).map(|n| format!("10.{}.{}.0/25", n / 256, n % 256)).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let networks = Networks::new(texts[..NETWORKS_MAX].iter().copied()).unwrap();
    assert!(has(&networks, "10.3.255.127") && !has(&networks, "10.3.255.128") && !has(&networks, "10.4.0.0"));
    assert_eq!(Networks::new(texts), Err(NetworksError::TooMany));
}
