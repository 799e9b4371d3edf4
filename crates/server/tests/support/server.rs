//! [`Server`]: `fanfare serve` on a free port, with requests and streams over plain sockets.

use std::{
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use serde_json::Value;

use super::{
    PATIENCE, Process, curl,
    settings::limits,
    wire::{Answer, EventStream, Requests},
};

/// A server that listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn started(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let url = process.url();
        let address = url.trim_start_matches("http://").parse().unwrap();
        Self { process, url, address }
    }

    /// Ends the server with this signal. Returns the lines that were not read.
    pub(crate) fn end(mut self, signal: &str) -> Vec<String> {
        if signal == "KILL" {
            return self.process.kill();
        }
        self.process.signal(signal);
        let lines = self.process.remaining_lines();
        assert_eq!(self.process.exit().code(), Some(0), "{lines:#?}");
        lines
    }

    /// Ends the server in order. Returns all lines that it ever printed.
    pub(crate) fn log(self) -> Vec<String> {
        let before = self.process.seen().to_vec();
        [before, self.end("TERM")].concat()
    }

    pub(crate) fn requests(&self) -> Requests {
        Requests::open(self.address).unwrap()
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.requests().post(path, headers, body).unwrap()
    }

    /// Publishes an event, which must be accepted. Returns the id.
    #[track_caller]
    pub(crate) fn publish(&self, path: &str, body: &str) -> String {
        self.post(path, &[], body).id()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.requests().get(path).unwrap()
    }

    /// A page of a channel's history.
    #[track_caller]
    pub(crate) fn history(&self, channel: &str, query: &str) -> Value {
        let answer = self.get(&format!("/channels/{channel}/history?limit=1000&{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// All ids and data of a channel's history.
    #[track_caller]
    pub(crate) fn kept(&self, channel: &str) -> Vec<(String, String)> {
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

    /// A stream whose client reads nothing of all that waits for it. It does not end by itself if the server is [`patient`].
    pub(crate) fn stuck(&mut self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
        self.process.line_with("open ");
        let large = "x".repeat(1 << 20);
        (0..16).for_each(|_| drop(self.publish(path, &large)));
        stream
    }

    /// Starts curl with a stream behind `id`.
    pub(crate) fn resume(&self, path: &str, id: &str) -> Process {
        curl(&["-H", &format!("Last-Event-ID: {id}"), &format!("{}{path}", self.url)])
    }

    pub(crate) fn stream(&self, path: &str, last_event_id: Option<&str>) -> EventStream {
        EventStream::open(self.address, path, last_event_id).unwrap()
    }
}

/// The flag of a server that waits for slow clients.
pub(crate) fn patient() -> String {
    limits(&["write-timeout = '1h'"])
}

/// Whether the system refuses connections to this address.
pub(crate) fn is_closed(address: SocketAddr) -> bool {
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => true,
        Err(error) => panic!("{error}"),
    }
}

/// The two numbers of an id, for comparisons.
pub(crate) fn id(text: &str) -> (u64, u64) {
    let (ms, count) = text.split_once('-').unwrap_or_else(|| panic!("no id: {text:?}"));
    (ms.parse().unwrap(), count.parse().unwrap())
}
