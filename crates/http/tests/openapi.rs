//! openapi.yaml and the server say the same: every described answer is given as described, and there are no others.

#[path = "openapi/description.rs"]
mod description;
#[path = "openapi/schema.rs"]
mod schema;
mod support;

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU64, thread, time::Duration};

use description::{Description, Operation, examples, members};
use fanfare_callers::{Limits, Rate};
use fanfare_http::{Config, Gate};
use serde_json::{Value, json};
use support::{
    client::{Answer, Client},
    server::{Server, Way, config},
    tokens::{access, bearer, token},
    until,
};

/// Every path that the server understands, as it is described and as it is asked for.
const ROUTES: [(&str, &str); 11] = [
    ("/", "/"),
    ("/sse", "/sse"),
    ("/channels/{channel}", "/channels/news"),
    ("/channels/{channel}/broadcast", "/channels/news/broadcast"),
    ("/channels/{channel}/history", "/channels/news/history"),
    ("/broadcast", "/broadcast"),
    ("/clients/{client}", "/clients/alice"),
    ("/ping/{client}", "/ping/alice"),
    ("/publish", "/publish"),
    ("/healthz", "/healthz"),
    ("/readyz", "/readyz"),
];

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "QUERY"];

const GOOD_LINE: &[u8] = b"{\"all\":true,\"data\":\"hello\"}\n";

/// A request with its fields and its body.
#[derive(Clone, Debug, Default)]
struct Request {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// More than the body has, so that the rest never comes.
    missing_bytes: usize,
}

impl Request {
    /// A request that the operation accepts.
    fn new(operation: &Operation) -> Self {
        let (_, target) = ROUTES.iter().find(|(path, _)| *path == operation.path).expect("it is in the list");
        let body = match (operation.method.as_str(), operation.path.as_str()) {
            ("POST", "/publish") => GOOD_LINE,
            ("POST", _) => b"hello",
            _ => b"",
        };
        let (method, target) = (operation.method.clone(), (*target).to_owned());
        Self { method, target, body: body.to_owned(), ..Self::default() }
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn query(mut self, name: &str, value: &str) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target += &format!("{name}={value}");
        self
    }

    fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    #[track_caller]
    fn send(&self, address: SocketAddr) -> Answer {
        self.send_on(&mut Client::open(address))
    }

    /// Sends it and reads the answer. Of a stream it reads only the head.
    #[track_caller]
    fn send_on(&self, client: &mut Client) -> Answer {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.method, self.target);
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        if self.method == "POST" {
            head += &format!("Content-Length: {}\r\n", self.body.len() + self.missing_bytes);
        }
        client.send([head.as_bytes(), b"\r\n", &self.body].concat());
        let head = client.head();
        let length = head.get("content-length").map_or(0, |length| length.parse().unwrap());
        let body = if self.method == "HEAD" { Vec::new() } else { client.exactly(length) };
        Answer { status: head.status, head, body }
    }
}

/// Servers with all that an answer may depend on.
struct Servers {
    ordinary: Server,
    keyed: Server,
    tight: Server,
    full: Server,
    /// Everything is private, and one page may read.
    guarded: Server,
    /// Nobody may ask twice in a second.
    slow: Server,
}

impl Servers {
    fn start() -> Self {
        let start = |config| Server::start(Way::Socket, config);
        let ordinary = || config(Way::Socket);
        let pause = Duration::from_millis(50);
        let tight = || Config { body_bytes_max: 64, body_idle_timeout: pause, batch_idle_timeout: pause, ..ordinary() };
        let mut full = Config { bodies_bytes_max: 0, ..ordinary() };
        full.core.connections_max = 0;
        let public_hosts = vec!["test".to_owned()];
        let one = Some(Rate::per_second(NonZeroU64::MIN).with_burst(NonZeroU64::MIN));
        let loopback_limits = Limits { requests: one, ..Limits::NONE };
        Self {
            ordinary: start(ordinary()),
            keyed: start(Config { publish_key: Some("secret".into()), ..ordinary() }),
            guarded: start(Config { gate: Gate::new(access()), read_origins: Vec::new(), public_hosts, ..ordinary() }),
            slow: start(Config { loopback_limits, ..ordinary() }),
            tight: start(tight()),
            full: start(full),
        }
    }

    /// The answer of the operation when it is made to answer with `status`.
    #[track_caller]
    fn provoke(&self, operation: &Operation, status: u16) -> Answer {
        let request = Request::new(operation);
        // Only a single publish is answered with these.
        let is_single = operation.path == "/publish" && [413, 422].contains(&status);
        let request = if is_single { request.query("channel", "elsewhere") } else { request };
        match status {
            200 | 202 | 204 => request.send(self.ordinary.address),
            400 if operation.path == "/publish" => request.body("nonsense").send(self.ordinary.address),
            400 => match operation.parameters.iter().find(|parameter| parameter["in"] == "query") {
                Some(query) => request.query(query["name"].as_str().unwrap(), "%0a").send(self.ordinary.address),
                None => {
                    Request { target: request.target.replace("/alice", "/%0a").replace("/news", "/%0a"), ..request }
                        .send(self.ordinary.address)
                }
            },
            401 => request.send(self.guarded.address),
            403 if operation.method == "GET" => {
                request.field("Origin", "http://evil.example").send(self.guarded.address)
            }
            429 => {
                let mut answer = None;
                until("it is too much", || answer.insert(request.send(self.slow.address)).status == 429);
                answer.unwrap()
            }
            403 => {
                let request = request.field("Origin", "http://evil.example");
                request.field("Access-Control-Request-Method", "POST").send(self.ordinary.address)
            }
            408 => Request { missing_bytes: 1, ..request }.send(self.tight.address),
            413 => request.body("x".repeat(65)).send(self.tight.address),
            422 => {
                let request = request.field("Idempotency-Key", "used already");
                assert_eq!(request.send(self.ordinary.address).status, 202);
                request.query("retry", "1000").send(self.ordinary.address)
            }
            415 => request.field("Content-Encoding", "gzip").send(self.ordinary.address),
            431 => {
                Request { body: Vec::new(), ..request.field("X", &"x".repeat(20 << 10)) }.send(self.ordinary.address)
            }
            503 if operation.path == "/readyz" => while_draining(&request),
            503 => request.send(self.full.address),
            _ => panic!("{}: how to come to {status} is not known", operation.name()),
        }
    }
}

/// The answer to a request of a server that cannot end because a subscriber does not take its events.
fn while_draining(request: &Request) -> Answer {
    let mut config = Config { send_buffer_bytes: 4 << 10, ..config(Way::Socket) };
    config.core.shards = 1;
    let mut server = Server::start(Way::Socket, config);
    let mut stuck = Client::open_narrow(server.address);
    stuck.send("GET /sse?id=stuck HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(stuck.head().status, 200);
    // More than all buffers on the way hold.
    for _ in 0..15 {
        server.publish("/clients/stuck", "x".repeat(200 << 10));
    }
    let mut client = server.client();
    assert_eq!(request.send_on(&mut client).status, 200);
    server.begin_drain();
    let mut answer = None;
    until("it drains", || answer.insert(request.send_on(&mut client)).status != 200);
    answer.unwrap()
}

/// Fails unless the operation describes this answer.
#[track_caller]
fn check(description: &Description, operation: &Operation, answer: &Answer) {
    let at = format!("{} {}", operation.name(), answer.status);
    let Some(response) = operation.response(answer.status) else { panic!("{at} is not described: {answer:?}") };
    for (name, header) in members(&response["headers"]) {
        match answer.head.get(name) {
            Some(text) => {
                let value = if header["schema"]["type"] == "integer" {
                    text.parse::<u64>().unwrap().into()
                } else {
                    text.into()
                };
                schema::check(description, &header["schema"], &value, &format!("{at}, {name}"));
            }
            None => assert_ne!(header["required"], true, "{at}: no {name}: {answer:?}"),
        }
    }
    let Some(media_type) = answer.head.get("content-type") else {
        assert!(answer.body.is_empty() && response.get("content").is_none(), "{at}: {answer:?}");
        return;
    };
    let media_type = media_type.split(';').next().unwrap();
    let Some(content) = response["content"].get(media_type) else { panic!("{at}: {media_type} is not described") };
    let text = || String::from_utf8(answer.body.clone()).unwrap();
    let body = if media_type.ends_with("json") { answer.json() } else { text().into() };
    schema::check(description, &content["schema"], &body, &at);
    if media_type == "application/problem+json" {
        assert_eq!(body["status"], answer.status, "{at}");
    }
}

/// Values in the form of a query or a path.
fn encoded(value: &Value) -> Vec<String> {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    match value {
        Value::Array(items) => items.iter().flat_map(encoded).collect(),
        Value::String(text) => vec![encode(text)],
        other => vec![other.to_string()],
    }
}

#[test]
fn every_answer_that_is_described_is_given() {
    let (description, servers) = (Description::load(), Servers::start());
    let operations = description.operations();
    // At once, because some answers come late: the server waits for the rest of a refused body.
    thread::scope(|scope| {
        for operation in &operations {
            for (status, _) in &operation.responses {
                let (description, servers) = (&description, &servers);
                scope.spawn(move || {
                    let answer = servers.provoke(operation, *status);
                    assert_eq!(answer.status, *status, "{}: {answer:?}", operation.name());
                    check(description, operation, &answer);
                });
            }
        }
    });
}

/// Whether no text of the parameter is wrong.
fn takes_any_text(schema: &Value) -> bool {
    let any = json!({ "type": "string" });
    *schema == any || schema["items"] == any
}

#[test]
fn every_example_of_a_parameter_is_understood_and_a_wrong_value_is_not() {
    let (description, server) = (Description::load(), Server::new(Way::Socket));
    for operation in description.operations() {
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap();
            let at = format!("{}, {name}", operation.name());
            assert!(!examples(parameter).is_empty(), "{at}: no example");
            for example in examples(parameter) {
                let request = Request::new(&operation);
                let request = match parameter["in"].as_str().unwrap() {
                    "header" => request.field(name, example.as_str().unwrap()),
                    "query" => encoded(example).iter().fold(request, |request, value| request.query(name, value)),
                    _ => Request {
                        target: operation.path.replace(&format!("{{{name}}}"), &encoded(example)[0]),
                        ..request
                    },
                };
                let answer = request.send(server.address);
                assert_eq!(answer.status, operation.success(), "{at}={example}: {answer:?}");
                check(&description, &operation, &answer);
                if name == "wait" {
                    assert!(answer.json().get("written").is_some(), "{at}");
                }
            }
            if operation.response(400).is_none() || parameter["in"] == "header" {
                continue;
            }
            let request = Request::new(&operation);
            let wrong = if parameter["in"] == "path" {
                Request { target: operation.path.replace(&format!("{{{name}}}"), "%0a"), ..request }
            } else {
                request.query(name, "%0a")
            };
            // Some take any text.
            let has_rule = !takes_any_text(&parameter["schema"]);
            assert_eq!(wrong.send(server.address).status, if has_rule { 400 } else { operation.success() }, "{at}");
            if parameter["in"] == "query" && parameter["schema"]["type"] != "array" {
                let value = &encoded(examples(parameter)[0])[0];
                Request::new(&operation).query(name, value).query(name, value).send(server.address).problem(400);
            }
        }
    }
}

#[test]
fn every_example_of_a_body_is_accepted() {
    let (description, server) = (Description::load(), Server::new(Way::Socket));
    for operation in description.operations() {
        for (media_type, content) in operation.body.iter().flat_map(|body| members(&body["content"])) {
            for example in examples(content) {
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                let request = Request::new(&operation).body(text.clone()).field("Content-Type", media_type);
                let answer = request.send(server.address);
                assert_eq!(answer.status, 202, "{}, {media_type}: {answer:?}", operation.name());
                check(&description, &operation, &answer);
                if operation.path == "/publish" {
                    let counts = answer.json();
                    assert_eq!((&counts["published"], &counts["failed"]), (&text.lines().count().into(), &0.into()));
                }
            }
        }
    }
}

#[test]
fn every_example_obeys_its_schema() {
    let description = Description::load();
    let found = description.examples();
    assert!(found.len() > 15, "{}", found.len());
    for (at, schema, example) in found {
        if at.ends_with("/application/x-ndjson") {
            for line in example.as_str().unwrap().lines() {
                schema::check(&description, schema, &serde_json::from_str(line).unwrap(), &at);
            }
        } else {
            schema::check(&description, schema, example, &at);
        }
    }
}

#[test]
fn what_is_not_described_is_not_there() {
    let (description, server) = (Description::load(), Server::new(Way::Socket));
    let operations = description.operations();
    let described: BTreeSet<_> = operations.iter().map(|operation| operation.path.as_str()).collect();
    assert_eq!(described, ROUTES.iter().map(|(path, _)| *path).collect());
    for (path, target) in ROUTES {
        let of_path: Vec<_> = operations.iter().filter(|operation| operation.path == path).collect();
        let mut expected: BTreeSet<_> = of_path.iter().map(|operation| operation.method.as_str()).collect();
        if expected.contains("GET") {
            expected.insert("HEAD");
        }
        for method in METHODS {
            let request = Request { method: method.into(), target: target.into(), ..Request::default() };
            let answer = request.send(server.address);
            if expected.contains(method) {
                assert!(![404, 405, 501].contains(&answer.status), "{method} {path}: {answer:?}");
                continue;
            }
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            let allow = answer.head.get("allow").expect("405 says which methods there are");
            assert_eq!(allow.split(", ").collect::<BTreeSet<_>>(), expected, "{path}");
        }
    }
    for target in
        ["/metrics", "/admin", "/docs", "/channels", "/channels/a/history/", "/clients", "/sse/", "/index.html"]
    {
        for method in METHODS {
            let request = Request { method: method.into(), target: target.into(), ..Request::default() };
            assert_eq!(request.send(server.address).status, 404, "{method} {target}");
        }
    }
}

#[test]
fn what_is_described_as_secured_needs_the_key_and_nothing_else_does() {
    let (description, servers) = (Description::load(), Servers::start());
    for operation in description.operations() {
        let plain = Request::new(&operation).send(servers.guarded.address);
        let expected = if operation.is_secured { 401 } else { operation.success() };
        assert_eq!(plain.status, expected, "{}", operation.name());
        let token = token(json!({ "subscribe": ["*"], "publish": ["*"] }));
        let shown = Request::new(&operation).field("Authorization", &bearer(&token)).send(servers.guarded.address);
        assert_eq!(shown.status, operation.success(), "{}: {shown:?}", operation.name());
        let keyed = Request::new(&operation).send(servers.keyed.address);
        let needs_key = operation.is_secured && operation.method == "POST";
        assert_eq!(keyed.status, if needs_key { 401 } else { operation.success() }, "{}", operation.name());
    }
}

#[test]
fn a_browser_gets_the_page_at_the_root_and_an_empty_stream_where_there_is_no_room() {
    let (description, servers) = (Description::load(), Servers::start());
    for operation in description.operations().iter().filter(|operation| operation.response(503).is_some()) {
        if operation.method != "GET" || ["/readyz", "/channels/{channel}/history"].contains(&&*operation.path) {
            continue;
        }
        let answer = Request::new(operation).field("Accept", "text/event-stream").send(servers.full.address);
        assert_eq!(answer.status, 200, "{}", operation.name());
        check(&description, operation, &answer);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.starts_with("retry: ") && text.ends_with('\n'), "{text:?}");

        let answer = Request::new(operation).field("Accept", "text/html,*/*").send(servers.ordinary.address);
        check(&description, operation, &answer);
        let is_page = answer.head.get("content-type").unwrap().starts_with("text/html");
        assert_eq!(is_page, operation.path == "/");
    }
}
