//! Keys behind an address: fetched at the start, and again when a token names a key that nobody knows. Whatever the address answers,
//! the server serves.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::{
    ED25519, Keys, mint, read, served,
    site::{Site, write},
    support::{fanfare, run, server::Server},
};

/// A key with a name, and a token that it has signed.
struct Signed {
    jwk: String,
    token: String,
}

fn signed(keys: &Keys, kid: &str) -> Signed {
    let [private, public] = keys.pair(kid, ED25519);
    let token = mint(&format!("EdDSA:{private}"), &["--subscribe=news", "--kid", kid]);
    Signed { jwk: keys.jwk(kid, &public), token }
}

fn set(jwks: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, jwks.join(","))
}

/// A server that gets its keys there, once it has.
fn served_by(site: &Site, path: &str) -> Server {
    let mut server = served(&[&format!("--token-key=JWKS:{}{path}", site.url)]);
    server.process.line_with("keys of the issuer default at ");
    server
}

#[test]
fn a_key_that_nobody_knows_is_fetched_within_the_request_and_once_a_minute_at_most() {
    let keys = Keys::new();
    let [first, second, third] = ["a", "b", "c"].map(|kid| signed(&keys, kid));
    let now = Arc::new(Mutex::new(set(&[&first.jwk])));
    let shown = Arc::clone(&now);
    let site = Site::new(move |_, stream| write(stream, "200 OK", "", &shown.lock().unwrap()));
    let server = served_by(&site, "/");
    assert_eq!([read(&server, "news", Some(&first.token)), site.requests().len() as u16], [200, 1]);

    *now.lock().unwrap() = set(&[&first.jwk, &second.jwk]);
    assert_eq!([read(&server, "news", Some(&second.token)), site.requests().len() as u16], [200, 2]);
    for _ in 0..3 {
        assert_eq!(read(&server, "news", Some(&third.token)), 401);
    }
    assert_eq!(site.requests().len(), 2, "not sooner than a minute later");
    assert_eq!(read(&server, "news", Some(&first.token)), 200);
}

#[test]
fn a_failure_keeps_the_old_keys() {
    let keys = Keys::new();
    let [first, second] = ["a", "b"].map(|kid| signed(&keys, kid));
    let first_set = set(&[&first.jwk]);
    let answered = Mutex::new(0);
    let site = Site::new(move |_, stream| {
        let mut answered = answered.lock().unwrap();
        *answered += 1;
        if *answered == 1 { write(stream, "200 OK", "", &first_set) } else { write(stream, "503 x", "", "") }
    });
    let mut server = served_by(&site, "/");
    assert_eq!(read(&server, "news", Some(&second.token)), 401);
    let line = server.process.line_with("cannot be fetched: the answer is 503");
    assert!(line.contains("the old ones stay in use"), "{line}");
    assert_eq!(read(&server, "news", Some(&first.token)), 200);
}

#[test]
fn a_redirect_is_followed_with_the_same_scheme_alone() {
    let keys = Keys::new();
    let key = signed(&keys, "a");
    let good = set(&[&key.jwk]);
    let site = Site::new(move |request, stream| match request.head.split(' ').nth(1) {
        Some("/moved") => write(stream, "302 Found", "location: /keys\r\n", ""),
        Some("/keys") => write(stream, "200 OK", "", &good),
        Some("/round") => write(stream, "302 Found", "location: /round\r\n", ""),
        Some("/nowhere") => write(stream, "302 Found", "", ""),
        Some("/away") => write(stream, "302 Found", "location: http://keys.example/\r\n", ""),
        _ => write(stream, "302 Found", "location: https://127.0.0.1:1/keys\r\n", ""),
    });
    assert_eq!(read(&served_by(&site, "/moved"), "news", Some(&key.token)), 200);
    for (path, said) in [
        ("/round", "there are more than 5 redirects"),
        ("/nowhere", "it redirects to nowhere"),
        ("/away", "it redirects to another machine over plain http://"),
        ("/https", "it redirects from http:// to https://"),
    ] {
        let mut server = served(&[&format!("--token-key=JWKS:{}{path}", site.url)]);
        server.process.line_with(said);
        assert_eq!(read(&server, "news", Some(&key.token)), 401);
    }
}

#[test]
fn rubbish_and_too_much_are_no_keys_and_the_server_serves() {
    let keys = Keys::new();
    let key = signed(&keys, "a");
    let endless = |stream: &mut dyn io::Write| -> io::Result<()> {
        write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let piece = [b' '; 64 << 10];
        loop {
            write!(stream, "{:x}\r\n", piece.len())?;
            stream.write_all(&piece)?;
            stream.write_all(b"\r\n")?;
        }
    };
    let secret = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    let site = Site::new(move |request, stream| match request.head.split(' ').nth(1) {
        Some("/html") => write(stream, "200 OK", "", "<html>"),
        Some("/secret") => write(stream, "200 OK", "", secret),
        Some("/none") => write(stream, "200 OK", "", r#"{"keys":[]}"#),
        Some("/error") => write(stream, "500 x", "", ""),
        Some("/half") => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{{")?;
            Err(io::ErrorKind::Other.into())
        }
        Some("/nothing") => Err(io::ErrorKind::Other.into()),
        _ => endless(stream),
    });
    for (path, said) in [
        ("/html", "no JSON object with a list `keys`"),
        ("/secret", "has a secret (`oct`)"),
        ("/none", "has no key that checks tokens of this issuer"),
        ("/error", "the answer is 500"),
        ("/half", "broke off"),
        ("/nothing", "closed the connection before it had answered"),
        ("/endless", "the answer is larger than 1MiB"),
    ] {
        let mut server = served(&[&format!("--token-key=JWKS:{}{path}", site.url), "--public=free"]);
        let line = server.process.line_with(said);
        assert!(line.contains("cannot be fetched") && line.contains("its tokens are refused until then"), "{line}");
        assert_eq!([read(&server, "news", Some(&key.token)), read(&server, "free", None)], [401, 200], "{path}");
        assert_eq!(server.get("/readyz").status, 200);
    }
}

#[test]
fn an_address_that_never_answers_holds_nothing_up() {
    let keys = Keys::new();
    let key = signed(&keys, "a");
    let site = Site::new(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")?;
        loop {
            thread::sleep(Duration::from_millis(50));
            stream.write_all(b" ")?;
        }
    });
    let mut server = served(&[&format!("--token-key=JWKS:{}/", site.url), "--public=free"]);
    assert_eq!([read(&server, "free", None), read(&server, "news", Some(&key.token))], [200, 401]);
    server.process.line_with("cannot be fetched: there was no whole answer within 10s");
}

#[test]
fn https_is_trusted_as_the_system_says() {
    let keys = Keys::new();
    let key = signed(&keys, "a");
    let good = set(&[&key.jwk]);
    let (site, certificate) = Site::secure(move |_, stream| write(stream, "200 OK", "", &good));
    let trusted = keys.write("trusted.pem", &certificate);
    let flag = format!("--token-key=JWKS:{}/keys", site.url);
    let command = || {
        let mut command = fanfare();
        command.args(["serve", "--listen=127.0.0.1:0", &flag]);
        command
    };
    let mut server = Server::started(command().env("SSL_CERT_FILE", &trusted));
    server.process.line_with("1 fetched");
    assert_eq!(read(&server, "news", Some(&key.token)), 200);
    let mut server = Server::started(&mut command());
    server.process.line_with("cannot be fetched: ");
    assert_eq!(read(&server, "news", Some(&key.token)), 401);
}

#[test]
fn keys_come_over_plain_http_from_this_machine_alone() {
    let (code, text) = run(fanfare().args(["serve", "--token-key=JWKS:http://192.0.2.1/keys"]));
    assert!(code == 2 && text.contains("write https://"), "{text}");
}

#[test]
fn keys_that_were_not_there_at_the_start_are_fetched_once_they_are() {
    let keys = Keys::new();
    let key = signed(&keys, "a");
    let good = set(&[&key.jwk]);
    let answered = Mutex::new(0);
    let site = Site::new(move |_, stream| {
        let mut answered = answered.lock().unwrap();
        *answered += 1;
        if *answered < 3 { write(stream, "503 x", "", "") } else { write(stream, "200 OK", "", &good) }
    });
    let mut server = served(&[&format!("--token-key=JWKS:{}/", site.url)]);
    server.process.line_with("1 fetched");
    assert_eq!(read(&server, "news", Some(&key.token)), 200);
}
