//! A server's dialect: the routes, the headers and the body of a publish, filled in for one channel or client.
//!
//! Presets know Fanfare, nchan and the floor, and every part can be given by itself. The only place that makes the
//! bytes of requests.

use std::io::Write;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::wire::token::Token;

/// A server whose routes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// Fanfare's own routes
    Fanfare,
    /// nginx with nchan: /sub/NAME and /pub/NAME
    Nchan,
    /// `fanfare-loadtest floor`: every path is the same
    Floor,
}

/// The kind of an event's addressee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Address {
    Channel,
    Client,
}

/// How events are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// Each is the body of a request.
    Single,
    /// Many are: NDJSON, a line each.
    Batch,
}

impl Preset {
    /// Whether this server's form of batches is known here. The other servers would take a batch for a single event.
    pub(crate) fn knows_batches(self) -> bool {
        self == Self::Fanfare
    }

    fn paths(self, address: Address) -> (&'static str, &'static str) {
        match (self, address) {
            (Self::Fanfare, Address::Channel) => ("/sse?channel={channel}", "/channels/{channel}/broadcast"),
            (Self::Fanfare, Address::Client) => ("/sse?id={client}", "/clients/{client}"),
            (Self::Nchan, Address::Channel) => ("/sub/{channel}", "/pub/{channel}"),
            (Self::Nchan, Address::Client) => ("/sub/{client}", "/pub/{client}"),
            (Self::Floor, _) => ("/", "/"),
        }
    }
}

/// A text with holes for names and data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Piece {
    Text(String),
    Channel,
    Client,
    Data,
    DataForm,
}

const HOLES: [(&str, Piece); 4] = [
    ("{channel}", Piece::Channel),
    ("{client}", Piece::Client),
    ("{data}", Piece::Data),
    ("{data_form}", Piece::DataForm),
];

impl Template {
    /// Any text is a template: braces that are no hole are themselves, as JSON needs.
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let next = |rest: &str| HOLES.iter().filter_map(|hole| Some((rest.find(hole.0)?, hole))).min_by_key(|at| at.0);
        while let Some((at, (name, piece))) = next(rest) {
            pieces.extend((at > 0).then(|| Piece::Text(rest[..at].to_owned())));
            pieces.push(piece.clone());
            rest = &rest[at + name.len()..];
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        Self(pieces)
    }

    fn fill(&self, names: Names, data: &[u8], to: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => to.extend_from_slice(text.as_bytes()),
                Piece::Channel => write_name(names.channel, to),
                Piece::Client => write_name(names.client, to),
                Piece::Data => to.extend_from_slice(data),
                Piece::DataForm => data.iter().for_each(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => to.push(*byte),
                    _ => write!(to, "%{byte:02X}").expect("writing to a Vec cannot fail"),
                }),
            }
        }
    }
}

fn write_name(number: u32, to: &mut Vec<u8>) {
    write!(to, "load-{number}").expect("writing to a Vec cannot fail");
}

/// The numbers of the channel and of the client in a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Names {
    pub(crate) channel: u32,
    pub(crate) client: u32,
}

/// The path and query of a request, with holes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path(Template);

impl FromStr for Path {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if !typed.starts_with('/') {
            return Err("a path begins with /".to_owned());
        }
        if !typed.bytes().all(|byte| byte.is_ascii_graphic()) || typed.contains('#') {
            return Err("a path is visible ASCII without #; percent-encode the rest".to_owned());
        }
        Ok(Self(Template::new(typed)))
    }
}

/// A header of a request, `Name: value`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header(String);

impl FromStr for Header {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let is_token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match typed.split_once(':') {
            _ if typed.chars().any(char::is_control) => Err("a header is one line".to_owned()),
            Some((name, _)) if is_token(name) => Ok(Self(typed.to_owned())),
            _ => Err("a header is `Name: value`".to_owned()),
        }
    }
}

impl Header {
    fn is(&self, name: &str) -> bool {
        self.0.split_once(':').is_some_and(|(own, _)| own.eq_ignore_ascii_case(name))
    }
}

/// The parts of a dialect that were given by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) preset: Preset,
    pub(crate) subscribe: Option<Path>,
    pub(crate) publish: Option<Path>,
    pub(crate) body: Option<String>,
    pub(crate) headers: Vec<Header>,
    pub(crate) subscribe_token: Option<Token>,
    pub(crate) publish_token: Option<Token>,
}

/// How one server is spoken to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dialect {
    subscribe: Template,
    publish: Template,
    body: Template,
    /// Complete header lines that go with every subscribe.
    subscribe_headers: String,
    /// Complete header lines that go with every publish.
    publish_headers: String,
    /// The same without the tokens.
    own_headers: String,
    history: Option<Template>,
    pub(crate) form: Form,
}

/// The path for batches.
const BATCH_PATH: &str = "/publish";
/// The longest page of history.
const HISTORY_PATH: &str = "/channels/{channel}/history?limit=1000";
/// A route that no server has.
const NO_PATH: &str = "/no-such-route";
/// A token that nobody has made, as a header line.
const WRONG_TOKEN: &str = "Authorization: Bearer wrong.wrong.wrong\r\n";
const CHANNEL_LINE: &str = "{\"channel\":\"{channel}\",\"data\":{data}}";
const CLIENT_LINE: &str = "{\"client\":\"{client}\",\"data\":{data}}";

impl Dialect {
    pub(crate) fn new(parts: &Parts, address: Address, form: Form) -> Self {
        let (subscribe, publish) = parts.preset.paths(address);
        let (publish, body, end, content_type) = match (form, address) {
            (Form::Single, _) => (publish, "{data}", "", "json"),
            (Form::Batch, Address::Channel) => (BATCH_PATH, CHANNEL_LINE, "\n", "x-ndjson"),
            (Form::Batch, Address::Client) => (BATCH_PATH, CLIENT_LINE, "\n", "x-ndjson"),
        };
        let or = |path: &Option<Path>, preset| path.as_ref().map_or_else(|| Template::new(preset), |p| p.0.clone());
        let is_typed = parts.headers.iter().any(|header| header.is("content-type"));
        let content_type = if is_typed { "" } else { &format!("Content-Type: application/{content_type}\r\n") };
        let headers: String = parts.headers.iter().map(|header| format!("{}\r\n", header.0)).collect();
        let with = |token: &Option<Token>| format!("{headers}{}", token.as_ref().map_or(String::new(), Token::header));
        Self {
            subscribe: or(&parts.subscribe, subscribe),
            publish: or(&parts.publish, publish),
            body: Template::new(&format!("{}{end}", parts.body.as_deref().unwrap_or(body))),
            subscribe_headers: with(&parts.subscribe_token),
            publish_headers: with(&parts.publish_token) + content_type,
            own_headers: with(&None),
            history: (parts.preset == Preset::Fanfare).then(|| Template::new(HISTORY_PATH)),
            form,
        }
    }

    /// The whole request to `authority` that opens an event stream, continued after `last_event_id` if there is one.
    pub(crate) fn subscribe_request(&self, authority: &str, names: Names, last_event_id: &[u8]) -> Vec<u8> {
        let mut request = get(&self.subscribe, authority, names, &self.subscribe_headers);
        if !last_event_id.is_empty() {
            request.extend_from_slice(b"Last-Event-ID: ");
            request.extend_from_slice(last_event_id);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        request
    }

    /// Adds an event to the body of a publish.
    pub(crate) fn write_event(&self, names: Names, data: &[u8], body: &mut Vec<u8>) {
        self.body.fill(names, data, body);
    }

    /// Writes the whole request to `authority` that publishes `body`, over the old content of `request`. With a key it may
    /// be sent again.
    pub(crate) fn publish_request(
        &self,
        authority: &str,
        names: Names,
        key: Option<&str>,
        body: &[u8],
        request: &mut Vec<u8>,
    ) {
        request.clear();
        request.extend_from_slice(b"POST ");
        self.publish.fill(names, b"", request);
        let (headers, length) = (&self.publish_headers, body.len());
        let key = key.map_or(String::new(), |key| format!("Idempotency-Key: {key}\r\n"));
        write!(request, " HTTP/1.1\r\nHost: {authority}\r\n{headers}{key}Content-Length: {length}\r\n\r\n")
            .expect("writing to a Vec cannot fail");
        request.extend_from_slice(body);
    }

    /// The request that opens an event stream, of somebody who has no token.
    pub(crate) fn without_token(&self, authority: &str, names: Names) -> Vec<u8> {
        let request = get(&self.subscribe, authority, names, &self.own_headers);
        [&request, &b"\r\n"[..]].concat()
    }

    /// A publish of somebody with a wrong token.
    pub(crate) fn wrong_publish(&self, authority: &str, names: Names, body: &[u8], request: &mut Vec<u8>) {
        let publish_headers = format!("{}{WRONG_TOKEN}", self.own_headers);
        Self { publish_headers, ..self.clone() }.publish_request(authority, names, None, body, request);
    }

    /// Requests of somebody who tries what is not theirs: a stream and a page of history of `names`, and a publish to
    /// `elsewhere`, with a wrong token, and a route that is not there. Where all events go to everybody there is no
    /// publish.
    pub(crate) fn probes(&self, authority: &str, names: Names, elsewhere: Names) -> Vec<Vec<u8>> {
        let wrong = format!("{}{WRONG_TOKEN}", self.own_headers);
        let nowhere = Template::new(NO_PATH);
        let gets = [Some(&nowhere), Some(&self.subscribe), self.history.as_ref()].into_iter().flatten();
        let mut probes: Vec<Vec<u8>> =
            gets.map(|path| [&get(path, authority, names, &wrong), &b"\r\n"[..]].concat()).collect();
        let is_named =
            |template: &Template| template.0.iter().any(|piece| matches!(piece, Piece::Channel | Piece::Client));
        if is_named(&self.publish) || is_named(&self.body) {
            let (mut body, mut request) = (Vec::new(), Vec::new());
            self.write_event(elsewhere, b"{}", &mut body);
            self.wrong_publish(authority, elsewhere, &body, &mut request);
            probes.push(request);
        }
        probes
    }
}

/// A request without the line that ends it.
fn get(path: &Template, authority: &str, names: Names, headers: &str) -> Vec<u8> {
    let mut request = b"GET ".to_vec();
    path.fill(names, b"", &mut request);
    write!(request, " HTTP/1.1\r\nHost: {authority}\r\nAccept: text/event-stream\r\n{headers}")
        .expect("writing to a Vec cannot fail");
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(preset: Preset) -> Parts {
        let (headers, subscribe_token, publish_token) = (Vec::new(), None, None);
        Parts { preset, subscribe: None, publish: None, body: None, headers, subscribe_token, publish_token }
    }

    fn publish(dialect: &Dialect, names: Names, data: &[u8]) -> String {
        let (mut body, mut request) = (Vec::new(), vec![b'x'; 9]);
        dialect.write_event(names, data, &mut body);
        dialect.publish_request("h:1", names, None, &body, &mut request);
        String::from_utf8(request).unwrap()
    }

    const NAMES: Names = Names { channel: 3, client: 14 };

    #[test]
    fn a_preset_knows_its_routes() {
        let dialect = Dialect::new(&parts(Preset::Fanfare), Address::Channel, Form::Single);
        let request = dialect.subscribe_request("h:1", NAMES, b"7-0");
        let expected =
            "GET /sse?channel=load-3 HTTP/1.1\r\nHost: h:1\r\nAccept: text/event-stream\r\nLast-Event-ID: 7-0\r\n\r\n";
        assert_eq!(String::from_utf8(request).unwrap(), expected);
        let dialect = Dialect::new(&parts(Preset::Nchan), Address::Client, Form::Single);
        let expected =
            "POST /pub/load-14 HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(publish(&dialect, NAMES, b"{}"), expected);
    }

    #[test]
    fn fanfare_is_given_the_data_for_a_client_and_not_a_ping_which_has_none() {
        let dialect = Dialect::new(&parts(Preset::Fanfare), Address::Client, Form::Single);
        assert!(publish(&dialect, NAMES, b"{}").starts_with("POST /clients/load-14 HTTP/1.1\r\n"));
    }

    #[test]
    fn a_publish_that_may_be_repeated_has_a_key() {
        let dialect = Dialect::new(&parts(Preset::Fanfare), Address::Channel, Form::Single);
        let mut request = Vec::new();
        dialect.publish_request("h:1", NAMES, Some("7-0-3"), b"{}", &mut request);
        let end = "Idempotency-Key: 7-0-3\r\nContent-Length: 2\r\n\r\n{}";
        assert!(String::from_utf8(request).unwrap().ends_with(end));
    }

    #[test]
    fn a_batch_is_a_line_for_each_event() {
        let batch = |address| {
            let dialect = Dialect::new(&parts(Preset::Fanfare), address, Form::Batch);
            let (mut body, mut request) = (Vec::new(), Vec::new());
            [b"{}", b"[]"].iter().for_each(|data| dialect.write_event(NAMES, *data, &mut body));
            dialect.publish_request("h:1", NAMES, None, &body, &mut request);
            String::from_utf8(request).unwrap()
        };
        let lines = "{\"channel\":\"load-3\",\"data\":{}}\n{\"channel\":\"load-3\",\"data\":[]}\n";
        let head =
            "POST /publish HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/x-ndjson\r\nContent-Length: 62\r\n\r\n";
        assert_eq!(batch(Address::Channel), format!("{head}{lines}"));
        assert!(batch(Address::Client).ends_with("{\"client\":\"load-14\",\"data\":[]}\n"));
    }

    #[test]
    fn every_part_can_be_given() {
        let parts = Parts {
            subscribe: Some("/s?topic={channel}".parse().unwrap()),
            publish: Some("/p".parse().unwrap()),
            body: Some("topic={channel}&data={data_form}".to_owned()),
            headers: vec!["Content-Type: application/x-www-form-urlencoded".parse().unwrap()],
            ..parts(Preset::Fanfare)
        };
        let dialect = Dialect::new(&parts, Address::Channel, Form::Single);
        let request = publish(&dialect, NAMES, b"{\"a\":1}");
        assert!(
            request.starts_with("POST /p HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/x-www-form-urlencoded\r\n")
        );
        assert!(request.ends_with("Content-Length: 35\r\n\r\ntopic=load-3&data=%7B%22a%22%3A1%7D"), "{request}");
        let json = Template::new("{\"channel\":\"{channel}\",\"data\":{data}}");
        let mut filled = Vec::new();
        json.fill(NAMES, b"{}", &mut filled);
        assert_eq!(filled, b"{\"channel\":\"load-3\",\"data\":{}}");
    }

    #[test]
    fn each_token_goes_with_its_own_requests() {
        let [subscribe_token, publish_token] = ["read", "write"].map(|token| Some(token.parse().unwrap()));
        let parts = Parts { subscribe_token, publish_token, ..parts(Preset::Fanfare) };
        let dialect = Dialect::new(&parts, Address::Channel, Form::Single);
        let subscribe = String::from_utf8(dialect.subscribe_request("h:1", NAMES, b"")).unwrap();
        assert!(subscribe.ends_with("text/event-stream\r\nAuthorization: Bearer read\r\n\r\n"), "{subscribe}");
        let publish = publish(&dialect, NAMES, b"{}");
        assert!(publish.contains("\r\nAuthorization: Bearer write\r\nContent-Type: application/json\r\n"), "{publish}");
        assert!(!publish.contains("read"), "{publish}");
    }

    #[test]
    fn an_attacker_has_no_token_or_a_wrong_one() {
        let publish_token = Some("write".parse().unwrap());
        let parts = |preset| Parts { publish_token: publish_token.clone(), ..parts(preset) };
        let probes = |preset| {
            let dialect = Dialect::new(&parts(preset), Address::Channel, Form::Single);
            let probes = dialect.probes("h:1", NAMES, Names { channel: 9, client: 9 });
            probes.into_iter().map(|probe| String::from_utf8(probe).unwrap()).collect::<Vec<_>>()
        };
        let fanfare = probes(Preset::Fanfare);
        let firsts = [
            "GET /no-such-route",
            "GET /sse?channel=load-3",
            "GET /channels/load-3/history?limit=1000",
            "POST /channels/load-9/broadcast",
        ];
        for (probe, first) in fanfare.iter().zip(firsts) {
            assert!(probe.starts_with(first) && probe.contains("\r\nAuthorization: Bearer wrong"), "{probe}");
            assert!(probe.contains("\r\n\r\n") && !probe.contains("write"), "{probe}");
        }
        assert_eq!((fanfare.len(), probes(Preset::Nchan).len(), probes(Preset::Floor).len()), (4, 3, 2));
        let dialect = Dialect::new(&parts(Preset::Fanfare), Address::Channel, Form::Single);
        assert!(!String::from_utf8(dialect.without_token("h:1", NAMES)).unwrap().contains("Authorization"));
    }

    #[test]
    fn nothing_that_is_given_can_break_a_request() {
        assert!("/sse?channel=a%20{channel}".parse::<Path>().is_ok());
        for wrong in ["sse", "", "/a b", "/a\r\nX: y", "/ä", "/a#b"] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong}");
        }
        assert!("Authorization: Bearer x".parse::<Header>().is_ok());
        for wrong in ["", "x", ": y", "a b: c", "a: b\r\nc: d", "a: b\nc"] {
            assert!(wrong.parse::<Header>().is_err(), "{wrong:?}");
        }
    }
}
