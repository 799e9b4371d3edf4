//! What testssl.sh looks at, with openssl on the other side: versions, suites, extensions, tickets, forms of keys.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Secure,
    authority::Authority,
    body,
    support::{Process, run},
};

/// The suites of TLS 1.2, each with the kind of key that it needs. They are all that the server has.
const SUITES_12: [(&str, &str); 6] = [
    ("rsa.test", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("rsa.test", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("rsa.test", "ECDHE-RSA-CHACHA20-POLY1305"),
    ("ec.test", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("ec.test", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("ec.test", "ECDHE-ECDSA-CHACHA20-POLY1305"),
];
const SUITES_13: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// A request that has the server close the connection, so that openssl has read all that came before.
const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A directory with a pair of each kind of key, in each form.
struct Keys(tempfile::TempDir);

impl Keys {
    /// Makes `rsa.test` (PKCS#8), `rsa1.test` (PKCS#1), `ec.test` (PKCS#8) and `ec1.test` (SEC 1).
    fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        let script = "for kind in rsa:2048 ec; do name=${kind%%:*}; \
                      openssl req -x509 -newkey $kind -pkeyopt $1 -nodes -days 1 -subj /CN=$name.test \
                      -addext subjectAltName=DNS:$name.test -keyout $name.key -out $name.pem || exit; shift; \
                      openssl pkey -in $name.key -traditional -out ${name}1.key && \
                      openssl req -x509 -key ${name}1.key -days 1 -subj /CN=${name}1.test \
                      -addext subjectAltName=DNS:${name}1.test -out ${name}1.pem || exit; done";
        let mut sh = Command::new("sh");
        sh.args(["-c", script, "sh", "rsa_keygen_bits:2048", "ec_paramgen_curve:prime256v1"]);
        let (code, text) = run(sh.current_dir(keys.path()));
        assert_eq!(code, 0, "{text}");
        keys
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// Starts a server with all pairs.
    fn server(&self) -> Secure {
        let flags = ["rsa", "rsa1", "ec", "ec1"].map(|name| {
            let file = |kind: &str| self.path().join(format!("{name}.{kind}")).display().to_string();
            [format!("--tls-cert={}", file("pem")), format!("--tls-key={}", file("key"))]
        });
        Secure::started(&flags.iter().flatten().map(String::as_str).collect::<Vec<_>>())
    }
}

/// `openssl s_client` at the server, for the host `host`. It is ended after ten seconds.
fn s_client(server: &Secure, host: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    let address = format!("127.0.0.1:{}", server.port);
    command.args(["10", "openssl", "s_client", "-connect", &address, "-servername", host]).args(arguments);
    command
}

/// What openssl says of a handshake after which it sends [`REQUEST`].
pub(crate) fn said(server: &Secure, host: &str, arguments: &[&str]) -> String {
    let mut input = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut input, REQUEST.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut input).unwrap();
    let output = s_client(server, host, arguments).arg("-ign_eof").stdin(Stdio::from(input)).output();
    let output = output.expect("openssl; `cargo xtask test` installs it");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

#[track_caller]
fn assert_refused(said: &str, what: &str) {
    assert!(said.contains("Cipher is (NONE)") && said.contains("alert"), "{what}: {said}");
}

#[test]
fn every_suite_of_tls_1_2_and_1_3_is_taken() {
    let keys = Keys::new();
    let server = keys.server();
    for (host, suite) in SUITES_12 {
        let said = said(&server, host, &["-tls1_2", "-cipher", suite]);
        assert!(said.contains(&format!("New, TLSv1.2, Cipher is {suite}")), "{said}");
    }
    for suite in SUITES_13 {
        for host in ["rsa.test", "ec.test"] {
            let said = said(&server, host, &["-tls1_3", "-ciphersuites", suite]);
            assert!(said.contains(&format!("New, TLSv1.3, Cipher is {suite}")), "{said}");
        }
    }
}

#[test]
fn old_versions_and_weak_suites_are_refused() {
    let keys = Keys::new();
    let server = keys.server();
    // At this level openssl itself would do them. It has SSLv3 no more: the server's answer to that is tested with bytes.
    for version in ["-tls1", "-tls1_1"] {
        assert_refused(&said(&server, "rsa.test", &[version, "-cipher", "ALL:@SECLEVEL=0"]), version);
    }
    let (_, all) = run(Command::new("openssl").args(["ciphers", "-tls1_2", "-s", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]));
    let is_weak = |suite: &&str| !suite.starts_with("TLS_") && !SUITES_12.iter().any(|(_, strong)| strong == suite);
    let weak: Vec<_> = all.trim().split(':').filter(is_weak).collect();
    for known in [
        "AES128-SHA",
        "AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA",
        "DHE-RSA-AES128-GCM-SHA256",
    ] {
        assert!(weak.contains(&known), "openssl does not offer {known}: {all}");
    }
    for host in ["rsa.test", "ec.test"] {
        // All of them in one offer: the server finds none that it takes.
        let offered = format!("{}:@SECLEVEL=0", weak.join(":"));
        assert_refused(&said(&server, host, &["-tls1_2", "-cipher", &offered]), host);
    }
    for (host, suite) in SUITES_12 {
        let other = if host == "rsa.test" { "ec.test" } else { "rsa.test" };
        assert_refused(&said(&server, other, &["-tls1_2", "-cipher", suite]), suite);
    }
}

#[test]
fn the_protocol_is_chosen_and_openssl_hears_that_renegotiation_would_be_secure() {
    let keys = Keys::new();
    let server = keys.server();
    for (protocols, chosen) in [("h2,http/1.1", "h2"), ("http/1.1", "http/1.1"), ("http/1.1,h2", "h2")] {
        for version in ["-tls1_2", "-tls1_3"] {
            let said = said(&server, "ec.test", &[version, "-alpn", protocols]);
            assert!(said.contains(&format!("ALPN protocol: {chosen}")), "{said}");
            let is_12 = version == "-tls1_2";
            assert!(!is_12 || said.contains("Secure Renegotiation IS supported"), "{said}");
        }
    }
}

#[test]
fn a_client_that_renegotiates_is_refused() {
    let keys = Keys::new();
    let server = keys.server();
    let mut command = s_client(&server, "ec.test", &["-tls1_2"]);
    // The pipe stays open behind the letter, so that openssl does not end by itself.
    let (input, mut writer) = std::io::pipe().unwrap();
    let mut openssl = Process::start_with_input(&mut command, input);
    openssl.line_with("Verify return code");
    std::io::Write::write_all(&mut writer, b"R\n").unwrap();
    openssl.line_with("RENEGOTIATING");
    let lines = openssl.remaining_lines().join("\n");
    assert!(lines.contains("no renegotiation"), "{lines}");
    assert_ne!(openssl.exit().code(), Some(124), "it waited for an answer: {lines}");
}

#[test]
fn a_session_is_resumed_with_its_ticket_and_takes_no_early_data() {
    let keys = Keys::new();
    let server = keys.server();
    for version in ["-tls1_2", "-tls1_3"] {
        let session = keys.path().join("session").display().to_string();
        let first = said(&server, "ec.test", &[version, "-sess_out", &session]);
        assert!(first.contains("New, TLSv1"), "{first}");
        let second = said(&server, "ec.test", &[version, "-sess_in", &session]);
        assert!(second.contains("Reused, TLSv1"), "{second}");
        let (_, told) = run(Command::new("openssl").args(["sess_id", "-noout", "-text", "-in", &session]));
        assert!(told.contains("TLS session ticket:"), "{told}");
        let is_13 = version == "-tls1_3";
        assert!(!is_13 || told.contains("Max Early Data: 0"), "{told}");
    }
}

#[test]
fn keys_of_each_kind_are_served_in_each_form() {
    let keys = Keys::new();
    for (file, begin) in [
        ("rsa.key", "BEGIN PRIVATE KEY"),
        ("rsa1.key", "BEGIN RSA PRIVATE KEY"),
        ("ec.key", "BEGIN PRIVATE KEY"),
        ("ec1.key", "BEGIN EC PRIVATE KEY"),
    ] {
        assert!(keys.text(file).contains(begin), "{file}");
    }
    let server = keys.server();
    for name in ["rsa", "rsa1", "ec", "ec1"] {
        let host = format!("{name}.test");
        assert_eq!(server.given(&host), body(&keys.text(&format!("{name}.pem"))), "{name}");
    }
}

#[test]
fn a_chain_is_sent_whole_and_is_the_one_that_openssl_trusts() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let server = Secure::started(&[&cert, &key]);
    for version in ["-tls1_2", "-tls1_3"] {
        let trust = ["-CAfile", &authority.ca(), "-verify_return_error", "-verify_hostname", "localhost"];
        let said = said(&server, "localhost", &[&[version][..], &trust].concat());
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
}
