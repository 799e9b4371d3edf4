//! Browsers, and libraries in pages and in Node.js, whose connections are cut at known moments: before the first event
//! and behind some, in order and not. They come back behind their last event, so nothing is missing, nothing comes
//! twice, and no gap is told.

mod clients;
mod support;

use std::collections::BTreeMap;

use clients::{Break, Engine, Gate, Program, Seen, Site, Source};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use support::{
    server::{Way, config},
    until,
};

/// The event types to listen to. `message` is one, so that a cursor which fired one would be seen.
const KINDS: [&str; 3] = ["message", "fanfare.gap", CURSOR];
const CURSOR: &str = "fanfare.cursor";
/// An id that browsers can send back.
const ANY_ID: &str = "größe 日本語 🎺";
/// An id that clients in Node.js can send back. They have no header with a character above U+00FF.
const LATIN_1_ID: &str = "größe";

const IN_PAGES: [&str; 4] = ["EventSource", "event-source-polyfill", "reconnecting-eventsource", "demo page"];
const IN_NODE: [&str; 4] = ["eventsource", "eventsource-3", "fetch-event-source", "demo page"];

/// The position that a stream has to come back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// A stream with `heartbeat=cursor`, so it has a position before its first event.
    Cursor,
    /// Nothing but the server's ids of its events.
    Plain,
    /// Ids of the publisher's own.
    Own(&'static str),
}

/// One stream of a program, with a network of its own.
struct Reader {
    client: &'static str,
    sort: Sort,
    gate: Gate,
    channel: String,
    opened: usize,
    cursors: usize,
    published: Vec<Seen>,
    seen: Vec<Seen>,
}

/// Streams by their names, and the program that reads them.
struct Readers {
    site: Site,
    program: Program,
    readers: BTreeMap<String, Reader>,
}

impl Readers {
    /// Opens a stream of each of these sorts in each of these clients.
    fn open(program: impl FnOnce(&[Source]) -> Program, clients: &[&'static str], sorts: &[Sort]) -> Self {
        let mut settings = config(Way::Socket);
        settings.retry_ms = 20..=60;
        let site = Site::start(settings);
        let (mut readers, mut sources) = (BTreeMap::new(), Vec::new());
        for &client in clients {
            for &sort in sorts {
                let name = format!("{client}, {sort:?}");
                let channel = format!("/channels/{}", sources.len());
                let query = if sort == Sort::Cursor { "?heartbeat=cursor" } else { "" };
                let gate = Gate::start(site.address);
                let url = format!("http://{}{channel}{query}", gate.address);
                sources.push(Source { name: name.clone(), client, url, kinds: KINDS.to_vec() });
                let (published, seen) = Default::default();
                readers.insert(name, Reader { client, sort, gate, channel, opened: 0, cursors: 0, published, seen });
            }
        }
        let mut all = Self { site, program: program(&sources), readers };
        all.read_until(|reader| if reader.sort == Sort::Cursor { reader.cursors > 0 } else { reader.opened > 0 });
        all
    }

    /// Until it is so for each stream.
    fn read_until(&mut self, is_so: impl Fn(&Reader) -> bool) {
        while !self.readers.values().all(&is_so) {
            let line = self.program.json();
            let text = |member: &str| line[member].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
            let reader = self.readers.get_mut(&text("stream")).unwrap();
            if line["open"] == true {
                reader.opened += 1;
            } else if text("event") == CURSOR {
                reader.cursors += 1;
            } else {
                reader.seen.push(Seen { kind: text("event"), id: text("id"), data: text("data") });
            }
        }
    }

    /// Publishes one event to each of these streams.
    fn publish(&mut self, among: impl Fn(&Reader) -> bool) {
        for reader in self.readers.values_mut().filter(|reader| among(reader)) {
            let number = reader.published.len();
            let data = format!("Grüße, 日本語 🎺 {number}");
            let own = if let Sort::Own(id) = reader.sort { Some(format!("{id} {number}")) } else { None };
            let query = own.as_ref().map(|id| format!("?id={}", utf8_percent_encode(id, NON_ALPHANUMERIC)));
            let path = format!("{}{}", reader.channel, query.unwrap_or_default());
            let id = self.site.publish(&path, &[], data.as_bytes());
            reader.published.push(Seen { kind: "message".into(), id: own.unwrap_or(id), data });
        }
    }

    /// Cuts these streams, publishes while they are away, and lets them come back.
    #[track_caller]
    fn cut(&mut self, how: Break, among: impl Fn(&Reader) -> bool) {
        let gates = self.readers.iter().filter(|(_, reader)| among(reader));
        let gates: Vec<_> = gates.map(|(name, reader)| (name, &reader.gate, reader.gate.refused())).collect();
        assert!(!gates.is_empty());
        gates.iter().for_each(|(_, gate, _)| gate.shut(how));
        if matches!(how, Break::Ignore | Break::Refuse) {
            for (name, gate, refused) in gates {
                until(&format!("{name} has tried to come back"), || gate.refused() > refused);
            }
        }
        self.publish(&among);
        self.publish(&among);
        self.readers.values().filter(|reader| among(reader)).for_each(|reader| reader.gate.open());
        self.assert_complete();
    }

    /// Waits for the published events, and fails if anything else came.
    #[track_caller]
    fn assert_complete(&mut self) {
        self.read_until(|reader| reader.seen.len() >= reader.published.len());
        for (name, reader) in &self.readers {
            assert_eq!(reader.seen, reader.published, "{name}");
        }
    }
}

/// Cuts each stream before its first event, if it can come back from there, and behind some. No `engine` is Node.js.
#[track_caller]
fn assert_comes_back(engine: Option<Engine>) {
    let (clients, own_id) = if engine.is_some() { (IN_PAGES, ANY_ID) } else { (IN_NODE, LATIN_1_ID) };
    let program = |sources: &[Source]| {
        engine.map_or_else(|| Program::node_clients(sources), |engine| Program::page(engine, sources))
    };
    // This library comes back by itself where the browser has given up.
    let is_revived = |reader: &Reader| reader.client == "reconnecting-eventsource";
    let mut all = Readers::open(program, &clients, &[Sort::Cursor, Sort::Plain, Sort::Own(own_id)]);
    all.cut(Break::Reset, |reader| reader.sort == Sort::Cursor && !is_revived(reader));
    if clients.contains(&"reconnecting-eventsource") {
        all.cut(Break::Refuse, |reader| reader.sort == Sort::Cursor && is_revived(reader));
    }
    all.publish(|_| true);
    all.assert_complete();
    all.cut(Break::End, |_| true);
    // Firefox gives up for ever where a connection ends without an answer.
    all.cut(Break::Ignore, |reader| !(engine == Some(Engine::Firefox) && reader.client == "EventSource"));
    if clients.contains(&"reconnecting-eventsource") {
        all.cut(Break::Refuse, is_revived);
    }
    all.publish(|_| true);
    all.assert_complete();
}

#[test]
fn chromium_and_libraries_in_it_come_back_behind_what_they_had() {
    assert_comes_back(Some(Engine::Chromium));
}

#[test]
fn firefox_and_libraries_in_it_come_back_behind_what_they_had() {
    assert_comes_back(Some(Engine::Firefox));
}

#[test]
fn webkit_and_libraries_in_it_come_back_behind_what_they_had() {
    assert_comes_back(Some(Engine::WebKit));
}

#[test]
fn libraries_in_node_come_back_behind_what_they_had() {
    assert_comes_back(None);
}
