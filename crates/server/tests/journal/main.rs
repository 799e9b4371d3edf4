//! `fanfare serve --journal`: what a restart keeps, where a server refuses to start, and what a full or a damaged disk
//! does. Each test has a directory, or a small file system, of its own.

mod damage;
mod full_disk;
mod random_damage;
mod refusals;
mod restart;
mod settings;
#[path = "../support/mod.rs"]
mod support;

use std::{net::SocketAddr, path::Path, process::Command};

use serde_json::Value;
use support::{
    Process, curl, fanfare,
    wire::{Answer, EventStream, Requests},
};

/// A server with a journal, on a free port.
struct Server {
    process: Process,
    url: String,
    address: SocketAddr,
}

impl Server {
    fn start(journal: &Path, flags: &[&str]) -> Self {
        Self::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(journal).args(flags))
    }

    fn started(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let url = process.url();
        let address = url.trim_start_matches("http://").parse().unwrap();
        Self { process, url, address }
    }

    /// Ends it with this signal; all that it printed and was not read.
    fn end(mut self, signal: &str) -> Vec<String> {
        if signal == "KILL" {
            return self.process.kill();
        }
        self.process.signal(signal);
        let lines = self.process.remaining_lines();
        assert_eq!(self.process.exit().code(), Some(0), "{lines:#?}");
        lines
    }

    /// Ends it in order; all that it ever printed.
    fn log(self) -> Vec<String> {
        let before = self.process.seen().to_vec();
        [before, self.end("TERM")].concat()
    }

    fn requests(&self) -> Requests {
        Requests::open(self.address).unwrap()
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.requests().post(path, headers, body).unwrap()
    }

    /// Publishes, which must be accepted; the id.
    #[track_caller]
    fn publish(&self, path: &str, body: &str) -> String {
        self.post(path, &[], body).id()
    }

    fn get(&self, path: &str) -> Answer {
        self.requests().get(path).unwrap()
    }

    /// A page of what is kept of a channel.
    fn history(&self, channel: &str, query: &str) -> Value {
        let answer = self.get(&format!("/channels/{channel}/history?limit=1000&{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// All ids and data of a channel.
    fn kept(&self, channel: &str) -> Vec<(String, String)> {
        let (mut kept, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.history(channel, &format!("after={after}"));
            assert_eq!(page["gap"], Value::Null);
            let text = |event: &Value, member| event[member].as_str().unwrap().to_owned();
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                return kept;
            }
            kept.extend(events.iter().map(|event| (text(event, "id"), text(event, "data"))));
            after = text(&page, "next");
        }
    }

    /// curl that comes back behind `id`.
    fn resume(&self, path: &str, id: &str) -> Process {
        curl(&["-H", &format!("Last-Event-ID: {id}"), &format!("{}{path}", self.url)])
    }

    fn stream(&self, path: &str, last_event_id: Option<&str>) -> EventStream {
        EventStream::open(self.address, path, last_event_id).unwrap()
    }
}

/// Everything up to and with `last`, the data of events and gaps.
fn data_until(stream: &mut Process, last: &str) -> Vec<String> {
    let mut data = Vec::new();
    loop {
        data.push(stream.line_with("data: ")["data: ".len()..].to_owned());
        if data.last().is_some_and(|data| data == last) {
            return data;
        }
    }
}

/// An id as two numbers, to compare.
fn id(text: &str) -> (u64, u64) {
    let (ms, count) = text.split_once('-').unwrap_or_else(|| panic!("no id: {text:?}"));
    (ms.parse().unwrap(), count.parse().unwrap())
}
