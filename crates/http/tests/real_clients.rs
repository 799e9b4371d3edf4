//! Clients of others: they report exactly the posted events, once and in order, and come back after a restart as the
//! stream told them. A real browser uses the demo page and the example.
//!
//! Where a library deviates from the standard, the test says how.

mod clients;
mod support;

use std::{fs, ops::Range, path::Path, time::Duration};

use bytes::Bytes;
use clients::{
    Engine, Program, Seen, Site, Source,
    hostile::{self, Post},
    package,
};
use eventsource_stream::Eventsource as _;
use fanfare_http::Config;
use fanfare_judge::{Dispatched, Judge};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::{
    PATIENCE,
    client::Client,
    server::{Way, config},
    stream::Stream,
};
use tokio::{net::TcpStream, time::timeout};

const LAST: &str = "this is the last one";

/// Many heartbeats, and room for all posts at once: how a full ring is handled is another matter.
fn eager() -> Config {
    let mut config = config(Way::Socket);
    config.core.heartbeat_ms = 50;
    config.core.ring_messages_max = 1_000;
    config.core.ring_bytes_max = 16 << 20;
    config
}

/// Publishes everything hostile in a burst, then lets a few heartbeats pass, then says that this was all. Gives the
/// events that have to arrive.
fn publish_all(site: &Site) -> Vec<(Post, Seen)> {
    let mut client = Client::open(site.address);
    client.send("GET /channels/odd HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().status, 200);
    let mut witness = Stream::chunked(client);
    witness.prelude();

    let posts = hostile::posts().into_iter().map(|post| {
        let id = site.publish(
            &format!("/channels/odd?{}", post.query()),
            &[("Content-Type", post.content_type)],
            &post.body,
        );
        let seen = post.seen(id);
        (post, seen)
    });
    let posts: Vec<_> = posts.collect();
    for _ in &posts {
        witness.event();
    }
    witness.judge.comments.clear();
    for _ in 0..3 {
        witness.comment();
    }
    site.publish("/channels/odd", &[], LAST.as_bytes());
    posts
}

/// Fails unless `program`, whose stream is open, reports the posted events as its library reads them (`reading`).
#[track_caller]
fn assert_reports(site: &Site, mut next: impl FnMut() -> Seen, reading: impl Fn(Seen) -> Seen) {
    for (post, seen) in publish_all(site) {
        let (expected, seen) = (reading(seen), next());
        assert!(seen == expected, "posted {}\nexpected {}\nseen     {}", brief(&post), brief(&expected), brief(&seen));
    }
    assert_eq!(next().data, LAST);
}

/// The beginning of it, enough to recognise it.
fn brief(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}").chars().take(1_000).collect()
}

fn url(site: &Site) -> String {
    format!("{}/channels/odd", site.origin())
}

/// The library does as the standard says.
fn exactly(seen: Seen) -> Seen {
    seen
}

/// The EventSource of this browser's own.
fn page(engine: Engine, url: &str, kinds: &[&'static str]) -> Program {
    Program::page(engine, &Source::alone("EventSource", url, kinds))
}

/// This client in Node.js.
fn node_client(client: &'static str, url: &str, kinds: &[&'static str]) -> Program {
    Program::node_clients(&Source::alone(client, url, kinds))
}

#[track_caller]
fn assert_reports_as(start: impl FnOnce(&str, &[&'static str]) -> Program, reading: impl Fn(Seen) -> Seen) {
    let site = Site::start(eager());
    let mut program = start(&url(&site), &hostile::kinds());
    program.opened();
    assert_reports(&site, || program.event(), reading);
}

#[track_caller]
fn assert_reports_exactly(start: impl FnOnce(&str, &[&'static str]) -> Program) {
    assert_reports_as(start, exactly);
}

#[test]
fn npm_eventsource_reports_what_was_posted() {
    assert_reports_exactly(|url, kinds| node_client("eventsource", url, kinds));
}

#[test]
fn npm_eventsource_3_reports_what_was_posted() {
    assert_reports_exactly(|url, kinds| node_client("eventsource-3", url, kinds));
}

#[test]
fn chromium_reports_what_was_posted() {
    assert_reports_exactly(|url, kinds| page(Engine::Chromium, url, kinds));
}

/// Firefox leaves NUL out.
#[test]
fn firefox_reports_what_was_posted_but_nul() {
    let deviation = |seen: Seen| Seen { data: seen.data.replace('\0', ""), ..seen };
    let start = |url: &str, kinds: &[_]| page(Engine::Firefox, url, kinds);
    assert_reports_as(start, deviation);
}

#[test]
fn webkit_reports_what_was_posted() {
    assert_reports_exactly(|url, kinds| page(Engine::WebKit, url, kinds));
}

#[test]
fn the_demo_pages_reader_reports_what_was_posted() {
    assert_reports_exactly(|url, kinds| node_client("demo page", url, kinds));
}

#[test]
fn the_demo_pages_reader_in_chromium_reports_what_was_posted() {
    let start = |url: &str, kinds: &[_]| Program::page(Engine::Chromium, &Source::alone("demo page", url, kinds));
    assert_reports_exactly(start);
}

/// Lines that end in any way, in pieces that end anywhere.
#[test]
fn the_demo_pages_reader_follows_the_standard_however_a_stream_is_cut() {
    Program::parser("page_stream.js").succeeded();
}

/// fetch-event-source joins lines only once the data before them is not empty, so empty lines at the beginning are
/// lost. And it decodes each line by itself, so that a BOM at the beginning of one is taken for a mark.
#[test]
fn fetch_event_source_reports_what_was_posted_but_empty_first_lines_and_boms() {
    let deviation = |mut seen: Seen| {
        let lines = seen.data.split('\n').map(|line| line.strip_prefix('\u{feff}').unwrap_or(line));
        seen.data = lines.collect::<Vec<_>>().join("\n").trim_start_matches('\n').to_owned();
        seen
    };
    assert_reports_as(|url, kinds| node_client("fetch-event-source", url, kinds), deviation);
}

#[test]
fn httpx_sse_reports_what_was_posted() {
    let site = Site::start(eager());
    let mut program = Program::python("read_with_httpx.py", &[&url(&site)]);
    program.opened();
    assert_reports(&site, || program.event(), exactly);
}

#[test]
fn sseclient_py_reports_what_was_posted() {
    let site = Site::start(eager());
    let mut program = Program::python("read_with_sseclient.py", &[&url(&site)]);
    program.opened();
    assert_reports(&site, || program.event(), exactly);
}

#[test]
fn eventsource_stream_in_rust_reports_what_was_posted() {
    let site = Site::start(eager());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let body = runtime.block_on(async {
        let socket = TokioIo::new(TcpStream::connect(site.address).await.unwrap());
        let (mut sender, connection) = http1::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/channels/odd").header("host", "test").body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request).await.unwrap().into_body()
    });
    let mut events = body.into_data_stream().eventsource();
    let next = || {
        let next = runtime.block_on(async { timeout(PATIENCE, events.next()).await });
        let event = next.expect("nothing in time").expect("the stream has ended").unwrap();
        Seen { kind: event.event, id: event.id, data: event.data }
    };
    assert_reports(&site, next, exactly);
}

#[test]
fn curl_prints_what_was_posted() {
    for version in ["--http1.0", "--http1.1", "--http2-prior-knowledge"] {
        let site = Site::start(eager());
        let mut program = Program::curl(&[version, &url(&site)]);
        let mut judge = Judge::default();
        let first = program.line().unwrap();
        assert!(first.starts_with("retry: "), "{first}");
        let next = || loop {
            if let Some(block) = judge.line(&program.line().expect("an event, but curl has ended")) {
                let Dispatched { kind, data, last_id } = block.event;
                break Seen { kind, id: last_id, data };
            }
        };
        assert_reports(&site, next, exactly);
    }
}

/// Restarts the server under `program`, whose stream is open, and fails unless it comes back when the last `retry:`
/// said, which is about a second, and no other.
#[track_caller]
fn assert_comes_back(start: impl FnOnce(&str) -> Program) {
    // If one of these were taken for it, the client would be late.
    let first_retry_ms = 20_000..=20_000;
    let mut site = Site::start(Config { retry_ms: first_retry_ms, ..config(Way::Socket) });
    let mut program = start(&url(&site));
    program.opened();
    let id = site.publish("/channels/odd", &[], b"before");
    assert_eq!(program.event(), Seen { kind: "message".into(), id, data: "before".into() });

    let since = site.restart(config(Way::Socket));
    program.opened();
    let back: Range<Duration> = Duration::from_millis(990)..Duration::from_secs(10);
    assert!(back.contains(&since.elapsed()), "{:?}", since.elapsed());
    let id = site.publish("/channels/odd", &[], b"after");
    let mut seen = program.event();
    // A server that kept nothing says so to those who ask for more.
    while seen.kind == "fanfare.gap" {
        seen = program.event();
    }
    assert_eq!(seen, Seen { kind: "message".into(), id, data: "after".into() });
}

#[test]
fn npm_eventsource_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| node_client("eventsource", url, &["message"]));
}

#[test]
fn npm_eventsource_3_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| node_client("eventsource-3", url, &["message"]));
}

#[test]
fn fetch_event_source_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| node_client("fetch-event-source", url, &[]));
}

#[test]
fn the_demo_pages_reader_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| node_client("demo page", url, &[]));
}

#[test]
fn chromium_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| page(Engine::Chromium, url, &["message"]));
}

#[test]
fn firefox_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| page(Engine::Firefox, url, &["message"]));
}

#[test]
fn webkit_comes_back_when_it_was_told_to() {
    assert_comes_back(|url| page(Engine::WebKit, url, &["message"]));
}

/// The content of an event on the page, without its id, which must be there.
#[track_caller]
fn shown(item: &Value) -> Value {
    assert!(item["id"].as_str().is_some_and(|id| id.contains('-')), "{item}");
    json!([item["kind"], item["text"], item["image"]])
}

#[test]
fn the_demo_page_does_what_it_offers() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pixel.png");
    fs::write(&file, hostile::png()).unwrap();
    let mut site = Site::start(config(Way::Socket));
    let keyed = Site::start(Config { publish_key: Some("secret".into()), ..config(Way::Socket) });
    let mut page = Program::chromium("page.js", &[&site.origin(), file.to_str().unwrap(), &keyed.origin()]);
    let example = format!("curl -d 'hello' {}/broadcast", site.origin());
    assert_eq!(page.json(), json!({"step": "open", "state": "connected", "example": example}));

    let all = page.json();
    assert_eq!((&all["step"], &all["count"]), (&json!("all"), &json!("1")));
    assert_eq!(shown(&all["items"][0]), json!([null, "to all\n  second line", null]));
    let answer = page.json();
    assert_eq!(answer["answer"], json!(["Published. Open streams: 1."]));
    let id = all["items"][0]["id"].as_str().unwrap();
    assert_eq!(answer["json"], format!("202 {{\"id\":\"{id}\",\"matched\":1}}"));
    let latency = answer["latency"].as_str().unwrap().strip_prefix("From Publish to the event in the list: ");
    assert!(latency.is_some_and(|text| text.ends_with("\u{a0}ms")), "{answer}");

    assert_eq!(page.json(), json!({"step": "suggestion", "target": "news"}));
    let channel = page.json();
    assert_eq!(shown(&channel["items"][0]), json!(["price", "to the channel", null]));
    let image = page.json();
    assert_eq!((&image["step"], &image["count"]), (&json!("image"), &json!("3")), "{image}");
    assert_eq!(shown(&image["items"][0]), json!([null, null, 1]));
    let keyboard = page.json();
    assert_eq!(shown(&keyboard["items"][0]), json!([null, "by keyboard", null]));
    assert_eq!(page.json(), json!({"step": "path", "path": ["file", "Publish"]}));

    assert_eq!(page.json(), json!({"step": "restart"}));
    site.restart(config(Way::Socket));
    assert_eq!(page.json(), json!({"step": "back", "state": "connected"}));
    let address = "?channel=news&id=me";
    assert_eq!(page.json(), json!({"step": "odd types", "state": "connected", "address": address}));
    assert_eq!(page.json(), json!({"step": "clear", "count": "0", "items": 0, "empty": true}));
    let refused = page.json();
    assert!(refused["state"].as_str().unwrap().starts_with("refused: channel: "), "{refused}");

    let key = page.json();
    assert_eq!(shown(&key["items"][0]), json!([null, "hello, everybody", null]));

    // Nothing was asked of anybody else, and the page's own policy forbade it nothing.
    let end = page.json();
    assert_eq!((&end["step"], &end["faults"]), (&json!("end"), &json!([])));
    for origin in end["requests"].as_array().unwrap() {
        assert!([site.origin(), keyed.origin(), "null".into()].iter().any(|own| origin == own), "{origin}");
    }
    page.succeeded();
}

#[test]
fn the_example_page_opened_as_a_file_lists_what_the_example_program_posts() {
    let site = Site::start(config(Way::Socket));
    let examples = package().join("examples");
    let page = examples.join("index.html");
    let mut page = Program::chromium("index.js", &[page.to_str().unwrap(), &site.origin(), LAST]);
    assert_eq!(page.json(), json!({"state": format!("connected to {}", site.origin())}));

    let mut program = Program::python(examples.join("broadcast.py"), &[&site.origin()]);
    let answers: Vec<_> = std::iter::from_fn(|| program.line()).collect();
    program.succeeded();
    assert_eq!(answers.len(), 10);
    assert!(
        answers.iter().all(|answer| answer.starts_with("{'id': '") && answer.ends_with("'matched': 1}")),
        "{answers:?}"
    );

    site.publish("/channels/foo", &[], LAST.as_bytes());
    let mut items = vec!["foo=bar"; 10];
    items.push(LAST);
    assert_eq!(page.json(), json!({"items": items}));
    page.succeeded();
}
