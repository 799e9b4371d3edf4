//! A server whose events are ordered and kept by an external journal, as publishers, streams and operators see it.

mod support;

use std::{net::TcpStream, time::Duration};

use fanfare_core::{Event, PublishError, Target, Wait, journal::Refusal};
use fanfare_http::{Config, Fanfare};
use serde_json::json;
use support::{
    journal::{Mood, Script},
    server::{ALL_WAYS, Server, Way, config},
    until,
};

#[test]
fn publishes_go_through_the_journal_and_come_out_with_its_ids() {
    for way in ALL_WAYS {
        let script = Script::default();
        let server = Server::behind(way, config(way), &script);
        let mut stream = server.subscribe("/channels/a");
        assert_eq!(server.id_of("/channels/a", "one"), "5000000000001-0");
        let receipt = server.publish("/channels/a?wait=written", "two");
        assert_eq!((&receipt["id"], &receipt["matched"]), (&json!("5000000000002-0"), &json!(1)));
        assert_eq!((stream.data(), stream.data()), ("one".into(), "two".into()));
        let mut back = server.resume("/channels/a", "5000000000001-0");
        assert_eq!(back.data(), "two", "history is fed with what comes out");
        drop(server);
        assert!(script.has_ended());
    }
}

#[test]
fn a_lost_journal_is_503_and_named_by_readyz_while_streams_go_on_and_it_may_come_back() {
    let script = Script::default();
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut stream = server.subscribe("/channels/a?heartbeat=cursor");
    stream.cursor();
    assert_eq!(server.text("/readyz"), (200, "ready\n".to_owned()));
    script.set(Mood::Refuses(Refusal::NotPublished));
    let answer = server.post("/channels/a", &[("idempotency-key", "k")], "x");
    assert_eq!((answer.status, answer.json().get("published")), (503, None), "{answer:?}");
    assert!(answer.head.get("retry-after").is_some());
    assert_eq!(answer.json()["detail"], "the journal is unavailable: GET /readyz says why");
    assert_eq!(server.text("/readyz"), (200, "ready\njournal unavailable: no space left\n".to_owned()));
    script.set(Mood::Refuses(Refusal::Unknown));
    let answer = server.post("/channels/a", &[("idempotency-key", "k")], "x");
    assert_eq!((answer.status, &answer.json()["published"]), (503, &json!("unknown")));
    script.set(Mood::Takes);
    let again = server.post("/channels/a", &[("idempotency-key", "k")], "x");
    assert_eq!((again.status, again.head.get("idempotent-replayed")), (202, None), "only successes are kept");
    let repeated = server.post("/channels/a", &[("idempotency-key", "k")], "x");
    assert_eq!(repeated.head.get("idempotent-replayed"), Some("true"));
    assert_eq!(server.text("/readyz"), (200, "ready\n".to_owned()));
    server.publish("/channels/a", "end");
    assert_eq!((stream.data(), stream.data()), ("x".into(), "end".into()));
}

#[test]
fn lines_of_a_batch_go_to_the_journal_together_and_stay_in_order() {
    let script = Script::new(Mood::Holds);
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut stream = server.subscribe("/channels/a");
    let lines: String = (0..600).map(|number| format!("{{\"channel\":\"a\",\"data\":{number}}}\n")).collect();
    let answer = std::thread::scope(|scope| {
        let publishing = scope.spawn(|| server.post("/publish", &[], &lines));
        // As many as may be unanswered, and the one behind them, which waits.
        until("as many are under way as may be", || script.held() >= 513);
        server.publish_later("/broadcast", "another");
        until("others are not kept from it", || script.held() > 513);
        assert_eq!(script.held(), 514);
        script.set(Mood::Takes);
        publishing.join().unwrap()
    });
    assert_eq!((answer.status, &answer.json()["published"]), (202, &json!(600)));
    assert_eq!(
        (&answer.json()["first"], &answer.json()["last"]),
        (&json!("5000000000001-0"), &json!("5000000000601-0"))
    );
    let expected = (0..513).map(|number| number.to_string()).chain(["another".to_owned()]);
    expected.chain((513..600).map(|number| number.to_string())).for_each(|data| assert_eq!(stream.data(), data));
}

#[test]
fn a_batch_that_the_journal_breaks_off_says_which_lines_were_published() {
    let script = Script::default();
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut stream = server.subscribe("/channels/a");
    let line = |number: u32| format!("{{\"channel\":\"a\",\"data\":{number}}}\n");
    let mut client = server.client();
    client.send("POST /publish HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let send = |client: &mut support::client::Client, text: &str| {
        client.send(format!("{:x}\r\n{text}\r\n", text.len()));
    };
    send(&mut client, &line(1));
    assert_eq!(stream.data(), "1");
    script.set(Mood::Refuses(Refusal::Unknown));
    send(&mut client, &line(2));
    until("it is refused", || script.groups().len() == 2);
    script.set(Mood::Takes);
    client.send("0\r\n\r\n");
    let answer = client.answer();
    let counts = answer.json();
    assert_eq!((answer.status, &counts["published"], &counts["failed"]), (503, &json!(1), &json!(1)));
    assert_eq!(counts["unknown"], 1);
    let title = "the journal broke: the event may have been published";
    assert_eq!(counts["errors"], json!([{ "line": 2, "title": title }]));
}

#[test]
fn a_drain_waits_for_the_journal_and_gives_streams_what_it_took() {
    let script = Script::default();
    let mut server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut stream = server.subscribe("/channels/a");
    script.set(Mood::Holds);
    let mut client = server.client();
    client.send("POST /channels/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx");
    until("it is with the journal", || script.held() == 1);
    server.begin_drain();
    until("the listener is closed", || TcpStream::connect(server.address).is_err());
    script.set(Mood::Takes);
    assert_eq!(client.answer().status, 202);
    assert_eq!(stream.data_until_end(), ["x"]);
    assert_eq!(server.drain().cut, 0);
    assert!(script.has_ended());
}

#[test]
fn a_journal_that_never_answers_holds_up_no_end_for_longer_than_the_drain() {
    let script = Script::new(Mood::Holds);
    let config = Config { drain_timeout: Duration::from_millis(100), ..config(Way::Socket) };
    let server = Server::behind(Way::Socket, config, &script);
    let _stream = server.subscribe("/channels/a");
    let mut client = server.client();
    client.send("POST /channels/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx");
    until("it is with the journal", || script.held() == 1);
    let error = server.ended().unwrap_err();
    assert_eq!(error.to_string(), "a part did not end in time");
    script.set(Mood::Takes);
}

#[test]
fn a_journal_that_ends_badly_is_an_error_and_streams_have_their_whole_end_nevertheless() {
    let script = Script::default();
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut stream = server.subscribe("/channels/a");
    server.publish("/channels/a", "x");
    script.set(Mood::EndsBadly);
    let error = server.ended().unwrap_err();
    assert_eq!(error.to_string(), "the test says so");
    assert_eq!(stream.data_until_end(), ["x"]);
    assert_eq!(stream.judge.retries_ms.len(), 1, "with a time to come back");
}

#[test]
fn a_program_of_ones_own_is_told_when_its_journal_has_panicked() {
    let script = Script::default();
    let fanfare = Fanfare::start_behind(config(Way::Socket), script.journal()).unwrap();
    let handle = fanfare.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let publish = || runtime.block_on(handle.publish(Event::new(Target::All, "x"), Wait::Journal));
    assert!(publish().is_ok() && handle.is_ready());
    script.set(Mood::Panics);
    let told = publish().unwrap_err();
    assert!(matches!(told, PublishError::Unknown | PublishError::Journal), "{told:?}");
    assert_eq!(publish(), Err(PublishError::Journal));
    assert_eq!(runtime.block_on(fanfare.failed()).to_string(), "the thread journal has panicked");
    assert!(!handle.is_ready());
    assert_eq!(runtime.block_on(fanfare.drain()).unwrap_err().to_string(), "the thread journal has panicked");
}

#[test]
fn a_journal_that_cannot_be_read_is_an_error_at_the_start_and_one_that_panics_ends_the_server() {
    let unreadable = Script::new(Mood::Unreadable);
    let error = Fanfare::start_behind(config(Way::Socket), unreadable.journal()).unwrap_err();
    assert_eq!(error.to_string(), "the test says so");
    let script = Script::default();
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    server.publish("/broadcast", "x");
    script.set(Mood::Panics);
    assert_eq!(server.failed().to_string(), "the thread journal has panicked");
}

#[test]
fn a_server_that_is_dropped_lets_go_of_its_journal() {
    let script = Script::default();
    let fanfare = Fanfare::start_behind(config(Way::Socket), script.journal()).unwrap();
    drop(fanfare);
    until("the journal ends", || script.has_ended());
}
