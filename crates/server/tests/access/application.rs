//! An application that decides (`--authorize-url`): what it is asked, and what its answers, or their absence, do.

use std::{
    io,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Instant,
};

use serde_json::json;

use crate::{
    hs256, publish, read, served,
    site::{Request, Site, write},
    status,
    support::{PATIENCE, fanfare, run, server::Server, settings::limits, wire::EventStream},
    token,
};

/// A server that asks there.
fn asks(site: &Site, flags: &[&str]) -> Server {
    served(&[&[format!("--authorize-url={}/may", site.url).as_str()], flags].concat())
}

fn ok(stream: &mut dyn io::Write, body: &str) -> io::Result<()> {
    write(stream, "200 OK", "content-type: application/json\r\n", body)
}

fn channel(request: &Request) -> String {
    request.json()["channels"][0].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_question_has_what_the_request_wants_and_the_headers_that_were_chosen() {
    let site = Site::new(|_, stream| ok(stream, r#"{"allow":true}"#));
    let server = asks(&site, &["--authorize-header=cookie,x-session"]);
    let headers = [("cookie", "a=b"), ("x-session", "7"), ("x-other", "8"), ("authorization", "Bearer b")];
    assert_eq!(status(&server, "GET", "/sse?channel=news&channel=a.*&id=42&access_token=t", &headers[..3]), 200);
    let request = &site.requests()[0];
    let expected = json!({
        "act": "subscribe", "method": "GET", "channels": ["news", "a.*"], "client": "42", "all": false,
        "address": "127.0.0.1", "token": "t",
    });
    assert_eq!(request.json(), expected);
    assert!(request.head.starts_with("POST /may HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(["cookie", "x-session"].map(|name| request.header(name)), [Some("a=b"), Some("7")]);
    assert_eq!(["x-other", "authorization"].map(|name| request.header(name)), [None, None]);

    let default = asks(&site, &[]);
    assert_eq!(status(&default, "GET", "/channels/news/history", &headers), 200);
    let request = site.requests().pop().unwrap();
    assert_eq!((request.json()["act"].as_str(), request.header("authorization")), (Some("history"), Some("Bearer b")));
}

#[test]
fn its_answer_allows_denies_or_grants() {
    let site = Site::new(|request, stream| match channel(request).as_str() {
        "yes" => ok(stream, r#"{"allow":true}"#),
        "no" => ok(stream, r#"{"allow":false,"reason":"not today"}"#),
        "401" => write(stream, "401 Unauthorized", "", ""),
        "403" => write(stream, "403 Forbidden", "", ""),
        "granted" => ok(stream, r#"{"fanfare":{"subscribe":["granted"],"client":"42"}}"#),
        _ => ok(stream, r#"{"fanfare":{"subscribe":["another"]}}"#),
    });
    let mut server = asks(&site, &[]);
    let statuses = ["yes", "no", "401", "403", "granted", "other"].map(|channel| read(&server, channel, None));
    assert_eq!(statuses, [200, 403, 403, 403, 200, 403]);
    server.process.line_with("the application denies it: not today");
    server.process.line_with("the application denies it: it answers 401");
    assert_eq!(publish(&server, "no", None), 202, "it is not asked about publishes");
    let connection = |request: &Request| request.socket;
    assert!(site.requests().iter().map(connection).all(|socket| socket == 0), "the connection is kept");
}

#[test]
fn a_grant_with_an_end_ends_the_stream() {
    let ends = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 1;
    let site =
        Site::new(move |_, stream| ok(stream, &format!(r#"{{"fanfare":{{"subscribe":["news"]}},"exp":{ends}}}"#)));
    let server = asks(&site, &[]);
    let started = Instant::now();
    let mut stream = EventStream::open(server.address, "/channels/news", None).unwrap();
    while stream.next().unwrap().is_some() {}
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn it_is_asked_about_publishes_if_told_so_and_never_where_something_else_decides() {
    let site = Site::new(|request, stream| {
        let is_allowed = channel(request) == "in";
        ok(stream, &format!(r#"{{"allow":{is_allowed}}}"#))
    });
    let server = asks(&site, &["--authorize-publish", &hs256(), "--public-publish=free"]);
    assert_eq!([publish(&server, "in", None), publish(&server, "out", None)], [202, 403]);
    let asked = site.requests().len();
    assert_eq!(site.requests()[0].json()["act"], "publish");
    let token = token(&["--subscribe=news", "--publish=out"]);
    assert_eq!([read(&server, "news", Some(&token)), publish(&server, "out", Some(&token))], [200, 202]);
    assert_eq!(site.requests().len(), asked, "a token has decided");
}

#[test]
fn without_a_decision_the_client_is_told_to_come_back_later() {
    let site = Site::new(|request, stream| match channel(request).as_str() {
        "late" => loop {
            thread::park();
        },
        "rubbish" => ok(stream, "<html>"),
        "unclear" => ok(stream, r#"{"allow":true,"exp":9}"#),
        "error" => write(stream, "500 x", "", ""),
        "moved" => write(stream, "302 x", "location: /other\r\n", ""),
        "large" => ok(stream, &" ".repeat((64 << 10) + 1)),
        "half" => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{{")?;
            Err(io::ErrorKind::Other.into())
        }
        "fits" => ok(stream, &format!(r#"{{"allow":true}}{}"#, " ".repeat((64 << 10) - 14))),
        _ => Err(io::ErrorKind::Other.into()),
    });
    let mut server = asks(&site, &["--authorize-timeout=300ms"]);
    for (channel, said) in [
        ("late", "no answer within 300ms (--authorize-timeout)"),
        ("rubbish", "it is no JSON"),
        ("unclear", "its answer is no decision"),
        ("error", "it answers 500"),
        ("moved", "it answers 302"),
        ("large", "larger than 64KiB"),
        ("half", "broke off"),
        ("closed", "the application cannot be asked: "),
    ] {
        assert_eq!(read(&server, channel, None), 503, "{channel}");
        server.process.line_with(said);
    }
    assert_eq!(read(&server, "fits", None), 200);
    let gone = served(&["--authorize-url=http://127.0.0.1:1/"]);
    assert_eq!(read(&gone, "news", None), 503);
}

#[test]
fn https_is_trusted_as_the_system_says() {
    let (site, certificate) = Site::secure(|_, stream| ok(stream, r#"{"allow":true}"#));
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("trusted.pem");
    std::fs::write(&trusted, certificate).unwrap();
    let flag = format!("--authorize-url={}/may", site.url);
    let command = || {
        let mut command = fanfare();
        command.args(["serve", "--listen=127.0.0.1:0", &flag]);
        command
    };
    let server = Server::started(command().env("SSL_CERT_FILE", &trusted));
    assert_eq!([read(&server, "a", None), read(&server, "b", None)], [200, 200]);
    assert_eq!(read(&Server::started(&mut command()), "a", None), 503);
    let none = directory.path().join("none.pem");
    std::fs::write(&none, "").unwrap();
    let (code, text) = run(command().env("SSL_CERT_FILE", &none).env("SSL_CERT_DIR", directory.path().join("nowhere")));
    assert!(code == 2 && text.contains("--authorize-url: the certificates that this system trusts"), "{text}");
}

#[test]
fn no_more_questions_are_under_way_than_may_be() {
    let (go_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let site = Site::new(move |request, stream| {
        if channel(request) == "slow" {
            let _ = waits.lock().unwrap().recv();
        }
        ok(stream, r#"{"allow":true}"#)
    });
    let two = limits(&["authorize-under-way = 2"]);
    let server = Arc::new(asks(&site, &[&two, "--authorize-timeout=20s"]));
    let slow: Vec<_> = (0..2)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || read(&server, "slow", None))
        })
        .collect();
    site.wait_for(2);
    assert_eq!(read(&server, "quick", None), 503, "the third");
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    assert_eq!(slow.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>(), [200, 200]);
    assert_eq!(read(&server, "quick", None), 200);
    let log = Arc::into_inner(server).unwrap().log().join("\n");
    assert!(log.contains("2 questions are under way already (authorize-under-way)"), "{log}");
}

#[test]
fn an_answer_is_kept_for_the_same_question_as_long_as_it_says() {
    let site = Site::new(|request, stream| {
        let kept = match channel(request).as_str() {
            "short" => "cache-control: max-age=1\r\n",
            "never" => "",
            _ => "cache-control: max-age=60\r\n",
        };
        let status = if channel(request) == "refused" { "403 x" } else { "200 OK" };
        write(stream, status, kept, r#"{"allow":true}"#)
    });
    let server = asks(&site, &[]);
    let asked = |channel: &str, cookie: &str, expected: u16| {
        let before = site.requests().len();
        assert_eq!(status(&server, "GET", &format!("/channels/{channel}"), &[("cookie", cookie)]), expected);
        site.requests().len() - before
    };
    assert_eq!([asked("long", "a=1", 200), asked("long", "a=1", 200)], [1, 0]);
    assert_eq!(asked("long", "a=2", 200), 1, "somebody else");
    assert_eq!([asked("refused", "a=1", 403), asked("refused", "a=1", 403)], [1, 0]);
    assert_eq!([asked("never", "a=1", 200), asked("never", "a=1", 200)], [1, 1]);
    assert_eq!([asked("short", "a=1", 200), asked("short", "a=1", 200)], [1, 0]);
    crate::support::until("the answer is over", || asked("short", "a=1", 200) == 1);
}
