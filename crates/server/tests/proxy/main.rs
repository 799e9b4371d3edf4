//! The example of two nodes, Redis and nginx: what a client receives through Debian's nginx while both nodes run, while
//! one ends, and when none is left. [`passing_on`] has the requests of nginx to the nodes, and their repeats.
//!
//! [`fronts`] has one node behind each of five proxies, with the files of examples/proxies.

mod batch;
mod clients;
mod ending;
mod front;
mod fronts;
mod nginx;
mod passing_on;
#[path = "../../../redis/tests/support/mod.rs"]
mod redis;
mod relay;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;

use nginx::{Nginx, Replacement};
use redis::RedisServer;
use support::{
    Process, fanfare,
    wire::{Answer, EventStream, Requests},
};

/// Without heartbeats, so that only an event makes nginx write. A test that waits for one in vain ends.
const SILENT: &str = "--heartbeat=1h";

/// A running `fanfare serve --redis`.
struct Node {
    process: Process,
    address: SocketAddr,
}

impl Node {
    fn start(redis: &RedisServer, flag: &str) -> Self {
        let mut command = fanfare();
        command.args(["serve", "--listen", "127.0.0.1:0", "--redis", &redis.url(), flag]);
        let mut process = Process::start(&mut command);
        let address = process.url().trim_start_matches("http://").parse().unwrap();
        if !process.seen().iter().any(|line| line.contains("linked to Redis")) {
            process.line_with("linked to Redis");
        }
        Self { process, address }
    }
}

/// The whole example.
struct Site {
    nginx: Nginx,
    nodes: Vec<Node>,
    redis: RedisServer,
}

impl Site {
    fn start(flag: &str, replacements: &[Replacement<'_>]) -> Self {
        let redis = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
        let nodes = [Node::start(&redis, flag), Node::start(&redis, flag)];
        let nginx = Nginx::start([nodes[0].address, nodes[1].address], replacements);
        Self { nginx, nodes: nodes.into(), redis }
    }

    /// Opens a stream through nginx.
    fn stream(&self, path: &str, last_event_id: Option<&str>) -> EventStream {
        EventStream::open(self.nginx.address, path, last_event_id).unwrap()
    }

    /// Opens a stream of this client. Returns it and the number of its node, which two events tell.
    #[track_caller]
    fn stream_of(&self, client: &str, path: &str) -> (EventStream, usize) {
        let mut stream = self.stream(&format!("{path}?id={client}"), None);
        let mut has = self.nodes.iter().map(|node| {
            let answer = post(node.address, &format!("/clients/{client}?wait=written"), "where is it?");
            assert_eq!(data(&mut stream), "where is it?");
            answer.json()["matched"] == 1
        });
        let has = [has.next().unwrap(), has.next().unwrap()];
        assert!(has[0] != has[1], "one node has it: {has:?}");
        (stream, usize::from(has[1]))
    }
}

/// Sends one request on a new connection.
fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    Requests::open(address).unwrap().post(path, &[], body).unwrap()
}

/// The data of the next event.
#[track_caller]
fn data(stream: &mut EventStream) -> String {
    stream.next().unwrap().expect("the stream goes on").event.data
}
