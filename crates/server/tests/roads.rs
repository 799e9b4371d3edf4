//! Connections of `fanfare publish` and `fanfare subscribe`: over TLS with the system's certificates, and through the
//! environment's proxy. Also the message for a URL with the wrong scheme.

mod support;
/// Shared with the tests of the Redis journal.
#[path = "../../redis/tests/support/tls.rs"]
#[allow(dead_code, reason = "what is for Redis")]
mod tls;

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use support::{PATIENCE, Process, fanfare, peer::Peer, run, serve};
use tls::Tls;

const TAKEN: &str = r#"{"id":"1-0","matched":0}"#;

fn publish(url: &str) -> Command {
    let mut command = fanfare();
    command.args(["publish", url, "x"]);
    command
}

/// Starts a server that answers one request over TLS. Returns its port.
fn https(tls: &Tls) -> u16 {
    let directory = tls.ca().parent().unwrap().to_owned();
    let certificate = CertificateDer::from_pem_file(directory.join("server.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(session, listener.accept().unwrap().0));
        let mut line = String::new();
        // Whoever does not trust it ends the handshake.
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = TAKEN.len();
        let head = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.get_mut().write_all(format!("{head}{TAKEN}").as_bytes()).unwrap();
    });
    port
}

#[test]
fn https_trusts_whom_the_system_trusts() {
    let (own, other) = (Tls::new(), Tls::new());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", https(&own));
        let (code, text) = run(publish(&url).env("SSL_CERT_FILE", own.ca()).env_remove("SSL_CERT_DIR"));
        assert_eq!((code, &text[..]), (0, TAKEN), "{host}");
    }
    let url = format!("https://localhost:{}", https(&own));
    let (code, text) = run(publish(&url).env("SSL_CERT_FILE", other.ca()).env_remove("SSL_CERT_DIR"));
    assert!(code == 1 && text.contains("invalid peer certificate"), "{text}");
    // That is no matter of time.
    let url = format!("https://localhost:{}", https(&own));
    let mut command = fanfare();
    command.args(["subscribe", &url]).env("SSL_CERT_FILE", other.ca()).env_remove("SSL_CERT_DIR");
    assert_eq!(run(&mut command).0, 1);
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let (code, text) =
        run(publish("https://localhost:1").env("SSL_CERT_FILE", nothing.path()).env_remove("SSL_CERT_DIR"));
    assert!(code == 1 && text.contains("ca-certificates"), "{text}");
}

/// Both commands with this wrong URL.
fn each(url: &str) -> [Command; 2] {
    let mut subscribe = fanfare();
    subscribe.args(["subscribe", url]);
    [publish(url), subscribe]
}

#[test]
fn https_to_a_port_of_plain_http_is_told_to_use_http() {
    let (_server, url) = serve(&[]);
    let own = Tls::new();
    for mut command in each(&url.replace("http://", "https://")) {
        let (code, text) = run(command.env("SSL_CERT_FILE", own.ca()).env_remove("SSL_CERT_DIR"));
        let is_told = text.contains(&format!("the server speaks plain HTTP there: use {url}/"));
        assert!(code == 1 && is_told && text.lines().count() == 1, "{text}");
        assert!(!text.contains("InvalidContentType") && !text.contains("not known"), "{text}");
    }
}

#[test]
fn http_to_a_port_of_tls_is_told_to_use_https() {
    let own = Tls::new();
    for command in [0, 1] {
        let port = https(&own);
        let (code, text) = run(&mut each(&format!("http://localhost:{port}"))[command]);
        let is_told = text.contains(&format!("the server speaks TLS there: use https://localhost:{port}/"));
        assert!(code == 1 && is_told && text.lines().count() == 1, "{text}");
        assert!(!text.contains("not known"), "nothing was published: {text}");
    }
}

#[test]
fn a_tls_port_that_only_closes_is_told_as_what_it_may_be() {
    // OpenSSL 3.0 answers nothing to plain HTTP.
    let own = Tls::new();
    let mut server = Command::new("openssl");
    server.current_dir(own.ca().parent().unwrap()).args(["s_server", "-cert", "server.crt", "-key", "server.key"]);
    let mut server = Process::start(server.args(["-accept", "127.0.0.1:0"]));
    let line = server.line_with("ACCEPT ");
    let port = line.rsplit(':').next().unwrap();
    let (code, text) = run(&mut publish(&format!("http://127.0.0.1:{port}")));
    let is_told = text.contains(&format!("if that is a TLS port, use https://127.0.0.1:{port}/broadcast"));
    assert!(code == 1 && is_told, "{text}");
}

#[test]
fn a_server_that_speaks_neither_is_told_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let own = Tls::new();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
            // Whatever else it is sent; the client ends it.
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    let (code, text) = run(publish(&format!("https://{address}")).env("SSL_CERT_FILE", own.ca()));
    assert!(code == 1 && text.contains("does the server speak HTTPS?") && !text.contains("plain HTTP"), "{text}");
    let (code, text) = run(&mut publish(&format!("http://{address}")));
    assert!(code == 1 && text.contains("not HTTP/1.1") && !text.contains("TLS"), "{text}");
}

#[test]
fn a_port_where_nobody_listens_is_told_with_the_url() {
    for mut command in each("http://127.0.0.1:1/there") {
        let mut process = Process::start(&mut command);
        let line = process.line_with("cannot reach http://127.0.0.1:1/there: connection refused");
        assert!(line.contains("no server listens there; start `fanfare serve`, or check host and port"), "{line}");
    }
}

#[test]
fn a_url_without_a_scheme_is_told_the_whole_one() {
    for mut command in each("localhost:3000/channels/a") {
        let (code, text) = run(&mut command);
        assert!(code == 2 && text.contains("write http://localhost:3000/channels/a, or https:// for TLS"), "{text}");
    }
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = Peer::new();
    let named = proxy.url().replace("http://", "http://me:word@");
    let mut process = Process::start(publish("http://far.invalid:3000/channels/a").env("http_proxy", named));
    let exchange = proxy.next();
    assert!(exchange.head.starts_with("POST http://far.invalid:3000/channels/a HTTP/1.1\r\n"), "{}", exchange.head);
    assert_eq!(exchange.header("host"), Some("far.invalid:3000"));
    assert_eq!(exchange.header("proxy-authorization"), Some("Basic bWU6d29yZA=="));
    exchange.answer("202 Accepted", "application/json", TAKEN);
    process.line_with(TAKEN);
    assert_eq!(process.exit().code(), Some(0));
}

#[test]
fn a_proxy_makes_a_tunnel_for_https() {
    let proxy = Peer::new();
    let mut process = Process::start(publish("https://far.invalid/a").env("https_proxy", proxy.url()));
    let exchange = proxy.next();
    assert!(exchange.head.starts_with("CONNECT far.invalid:443 HTTP/1.1\r\n"), "{}", exchange.head);
    exchange.answer("407 Proxy Authentication Required", "text/plain", "");
    process.line_with("no way through 127.0.0.1:");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_proxy_that_is_not_for_this_host_or_not_understood() {
    let peer = Peer::new();
    let mut command = publish(&peer.url());
    let mut process = Process::start(command.env("http_proxy", "http://127.0.0.1:1").env("no_proxy", "127.0.0.1"));
    let exchange = peer.next();
    assert!(exchange.head.starts_with("POST /broadcast HTTP/1.1\r\n"), "{}", exchange.head);
    exchange.answer("202 Accepted", "application/json", TAKEN);
    assert_eq!(process.exit().code(), Some(0));
    let (code, text) = run(publish("http://far.invalid").env("http_proxy", "http://127.0.0.1:1"));
    let is_told = text.contains("the proxy 127.0.0.1:1 that the environment names cannot be reached");
    assert!(code == 1 && is_told && !text.contains("fanfare serve"), "{text}");
    let (code, text) = run(publish("http://far.invalid").env("all_proxy", "socks5://127.0.0.1:1"));
    assert!(code == 1 && text.contains("socks5://"), "{text}");
}
