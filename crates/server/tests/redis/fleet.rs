//! [`Nodes`]: the nodes of the traffic test, which are killed, cut off and started again.

use std::{thread, time::Duration};

use crate::{
    rig::{Proxy, RedisServer},
    site::Site,
    support::{server::Server, settings::limits},
};

pub(crate) const NODES: usize = 3;
/// Flags with which no event is given up, streams tell their position often, and slow clients are repaired.
const FLAGS: [&str; 6] = [
    // What is silent is silent for longer now and then.
    "--redis-timeout=500ms",
    "--redis-bytes=2GiB",
    "--history-events=1000000",
    "--history-bytes=1GiB",
    "--history-age=1d",
    "--shards=2",
];
const LIMITS: [&str; 6] = [
    "redis-events = 1000000",
    "hub-history-bytes = '2GiB'",
    "retry-min = '1ms'",
    "retry-max = '1ms'",
    "drain-spread = '0s'",
    "ring-messages = 16",
];

/// The fault of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Node,
    /// A node ends in order.
    Stop,
    Redis,
    /// Redis is killed too. The node comes back first.
    Both,
    /// A node's connections to Redis end.
    Cut,
    /// A node's connections to Redis are silent.
    Stall,
}

/// Starts a node that may not be ready yet.
pub(crate) fn start(url: &str) -> Server {
    Server::unready_node(url, &[&FLAGS[..], &[&limits(&LIMITS)]].concat())
}

/// All nodes. A node that ends is started again.
pub(crate) struct Nodes<'a> {
    site: &'a Site,
    /// One between each node and Redis.
    proxies: Vec<Proxy>,
    pub(crate) servers: Vec<Server>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn start(site: &'a Site, redis: &RedisServer) -> Self {
        let proxies: Vec<_> = (0..NODES).map(|_| Proxy::start(redis.port())).collect();
        let servers = proxies.iter().map(|proxy| start(&proxy.url())).collect();
        let nodes = Self { site, proxies, servers };
        (0..NODES).for_each(|node| nodes.announce(node));
        nodes
    }

    /// Ends a node with this signal. Its successor may not be ready yet.
    pub(crate) fn end(&mut self, node: usize, signal: &str) {
        self.site.retract(node);
        let next = start(&self.proxies[node].url());
        check_log(&std::mem::replace(&mut self.servers[node], next).end(signal));
    }

    /// Breaks the link between a node and Redis. The node's clients stay connected.
    pub(crate) fn break_network(&self, node: usize, fault: Fault, time: Duration) {
        match fault {
            Fault::Cut => self.proxies[node].cut(),
            _ => self.proxies[node].stall(),
        }
        thread::sleep(time);
        self.proxies[node].mend();
    }

    pub(crate) fn announce(&self, node: usize) {
        self.servers[node].until_ready();
        self.site.announce(node, self.servers[node].address);
    }
}

#[track_caller]
pub(crate) fn check_log(lines: &[String]) {
    let complaint = lines.iter().find(|line| ["panicked", "skipped"].iter().any(|word| line.contains(word)));
    assert_eq!(complaint, None, "{lines:#?}");
}
