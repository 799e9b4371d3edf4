//! Certificates of clients (`--tls-client-ca`).

use crate::{
    Secure,
    authority::Authority,
    openssl::said,
    support::{curl_once, run, until},
};
use std::process::Command;

#[test]
fn only_clients_with_a_certificate_of_the_authority_are_served() {
    let (authority, strangers) = (Authority::new(), Authority::new());
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    authority.write("client", &authority.issue(&["client"]));
    strangers.write("client", &strangers.issue(&["client"]));
    let client_ca = format!("--tls-client-ca={}", authority.ca());
    let mut server = Secure::started(&[&cert, &key, &client_ca]);
    let (ca, url) = (authority.ca(), server.url("localhost", "/healthz"));
    let with = |of: &Authority| ["--cert".to_owned(), of.path("client.pem"), "--key".to_owned(), of.path("client.key")];

    let [cert_flag, cert, key_flag, key] = with(&authority);
    assert_eq!(curl_once(&["--cacert", &ca, &cert_flag, &cert, &key_flag, &key, &url]).trim(), "ok");
    let (code, text) = run(Command::new("curl").args(["-sS", "--cacert", &ca, &url]));
    assert!(code == 56 || code == 35, "{code} {text}");
    server.process.line_with("the client shows no certificate");
    let refused = || run(Command::new("curl").args(["-sS", "--cacert", &ca]).args(with(&strangers)).arg(&url));
    assert_ne!(refused().0, 0);
    server.process.line_with("the client's certificate is not accepted");

    // The authorities are read again as certificates are.
    authority.replace("ca.pem", &std::fs::read_to_string(strangers.ca()).unwrap());
    server.process.signal("HUP");
    server.process.line_with("ca.pem: read again");
    until("the stranger is served", || {
        let curl = run(Command::new("curl").args(["-sS", "-k"]).args(with(&strangers)).arg(&url));
        curl.0 == 0
    });
    // openssl and curl show what they have. Browsers and Go show only certificates of authorities that the server names, if
    // it names any.
    for version in ["-tls1_2", "-tls1_3"] {
        let [cert_flag, cert, key_flag, key] =
            ["-cert", &strangers.path("client.pem"), "-key", &strangers.path("client.key")];
        let said = said(&server, "localhost", &[version, cert_flag, cert, key_flag, key]);
        assert!(said.contains("New, TLSv1") && said.contains("No client certificate CA names sent"), "{said}");
    }
}
