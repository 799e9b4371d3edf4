//! `Idempotency-Key`: a publish that is repeated is done once, and gets the first answer again.

mod support;

use std::{
    sync::Barrier,
    thread,
    time::{Duration, SystemTime},
};

use fanfare_http::Config;
use serde_json::{Value, json};
use support::{
    client::Answer,
    events::position,
    server::{Server, Way, config},
    until,
};

const REPLAYED: &str = "idempotent-replayed";

fn post(server: &Server, path: &str, key: &str, body: &str) -> Answer {
    server.post(path, &[("Idempotency-Key", key)], body)
}

/// Whether it is the answer to an earlier publish.
#[track_caller]
fn is_repeat(answer: &Answer) -> bool {
    assert_eq!(answer.status, 202, "{answer:?}");
    let said = answer.head.get(REPLAYED);
    assert!([None, Some("true")].contains(&said));
    said.is_some()
}

#[test]
fn eight_at_the_same_moment_publish_one_event_and_get_one_answer() {
    for path in ["/channels/a", "/channels/a?wait=written"] {
        let server = Server::new(Way::Socket);
        let mut stream = server.subscribe("/channels/a");
        for round in 0..20 {
            let (start, key) = (Barrier::new(8), format!("round {round}"));
            let answers: Vec<Answer> = thread::scope(|scope| {
                let post = || {
                    let mut client = server.client();
                    // The connection is served before they start.
                    assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
                    start.wait();
                    client.request("POST", path, &[("Idempotency-Key", &key)], key.as_bytes())
                };
                let posting: Vec<_> = (0..8).map(|_| scope.spawn(post)).collect();
                posting.into_iter().map(|posting| posting.join().unwrap()).collect()
            });
            assert_eq!(answers.iter().filter(|answer| is_repeat(answer)).count(), 7);
            assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{answers:?}");
            let event = stream.event();
            assert_eq!((&json!(event.id), event.data), (&answers[0].json()["id"], key), "once: {path}");
        }
    }
}

#[test]
fn the_first_answer_is_given_again_with_its_counts() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    let first = post(&server, "/channels/a?wait=written", "k", "x");
    assert_eq!((first.json()["matched"].clone(), first.head.get(REPLAYED)), (json!(1), None));
    drop(server.subscribe("/channels/a"));
    for path in ["/channels/a?wait=written", "/channels/a", "/channels/a/broadcast?wait=written"] {
        let again = post(&server, path, "k", "x");
        assert!(is_repeat(&again), "{path}: the same target by another name is the same");
        assert_eq!(again.body, first.body, "{path}");
    }
    // The first had not asked for more, so there is no more.
    let plain = post(&server, "/channels/a", "plain", "y");
    assert_eq!(post(&server, "/channels/a?wait=written", "plain", "y").body, plain.body);
    assert_eq!((stream.data(), stream.data()), ("x".into(), "y".into()));
    server.publish("/channels/a", "end");
    assert_eq!(stream.data(), "end");
}

#[test]
fn the_same_key_for_another_event_is_422_and_publishes_nothing() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    post(&server, "/channels/a?event=k&id=i&retry=1000", "k", "x");
    assert_eq!(stream.data(), "x");
    for (path, body) in [
        ("/channels/a?event=k&id=i&retry=1000", "y"),
        ("/channels/a?event=k&id=i&retry=1000", ""),
        ("/channels/a?event=other&id=i&retry=1000", "x"),
        ("/channels/a?event=k&id=other&retry=1000", "x"),
        ("/channels/a?event=k&id=i&retry=2000", "x"),
        ("/channels/a?event=k&id=i&retry=1000&keep=no", "x"),
        ("/channels/a", "x"),
    ] {
        let told = post(&server, path, "k", body).problem(422);
        assert!(told.contains("idempotency key"), "{told}");
    }
    assert!(is_repeat(&post(&server, "/channels/a?retry=1000&id=i&event=k", "k", "x")), "and is still known");
    server.publish("/channels/a", "end");
    assert_eq!(stream.data(), "end", "nothing came of all that");
}

#[test]
fn each_target_and_each_way_of_publishing_has_keys_of_its_own() {
    let server = Server::new(Way::Socket);
    let paths = ["/broadcast", "/channels/a", "/channels/b", "/clients/a", "/clients/b", "/ping/a", "/ping/b"];
    let firsts: Vec<_> = paths.map(|path| post(&server, path, "k", "x")).into_iter().collect();
    assert!(firsts.iter().all(|answer| !is_repeat(answer)), "{firsts:?}");
    let batch = r#"{"channel":"a","data":"x","idempotency_key":"k"}"#;
    let id = server.publish("/publish", batch)["first"].clone();
    assert!(firsts.iter().all(|answer| answer.json()["id"] != id));
    for (path, first) in paths.iter().zip(&firsts) {
        let again = post(&server, path, "k", "x");
        assert!(is_repeat(&again) && again.body == first.body, "{path}");
    }
    assert_eq!(server.publish("/publish", batch)["first"], id);
    // The body of a ping is thrown away, so it is the same event with any body.
    assert!(is_repeat(&post(&server, "/ping/a", "k", "another body")));
}

#[test]
fn a_key_is_a_name_that_stands_once() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse?id=me");
    let (longest, too_long) = ("k".repeat(256), "k".repeat(257));
    for key in ["k", "\"quoted\"", "ü", "a b", &longest] {
        assert!(!is_repeat(&post(&server, "/clients/me", key, key)));
        assert!(is_repeat(&post(&server, "/clients/me", key, key)), "{key}");
        assert_eq!(stream.data(), key);
    }
    for path in ["/clients/me", "/ping/me"] {
        for key in ["", &too_long, "\u{85}"] {
            let told = post(&server, path, key, "x").problem(400);
            assert!(told.contains("Idempotency-Key"), "{told}");
        }
        let twice = [("Idempotency-Key", "k"), ("idempotency-key", "k")];
        assert!(server.post(path, &twice, "x").problem(400).contains("once"));
        let mut client = server.client();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nIdempotency-Key: ");
        client.send([head.as_bytes(), b"\xff\r\n\r\n"].concat());
        assert!(client.answer().problem(400).contains("UTF-8"));
    }
    server.publish("/clients/me", "end");
    assert_eq!(stream.data(), "end", "nothing was published");
}

#[test]
fn a_refused_publish_keeps_no_key() {
    let server = Server::start(Way::Socket, Config { body_bytes_max: 10, ..config(Way::Socket) });
    post(&server, "/channels/a", "k", "more than ten bytes").problem(413);
    post(&server, "/channels/a?retry=1", "k", "x").problem(400);
    server.post("/channels/a", &[("Idempotency-Key", "k"), ("Content-Encoding", "gzip")], "x").problem(415);
    assert!(!is_repeat(&post(&server, "/channels/a", "k", "x")));
}

#[test]
fn a_key_is_forgotten_after_its_time() {
    let mut limits = config(Way::Socket);
    limits.core.idempotency_ms = 50;
    let server = Server::start(Way::Socket, limits);
    let first = post(&server, "/channels/a", "k", "x");
    let (published_ms, _) = position(first.json()["id"].as_str().unwrap());
    let over = SystemTime::UNIX_EPOCH + Duration::from_millis(published_ms + 51);
    until("its time is over", || SystemTime::now() > over);
    let second = post(&server, "/channels/a", "k", "another");
    assert!(!is_repeat(&second));
    assert_ne!(first.body, second.body);
}

#[test]
fn one_key_past_the_limit_pushes_out_the_oldest() {
    let mut limits = config(Way::Socket);
    limits.core.idempotency_keys_max = 3;
    let server = Server::start(Way::Socket, limits);
    let post = |key: &str| is_repeat(&post(&server, "/channels/a", key, key));
    assert_eq!(["a", "b", "c"].map(post), [false; 3]);
    assert_eq!(["a", "b", "c"].map(post), [true; 3], "at the limit");
    assert!(!post("d"));
    assert_eq!(["b", "c", "d"].map(post), [true; 3]);
    assert!(!post("a"), "one past it");
}

#[test]
fn lines_of_a_batch_have_keys_and_a_batch_sent_again_gets_the_same_answer() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    let line =
        |key: &str, data: &str| format!("{{\"channel\":\"a\",\"data\":\"{data}\",\"idempotency_key\":\"{key}\"}}\n");
    let lines = line("1", "one") + &line("2", "two") + &line("1", "one");
    let first = server.publish("/publish", &lines);
    assert_eq!((&first["published"], &first["failed"]), (&json!(3), &json!(0)));
    assert_eq!(first["first"], first["last"], "the last line repeats the first");
    assert_eq!(server.publish("/publish", &lines), first);
    assert_eq!((stream.data(), stream.data()), ("one".into(), "two".into()));

    let mixed = line("1", "another") + &line("", "x") + &line(&"k".repeat(257), "x") + &line("3", "three");
    let answer = server.publish("/publish", mixed);
    assert_eq!((&answer["published"], &answer["failed"]), (&json!(1), &json!(3)));
    let title = |at: usize| answer["errors"][at]["title"].as_str().unwrap();
    assert!(title(0).contains("used for another event"), "{answer}");
    assert!(title(1).contains("idempotency_key") && title(2).contains("256"), "{answer}");
    assert_eq!(answer["errors"][0]["line"], 1);
    assert_eq!(stream.data(), "three");

    let none = server.post("/publish", &[], line("1", "another"));
    assert_eq!((none.status, &none.json()["failed"]), (400, &json!(1)));
    let null = server.publish("/publish", r#"{"channel":"a","data":1,"idempotency_key":null}"#);
    assert_eq!(null["published"], 1, "null is none");
    let bad = server.post("/publish", &[], r#"{"channel":"a","data":1,"idempotency_key":7}"#);
    assert_eq!((bad.status, &bad.json()["published"]), (400, &json!(0)));
}

#[test]
fn a_page_may_send_a_key_when_it_publishes() {
    let server = Server::new(Way::Socket);
    let own = format!("http://{}", server.address);
    let mut client = server.client();
    client.send(format!(
        "OPTIONS /broadcast HTTP/1.1\r\nHost: {}\r\nOrigin: {own}\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        server.address
    ));
    let answer = client.answer();
    assert_eq!(answer.status, 204);
    assert!(answer.head.get("access-control-allow-headers").unwrap().contains("idempotency-key"));
}

#[test]
fn without_a_key_the_same_event_is_published_again() {
    let server = Server::new(Way::Socket);
    let ids: Vec<Value> = (0..2).map(|_| server.publish("/channels/a", "x")["id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
}
