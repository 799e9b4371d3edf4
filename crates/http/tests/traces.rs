//! Traces of publishes: which event has which, what a sink is told, and that a sink that takes nothing costs nobody anything.

mod support;

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use fanfare_core::{ClientId, Target, journal::Refusal};
use fanfare_http::{Config, Operator, TraceSink, Traced};
use support::{
    PATIENCE,
    client::Client,
    journal::{Mood, Script},
    server::{Server, Way, config},
    until,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-{flags}")
}

/// Publishes, and returns the id.
#[track_caller]
fn publish(server: &Server, path: &str, traceparent: &str) -> String {
    let answer = Client::open(server.address).request("POST", path, &[("traceparent", traceparent)], b"x");
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn trace_of(operator: &Operator, event: &str) -> Option<String> {
    let nobody = ClientId::new("nobody").unwrap();
    let question = operator.explain(event.parse().unwrap(), &nobody);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(question).trace.map(|trace| trace.to_string())
}

/// Sends on what it is told. While the gate is locked, it takes nothing.
#[derive(Debug)]
struct Sink {
    told: Mutex<Sender<Traced>>,
    gate: Arc<Mutex<()>>,
    lost: usize,
}

fn sink(lost: usize) -> (Config, Receiver<Traced>, Arc<Mutex<()>>) {
    let (sender, told) = channel();
    let gate = Arc::<Mutex<()>>::default();
    let sink = Sink { told: Mutex::new(sender), gate: Arc::clone(&gate), lost };
    (Config { traces: Some(Arc::new(sink)), ..config(Way::Socket) }, told, gate)
}

impl TraceSink for Sink {
    fn export(&self, batch: Vec<Traced>) -> usize {
        let _open = self.gate.lock().unwrap();
        let told = self.told.lock().unwrap();
        batch.into_iter().for_each(|traced| drop(told.send(traced)));
        self.lost
    }
}

#[test]
fn the_trace_of_an_event_is_known_whether_it_is_sampled_or_not_and_a_wrong_one_is_ignored() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    for flags in ["00", "01"] {
        let event = publish(&server, "/channels/a", &traceparent(flags));
        assert_eq!(trace_of(&operator, &event).as_deref(), Some(TRACE), "{flags}");
    }
    let wrong = [
        traceparent("1"),
        traceparent("01").to_uppercase(),
        "x".to_owned(),
        traceparent("01") + "-more",
        String::new(),
    ];
    for wrong in wrong {
        let event = publish(&server, "/channels/a", &wrong);
        assert_eq!(trace_of(&operator, &event), None, "{wrong}");
    }
    let lines = b"{\"channel\":\"a\",\"data\":\"1\"}\n{\"channel\":\"a\",\"data\":\"2\"}";
    let header = [("traceparent", &*traceparent("01"))];
    let answer = Client::open(server.address).request("POST", "/publish", &header, lines);
    for end in ["first", "last"] {
        assert_eq!(trace_of(&operator, answer.json()[end].as_str().unwrap()).as_deref(), Some(TRACE));
    }
}

#[test]
fn a_sink_is_told_of_sampled_publishes_from_the_request_to_the_last_shard() {
    let (config, told, _) = sink(0);
    let server = Server::start(Way::Socket, config);
    let mut stream = server.subscribe("/channels/news");
    publish(&server, "/channels/news", &traceparent("00"));
    let event = publish(&server, "/channels/news?wait=written", &traceparent("01"));
    stream.event();
    let traced = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(traced.event.map(|id| id.to_string()), Some(event), "the one that is not sampled came before");
    assert_eq!((traced.matched, traced.outcome, traced.is_failed()), (Some(1), "published", false));
    assert!(matches!(traced.target, Some(Target::Channel(_))));
    assert_eq!(traced.context.trace_id().to_string(), TRACE);
    let times = [Some(traced.began), traced.offered, traced.ordered, traced.fanned_out].map(Option::unwrap);
    assert!(times.is_sorted() && traced.answered >= traced.began, "{traced:?}");
    // One that repeats a key goes to no shard, and is finished all the same.
    let post = |body: &[u8]| {
        let headers = [("traceparent", &*traceparent("01")), ("idempotency-key", "k")];
        Client::open(server.address).request("POST", "/channels/news", &headers, body).status
    };
    assert_eq!([post(b"1"), post(b"1"), post(b"2")], [202, 202, 422]);
    // The first may still be on its way to its shard when the others are told.
    let mut outcomes = [(); 3].map(|()| told.recv_timeout(PATIENCE).unwrap().outcome);
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["key-reused", "published", "repeated"]);
}

#[test]
fn with_an_external_journal_the_order_is_when_the_journal_has_the_event() {
    let (config, told, _) = sink(0);
    let script = Script::new(Mood::Takes);
    let server = Server::behind(Way::Socket, config, &script);
    let event = publish(&server, "/channels/news", &traceparent("01"));
    let traced = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(traced.event.map(|id| id.to_string()), Some(event));
    let times = [Some(traced.began), traced.offered, traced.ordered, traced.fanned_out].map(Option::unwrap);
    assert!(times.is_sorted(), "{traced:?}");
    script.set(Mood::Refuses(Refusal::NotPublished));
    let header = [("traceparent", &*traceparent("01"))];
    let answer = Client::open(server.address).request("POST", "/channels/news", &header, b"x");
    assert_eq!(answer.status, 503, "{answer:?}");
    let traced = told.recv_timeout(PATIENCE).unwrap();
    assert!(traced.is_failed() && traced.outcome == "journal", "{traced:?}");
}

#[test]
fn a_sink_that_takes_nothing_delays_nobody_and_what_is_lost_is_counted() {
    let (config, told, gate) = sink(0);
    let server = Server::start(Way::Socket, config);
    let operator = server.handle().operator();
    let closed = gate.lock().unwrap();
    let mut stream = server.subscribe("/channels/news");
    let line = "{\"channel\":\"news\",\"data\":\"x\"}\n";
    // The queue has 1,024, and the sink has one batch.
    let lines = line.repeat(3_000);
    let header = [("traceparent", &*traceparent("01"))];
    let answer = Client::open(server.address).request("POST", "/publish", &header, lines.as_bytes());
    assert_eq!(answer.json()["published"], 3_000);
    (0..3_000).for_each(|_| drop(stream.event()));
    until("what finds no room is counted", || operator.figures().traces_dropped >= 3_000 - 1_024 - 256);
    let dropped = operator.figures().traces_dropped;
    drop(closed);
    let taken = 3_000 - dropped;
    for _ in 0..taken {
        told.recv_timeout(PATIENCE).unwrap();
    }
    assert!(told.try_recv().is_err());
}

#[test]
fn what_a_sink_cannot_hand_on_is_counted() {
    let (config, told, _) = sink(1);
    let server = Server::start(Way::Socket, config);
    publish(&server, "/channels/a", &traceparent("01"));
    told.recv_timeout(PATIENCE).unwrap();
    let operator = server.handle().operator();
    until("it is counted", || operator.figures().traces_dropped == 1);
}

#[test]
fn a_request_that_is_refused_is_told_as_one_without_an_event() {
    let (config, told, _) = sink(0);
    let server = Server::start(Way::Socket, config);
    let header = [("traceparent", &*traceparent("01"))];
    let answer = Client::open(server.address).request("POST", "/channels/a?wait=soon", &header, b"x");
    assert_eq!(answer.status, 400);
    let traced = told.recv_timeout(PATIENCE).unwrap();
    assert!(traced.is_failed() && traced.outcome == "refused" && traced.offered.is_none(), "{traced:?}");
}
