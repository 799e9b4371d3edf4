//! Spans of publishes at a collector of OpenTelemetry: a small real one, and one that is away. Runs with `--features otlp`.

mod support;

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use support::{PATIENCE, curl, curl_once, fanfare, server::Server, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: [u8; 8] = [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7];

fn header(flags: &str) -> (&'static str, String) {
    ("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flags}"))
}

/// A collector that takes what comes.
struct Collector {
    address: SocketAddr,
    batches: Receiver<ExportTraceServiceRequest>,
    /// Spans that were read and not yet looked for.
    spans: Vec<Span>,
    services: Vec<String>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, batches) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || take(stream, &sender));
            }
        });
        Self { address, batches, spans: Vec::new(), services: Vec::new() }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `count` spans.
    fn spans(&mut self, count: usize) -> Vec<Span> {
        while self.spans.len() < count {
            let batch =
                self.batches.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}: {:#?}", self.spans));
            for of_resource in batch.resource_spans {
                let resource = of_resource.resource.unwrap();
                self.services.extend(text(&resource.attributes, "service.name"));
                self.spans.extend(of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans));
            }
        }
        self.spans.drain(..count).collect()
    }
}

/// Reads one request, and answers it. The next one on the same connection finds it closed, as one that was idle for long.
fn take(stream: TcpStream, batches: &Sender<ExportTraceServiceRequest>) {
    let mut stream = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), HashMap::new());
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("POST /v1/traces "), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    let _ = batches.send(ExportTraceServiceRequest::decode(&body[..]).unwrap());
    let _ = stream.read(&mut [0]);
}

fn value(attributes: &[KeyValue], key: &str) -> Option<Value> {
    attributes.iter().find(|pair| pair.key == key).and_then(|pair| match &pair.value {
        Some(AnyValue { value }) => value.clone(),
        None => None,
    })
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    match value(attributes, key)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The span of this name.
#[track_caller]
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
}

fn server(url: &str, arguments: &[&str]) -> Server {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(arguments);
    Server::started(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", url))
}

fn publish(server: &Server, path: &str, flags: &str, body: &str) -> support::wire::Answer {
    let (name, value) = header(flags);
    server.post(path, &[(name, &value)], body)
}

#[track_caller]
fn check_three(spans: &[Span], id: &str) {
    let [publish, journal, fan_out] = ["publish", "journal", "fan-out"].map(|name| named(spans, name));
    assert!(spans.iter().all(|span| span.trace_id == u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes()));
    assert_eq!(publish.parent_span_id, PARENT);
    assert_eq!((&journal.parent_span_id, &fan_out.parent_span_id), (&publish.span_id, &publish.span_id));
    let times = [
        publish.start_time_unix_nano,
        journal.start_time_unix_nano,
        journal.end_time_unix_nano,
        fan_out.start_time_unix_nano,
        fan_out.end_time_unix_nano,
    ];
    assert!(times[0] > 0 && times.is_sorted(), "{times:?}");
    assert!(publish.end_time_unix_nano >= journal.end_time_unix_nano);
    assert_eq!(text(&publish.attributes, "messaging.message.id").as_deref(), Some(id));
    assert_eq!(text(&publish.attributes, "fanfare.outcome").as_deref(), Some("published"));
}

#[test]
fn a_publish_of_a_sampled_trace_is_three_spans_and_others_are_none() {
    let mut collector = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().display().to_string();
    for journal in [&[][..], &["--journal", &journal]] {
        let server = server(&collector.url(), journal);
        let mut stream = curl(&[&format!("{}/channels/news", server.url)]);
        // Were one of these exported, its spans would come first.
        publish(&server, "/channels/news", "00", "unsampled").id();
        server.publish("/channels/news", "untraced");
        let id = publish(&server, "/channels/news?wait=written", "01", "hello").id();
        stream.line_with("data: hello");
        let spans = collector.spans(3);
        check_three(&spans, &id);
        let attributes = &named(&spans, "publish").attributes;
        assert_eq!(text(attributes, "messaging.destination.name").as_deref(), Some("news"));
        assert_eq!(text(attributes, "fanfare.target").as_deref(), Some("channel"));
        assert_eq!(value(attributes, "fanfare.matched"), Some(Value::IntValue(1)));
        assert!(collector.services.iter().all(|service| service == "fanfare"));
    }
}

#[test]
fn each_line_of_a_batch_has_the_trace_of_its_request_and_a_refusal_is_an_error() {
    let mut collector = Collector::start();
    let server = server(&collector.url(), &[]);
    let answer =
        publish(&server, "/publish", "01", "{\"channel\":\"a\",\"data\":\"1\"}\n{\"client\":\"b\",\"data\":\"2\"}\n");
    let ids = ["first", "last"].map(|name| answer.json()[name].as_str().unwrap().to_owned());
    let spans = collector.spans(6);
    let publishes: Vec<_> = spans.iter().filter(|span| span.name == "publish").collect();
    assert_eq!(publishes.len(), 2);
    for (id, publish) in ids.iter().zip(publishes) {
        let of_it = |span: &&Span| span.span_id == publish.span_id || span.parent_span_id == publish.span_id;
        check_three(&spans.iter().filter(of_it).cloned().collect::<Vec<_>>(), id);
    }
    assert!(publish(&server, "/channels/a?wait=soon", "01", "x").status == 400);
    let [refused] = &collector.spans(1)[..] else { panic!() };
    assert_eq!(refused.status.as_ref().map(|status| status.code()), Some(StatusCode::Error));
    assert_eq!(text(&refused.attributes, "error.type").as_deref(), Some("refused"));
    // What waits goes out before the process ends.
    publish(&server, "/channels/a", "01", "the last").id();
    server.end("TERM");
    assert_eq!(collector.spans(3).len(), 3);
}

#[test]
fn a_collector_that_is_away_changes_nothing_and_its_spans_are_counted() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // This one takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [closed, silent.local_addr().unwrap()] {
        let mut server = server(&format!("http://{address}"), &[]);
        let admin =
            server.process.seen().iter().find_map(|line| line.split_once("for operators: ")).unwrap().1.to_owned();
        let mut stream = curl(&[&format!("{}/channels/news", server.url)]);
        for number in 0..3_000 {
            publish(&server, "/channels/news", "01", &number.to_string()).id();
        }
        stream.line_with("data: 2999");
        let dropped = || {
            let metrics = curl_once(&["-sS", &format!("{admin}/metrics")]);
            let line = metrics.lines().find(|line| line.starts_with("fanfare_traces_dropped_total ")).unwrap();
            line.split(' ').nth(1).unwrap().parse::<f64>().unwrap()
        };
        until("what is lost is counted", || dropped() > 0.0);
        server.process.line_with("the collector takes no spans: ");
        server.end("TERM");
    }
}

#[test]
fn an_address_that_is_none_is_told_at_the_start() {
    let (code, text) = support::run(
        fanfare().args(["serve", "--listen", "127.0.0.1:0"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[nonsense"),
    );
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{text}");
}
