//! Certificates are read again when their files change, and at SIGHUP.

use std::{
    collections::HashSet,
    fs,
    io::Write as _,
    net::TcpStream,
    os::unix::fs::symlink,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{
    Secure,
    authority::Authority,
    body,
    support::{PATIENCE, curl, curl_once, until},
};

#[test]
fn a_new_certificate_is_for_new_connections_and_an_open_stream_stays() {
    let authority = Authority::new();
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost", "new.example"]));
    let [cert, key] = authority.write("a", &first);
    let mut server = Secure::started(&[&cert, &key]);
    let (ca, url) = (authority.ca(), server.url("localhost", "/channels/news"));
    let mut streams = ["--http1.1", "--http2"].map(|version| curl(&["--cacert", &ca, version, &url]));
    assert_eq!(server.given("localhost"), body(&first.chain));

    authority.write("a", &second);
    let line = server.process.line_with("read again: ");
    assert!(line.contains("a.pem") && line.contains("localhost, new.example (expires "), "{line}");
    assert_eq!(server.given("localhost"), body(&second.chain));
    curl_once(&["--cacert", &ca, "-d", "after", &url]);
    for stream in &mut streams {
        assert_eq!(stream.line_with("data: "), "data: after");
    }
}

#[test]
fn a_bad_file_keeps_the_old_certificate_and_is_told_once() {
    let authority = Authority::new();
    let (first, second) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let [cert, key] = authority.write("a", &first);
    let mut server = Secure::started(&[&cert, &key]);
    authority.replace("a.pem", &second.chain[..second.chain.len() / 2]);
    let line = server.process.line_with("not changed: ");
    assert!(line.contains("a.pem: it is no whole PEM") && line.contains("the old one stays"), "{line}");
    assert_eq!(server.given("localhost"), body(&first.chain));
    authority.replace("a.pem", &second.chain);
    let line = server.process.line_with("not changed: ");
    assert!(line.contains("a.key: the key does not belong to the certificate in"), "{line}");
    assert_eq!(server.given("localhost"), body(&first.chain));
    authority.replace("a.key", &second.key);
    server.process.line_with("read again: ");
    assert_eq!(server.given("localhost"), body(&second.chain));
    let told = server.process.seen().iter().filter(|line| line.contains("not changed: ")).count();
    assert_eq!(told, 2, "{:#?}", server.process.seen());
}

#[test]
fn a_hangup_tells_that_a_file_is_still_refused_and_why() {
    let authority = Authority::new();
    let first = authority.issue(&["localhost"]);
    let [cert, key] = authority.write("a", &first);
    let mut server = Secure::started(&[&cert, &key]);
    authority.replace("a.pem", "nothing");
    for said in ["not changed: ", "still refused: ", "still refused: "] {
        server.process.signal("HUP");
        let line = server.process.line_with(said);
        assert!(line.contains("there is no certificate in it") && line.contains("the old one stays in use"), "{line}");
    }
    assert_eq!(server.given("localhost"), body(&first.chain));
    authority.replace("a.pem", &first.chain);
    server.process.signal("HUP");
    server.process.line_with("read again: ");
    server.process.signal("HUP");
    server.process.line_with("a.pem: unchanged");
}

#[test]
fn a_certificate_that_clients_would_refuse_does_not_replace_a_valid_one() {
    let authority = Authority::new();
    let (first, last) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let [cert, key] = authority.write("a", &first);
    let mut server = Secure::started(&[&cert, &key]);
    for (issued, said) in [
        (authority.issue_expired(&["localhost"]), "the certificate expired at 2021-01-01"),
        (authority.issue_early(&["localhost"]), "the certificate is not valid before 2999-01-01"),
    ] {
        authority.write("a", &issued);
        server.process.signal("HUP");
        let line = server.process.line_with("not changed: ");
        assert!(line.contains(said) && line.contains("the old one is valid until "), "{line}");
        assert_eq!(server.given("localhost"), body(&first.chain));
    }
    authority.write("a", &last);
    server.process.signal("HUP");
    server.process.line_with("read again: ");
    assert_eq!(server.given("localhost"), body(&last.chain));
}

#[test]
fn a_link_that_is_moved_is_a_change_and_a_hangup_has_it_read_at_once() {
    let authority = Authority::new();
    let issued = ["1", "2"].map(|_| authority.issue(&["localhost"]));
    for (version, issued) in ["1", "2"].iter().zip(&issued) {
        let directory = authority.directory().join(version);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("tls.crt"), &issued.chain).unwrap();
        fs::write(directory.join("tls.key"), &issued.key).unwrap();
    }
    let now = authority.directory().join("..data");
    symlink("1", &now).unwrap();
    let [cert, key] = ["tls.crt", "tls.key"].map(|name| now.join(name).display().to_string());
    let mut server = Secure::started(&["--tls-cert", &cert, "--tls-key", &key]);
    server.process.signal("HUP");
    server.process.line_with("settings and files are read again");
    server.process.line_with("unchanged");

    symlink("2", authority.directory().join("next")).unwrap();
    fs::rename(authority.directory().join("next"), &now).unwrap();
    server.process.signal("HUP");
    server.process.line_with("read again: ");
    assert_eq!(server.given("localhost"), body(&issued[1].chain));
}

#[test]
fn a_certificate_that_is_over_is_given_and_told() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue_expired(&["localhost"]));
    let mut server = Secure::started(&[&cert, &key]);
    server.process.line_with("a.pem: the certificate for localhost has expired");
    let good = authority.issue(&["localhost"]);
    authority.write("a", &good);
    until("the good one is given", || server.given("localhost") == body(&good.chain));
}

#[test]
fn a_stream_misses_nothing_while_certificates_are_replaced_again_and_again() {
    const SWAPS: usize = 10;
    const EVENTS: usize = 20;
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let mut server = Secure::started(&[&cert, &key]);
    let (ca, url) = (authority.ca(), server.url("localhost", "/channels/news"));
    let mut streams = ["--http1.1", "--http2"].map(|version| curl(&["--cacert", &ca, version, &url]));
    for swap in 0..SWAPS {
        let issued = authority.issue(&["localhost"]);
        authority.write("a", &issued);
        server.process.signal("HUP");
        for event in 0..EVENTS {
            // Each has a handshake of its own, with the old certificate or the new one.
            curl_once(&["--cacert", &ca, "-d", &format!("{swap}.{event}"), &url]);
        }
        server.process.line_with("read again: ");
        assert_eq!(server.given("localhost"), body(&issued.chain), "{swap}");
    }
    for stream in &mut streams {
        for (swap, event) in (0..SWAPS).flat_map(|swap| (0..EVENTS).map(move |event| (swap, event))) {
            assert_eq!(stream.line_with("data: "), format!("data: {swap}.{event}"));
        }
    }
}

/// A client without tickets: each of its handshakes is a whole one.
fn client(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.resumption = Resumption::disabled();
    Arc::new(client)
}

/// The certificate that a handshake shows. The client accepts it.
fn shown(port: u16, client: &Arc<ClientConfig>) -> Vec<u8> {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(client), name).unwrap(), socket);
    stream.flush().unwrap();
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn each_handshake_succeeds_with_one_of_two_pairs_while_they_are_swapped() {
    const SWAPS: usize = 20;
    let authority = Authority::new();
    let pairs = [authority.issue(&["localhost"]), authority.issue(&["localhost"])];
    let known = pairs.each_ref().map(|pair| CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap().to_vec());
    let [cert, key] = authority.write("a", &pairs[0]);
    let mut server = Secure::started(&[&cert, &key]);
    let (ca, url, port) = (authority.ca(), server.url("localhost", "/channels/news"), server.port);
    let mut streams = ["--http1.1", "--http2"].map(|version| curl(&["--cacert", &ca, version, &url]));
    let client = client(&authority);
    let (is_over, seen) = (AtomicBool::new(false), Mutex::new(HashSet::new()));
    thread::scope(|scope| {
        // The end of the swaps is only a signal, and the scope's join orders the rest.
        let handshakes = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let shown = shown(port, &client);
                assert!(known.contains(&shown), "neither of the two");
                seen.lock().unwrap().insert(shown);
            }
        });
        for swap in 1..=SWAPS {
            let now = swap % 2;
            authority.write("a", &pairs[now]);
            server.process.signal("HUP");
            server.process.line_with("read again: ");
            assert_eq!(shown(port, &client), known[now], "{swap}");
            // Each state is seen under load before the next swap.
            seen.lock().unwrap().clear();
            until("a handshake", || handshakes.is_finished() || seen.lock().unwrap().contains(&known[now]));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    curl_once(&["--cacert", &ca, "-d", "after", &url]);
    for stream in &mut streams {
        assert_eq!(stream.line_with("data: "), "data: after");
    }
}
