//! Which certificate a client gets, and what happens to a set in which something is wrong.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fanfare_http::{Pem, TlsAcceptor, TlsConfig, TlsPair};
use rcgen::date_time_ymd;

use crate::support::{
    server::{Server, Way},
    tls::{Authority, Secure},
};

/// Whether a client that expects `name` accepts what the server shows.
fn is_shown(server: &Server, authority: &Authority, name: &str) -> bool {
    Secure::open_as(server.address, &Arc::new(authority.client()), name).shake().is_ok()
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let authority = Authority::new();
    let pairs = [&["first.test"][..], &["*.wild.test", "wild.test"], &["exact.wild.test"], &["OTHER.test"]];
    let config = TlsConfig { pairs: pairs.map(|names| authority.pair(names)).to_vec(), ..TlsConfig::default() };
    let acceptor = TlsAcceptor::new(config).unwrap();
    let names = ["first.test", "*.wild.test", "wild.test", "exact.wild.test", "other.test"];
    assert_eq!(acceptor.certificates().names(), names);
    let server = Server::secure(Way::Socket, acceptor);
    for name in ["first.test", "wild.test", "a.wild.test", "exact.wild.test", "other.test"] {
        assert!(is_shown(&server, &authority, name), "{name}");
    }
    for name in ["unknown.test", "a.b.wild.test"] {
        assert!(!is_shown(&server, &authority, name), "{name}: the first certificate, which is not for it");
    }
}

#[test]
fn a_set_with_a_fault_leaves_the_old_one_and_says_what_is_wrong() {
    let authority = Authority::new();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("reload-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let write = |pair: &(String, String)| {
        fs::write(&certificate, &pair.0).unwrap();
        fs::write(&key, &pair.1).unwrap();
    };
    let (old, new) = (authority.issue(&["old.test"]), authority.issue(&["new.test"]));
    write(&old);
    let pair = TlsPair { certificate: Pem::File(certificate.clone()), key: Pem::File(key.clone()) };
    let acceptor = TlsAcceptor::new(TlsConfig { pairs: vec![pair], ..TlsConfig::default() }).unwrap();
    let certificates = acceptor.certificates().clone();
    let server = Server::secure(Way::Socket, acceptor);
    assert!(is_shown(&server, &authority, "old.test"));

    let half = new.0[..new.0.len() / 2].to_owned();
    let faults = [
        ((new.0.clone(), old.1.clone()), "key.pem: the key does not belong to the certificate in"),
        ((half, new.1.clone()), "cert.pem: "),
        ((String::new(), new.1.clone()), "cert.pem: there is no certificate in it"),
        ((new.0.clone(), String::new()), "key.pem: "),
    ];
    for (pair, why) in faults {
        write(&pair);
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(is_shown(&server, &authority, "old.test"));
    }
    fs::remove_file(&key).unwrap();
    assert!(certificates.reload().unwrap_err().to_string().contains("key.pem"));

    write(&new);
    certificates.reload().unwrap();
    assert!(is_shown(&server, &authority, "new.test") && !is_shown(&server, &authority, "old.test"));
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_certificate_that_is_not_valid_now_is_a_warning() {
    let authority = Authority::new();
    let expired = authority.issue_with(&["a.test"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    let early = authority.issue_with(&["b.test"], |params| params.not_before = date_time_ymd(2999, 1, 2));
    let pairs = [expired, early]
        .map(|(certificate, key)| TlsPair { certificate: Pem::Bytes(certificate.into()), key: Pem::Bytes(key.into()) });
    let acceptor = TlsAcceptor::new(TlsConfig { pairs: pairs.to_vec(), ..TlsConfig::default() }).unwrap();
    let warnings = acceptor.certificates().warnings(SystemTime::now());
    assert!(warnings[0].ends_with("has expired") && warnings[1].ends_with("is not valid yet"), "{warnings:?}");
    let (expires, _) = acceptor.certificates().expires_at().unwrap();
    assert!(expires < SystemTime::now());
    let server = Server::secure(Way::Socket, acceptor);
    assert!(!is_shown(&server, &authority, "a.test"));
}

#[test]
fn a_warning_comes_fourteen_days_before_a_certificate_expires() {
    let authority = Authority::new();
    let acceptor = authority.acceptor();
    let (expires, place) = acceptor.certificates().expires_at().unwrap();
    let warnings = |days: u64| acceptor.certificates().warnings(expires - Duration::from_secs(days * 24 * 60 * 60));
    assert_eq!(warnings(14), [""; 0]);
    assert_eq!(warnings(13), [format!("{place}: the certificate for localhost expires in 13 days")]);
}

#[test]
fn keys_of_every_form_are_taken() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["localhost"]);
    let sec1 = {
        let mut command = std::process::Command::new("openssl");
        command.args(["pkey", "-traditional"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("these tests need `openssl` of the Debian package openssl");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), key.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert!(sec1.contains("BEGIN EC PRIVATE KEY") && key.contains("BEGIN PRIVATE KEY"));
    for key in [key, sec1] {
        let pair = TlsPair { certificate: Pem::Bytes(certificate.clone().into()), key: Pem::Bytes(key.into()) };
        TlsAcceptor::new(TlsConfig { pairs: vec![pair], ..TlsConfig::default() }).unwrap();
    }
}
