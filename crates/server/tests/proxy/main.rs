//! The example of two nodes, Redis and nginx: what reaches a client through Debian's nginx while all runs, while a node ends
//! and when none is left. [`passing_on`] is what nginx asks a node, and asks another one again.
//!
//! [`fronts`] is one node behind each of five proxies, with the files of examples/proxies.

mod batch;
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

/// Nothing but an event can make nginx write; and a test that waits for one in vain ends.
const SILENT: &str = "--heartbeat=1h";

/// One `fanfare serve --redis`.
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

/// All of the example.
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

    /// A stream through nginx.
    fn stream(&self, path: &str, last_event_id: Option<&str>) -> EventStream {
        EventStream::open(self.nginx.address, path, last_event_id).unwrap()
    }

    /// A new stream of this client, and the number of the node that has it. It gets two events for that.
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

/// One request on a connection of its own.
fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    Requests::open(address).unwrap().post(path, &[], body).unwrap()
}

/// The data of the next event.
#[track_caller]
fn data(stream: &mut EventStream) -> String {
    stream.next().unwrap().expect("the stream goes on").event.data
}
