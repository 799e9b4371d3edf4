//! Settings that do not go together, and files that cannot be used, end the start with exit code 2 and one sentence.

use std::fs;

use crate::{
    authority::Authority,
    support::{fanfare, run},
};

#[track_caller]
fn assert_refused(flags: &[&str], said: &str) {
    for check in [&["--check"][..], &[]] {
        let (code, text) = run(fanfare().args(["serve", "--listen=127.0.0.1:0"]).args(check).args(flags));
        let told: Vec<_> = text.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(code == 2 && told.len() == 1 && told[0].contains(said), "{flags:?} {code}: {text}");
    }
}

#[test]
fn settings_that_do_not_go_together() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let (cert, key) = (cert.as_str(), key.as_str());
    for (flags, said) in [
        (&[cert][..], "--tls-cert without --tls-key: give the key of the certificate as well"),
        (&[key], "--tls-key without --tls-cert: give the certificate of the key as well"),
        (&[cert, cert, key], "there are certificates: 2, keys: 1"),
        (&["--tls-self-signed", cert, key], "--tls-self-signed and --tls-cert: a server needs one of them"),
        (&["--tls-self-signed", "--acme-domain=a.example", "--acme-cache=/x"], "--tls-self-signed and --acme-domain"),
        (&["--acme-domain=a.example"], "--acme-domain needs --acme-cache"),
        (&["--acme-cache=/x"], "--acme-cache needs --acme-domain"),
        (&["--acme-directory=https://a.example/dir"], "--acme-directory needs --acme-domain"),
        (&["--listen-tls=3443"], "--listen-tls needs a certificate: give --tls-cert and --tls-key"),
        (&["--tls-redirect"], "--tls-redirect needs a certificate"),
        (&["--tls-client-ca=/x"], "--tls-client-ca needs a certificate"),
        (&["--listen=off"], "--listen=off needs a certificate"),
        (&["--listen=off", "--tls-redirect", cert, key], "there is nothing to redirect"),
        (&["--listen-tls=off", cert, key], "--listen-tls=off leaves the certificate without a listener"),
        (&["--listen-tls=0.0.0.0:0", cert, key], "other machines can reach 0.0.0.0:0"),
    ] {
        let flags: Vec<_> = flags.to_vec();
        let listen_is_given = flags.contains(&"--listen=off");
        if listen_is_given {
            let (code, text) = run(fanfare().args(["serve"]).args(&flags));
            assert!(code == 2 && text.contains(said), "{flags:?} {code}: {text}");
        } else {
            assert_refused(&flags, said);
        }
    }
}

#[test]
fn names_that_no_authority_can_prove() {
    for (flag, said) in [
        ("--acme-domain=*.example.org", "name each host"),
        ("--acme-domain=192.0.2.1", "an authority proves names"),
        ("--acme-domain=..", "an empty part"),
        ("--acme-domain=a.example/b", "not a host name"),
        ("--acme-domain=a.example,", "not a host name"),
        ("--acme-domain=https://a.example", "not a host name"),
        ("--acme-directory=http://a.example/", "not the URL of a directory"),
        ("--acme-email=who", "not an address"),
    ] {
        let (code, text) = run(fanfare().args(["serve", flag]));
        assert!(code == 2 && text.contains(said), "{flag}: {text}");
    }
}

#[test]
fn files_that_cannot_be_used() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let [_, other] = authority.write("b", &authority.issue(&["localhost"]));
    let half = format!("--tls-cert={}", authority.path("half.pem"));
    fs::write(authority.path("half.pem"), &fs::read_to_string(authority.path("a.pem")).unwrap()[..100]).unwrap();
    let encrypted = authority.path("encrypted.key");
    let (code, text) = run(std::process::Command::new("openssl")
        .args(["pkey", "-aes256", "-passout", "pass:x"])
        .args(["-in", &authority.path("a.key"), "-out", &encrypted]));
    assert_eq!(code, 0, "{text}");
    let encrypted = format!("--tls-key={encrypted}");
    let large = format!("--tls-cert={}", authority.path("large.pem"));
    fs::write(authority.path("large.pem"), vec![b'x'; (1 << 20) + 1]).unwrap();
    let pipe = authority.path("pipe");
    assert_eq!(run(std::process::Command::new("mkfifo").arg(&pipe)).0, 0);
    let [pipe, pipe_of_clients] = ["--tls-key", "--tls-client-ca"].map(|flag| format!("{flag}={pipe}"));
    let acme = ["--acme-domain=a.example".to_owned(), format!("--acme-cache={}", authority.path("acme"))];
    for (flags, said) in [
        (&[cert.as_str(), other.as_str()][..], "b.key: the key does not belong to the certificate in"),
        (&[&half, &key], "half.pem: it is no whole PEM: its end is missing"),
        (&["--tls-cert=/nowhere.pem", &key], "--tls-key: /nowhere.pem: No such file"),
        (&[&cert, &encrypted], "encrypted.key: the key is encrypted, and a server has no password"),
        (&[&large, &key], "large.pem: it is larger than 1MiB"),
        (&[&cert, &pipe], "pipe: it is a pipe, a socket or a device; give a regular file"),
        (&[&cert, &key, &pipe_of_clients], "--tls-client-ca: "),
        (&[&cert, "--tls-key=/"], "--tls-key: /: Is a directory"),
        (&[&cert, &key, "--tls-client-ca=/nowhere.pem"], "--tls-client-ca: /nowhere.pem: No such file"),
        (&[&acme[0], &acme[1], "--acme-ca=/nowhere.pem"], "--acme-ca: /nowhere.pem: No such file"),
        (&[&acme[0], &acme[1], &half.replace("--tls-cert", "--acme-ca")], "--acme-ca: "),
    ] {
        assert_refused(flags, said);
    }
}
