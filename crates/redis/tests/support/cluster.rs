//! [`Cluster`]: three primaries that share the slots, and replicas where a test wants them.

use std::time::{Duration, Instant};

use super::{RedisServer, Reply, Tls, free_port, until};

/// As the cluster specification says.
const SLOTS: u32 = 16_384;

/// After which a node that is silent counts as dead.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);

/// All nodes; they are killed when this is dropped.
pub(crate) struct Cluster {
    nodes: Vec<RedisServer>,
}

impl Cluster {
    /// Waits until every node knows who has which slot.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::of((0..3).map(|_| start_node()).collect(), RedisServer::port)
    }

    /// The same, and all is spoken in TLS.
    #[track_caller]
    pub(crate) fn start_tls(tls: &Tls) -> Self {
        let start = |_| {
            let bus = free_port().to_string();
            let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--tls-cluster", "yes"];
            RedisServer::start_tls(tls, &cluster)
        };
        Self::of((0..3).map(start).collect(), RedisServer::tls_port)
    }

    /// Lets the nodes meet at `port`.
    #[track_caller]
    fn of(nodes: Vec<RedisServer>, port: fn(&RedisServer) -> u16) -> Self {
        let cluster = Self { nodes };
        let count = u32::try_from(cluster.nodes.len()).unwrap();
        for (index, node) in (0..).zip(&cluster.nodes) {
            let [first, last] = [index * SLOTS / count, (index + 1) * SLOTS / count - 1].map(|slot| slot.to_string());
            node.call(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).ok();
            node.call(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]).ok();
        }
        cluster.until_met(port);
        cluster.until_agreed();
        cluster
    }

    /// `redis-cluster://127.0.0.1:P1,127.0.0.1:P2`
    pub(crate) fn url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{},127.0.0.1:{}", self.nodes[0].port(), self.nodes[1].port())
    }

    /// `rediss-cluster://127.0.0.1:P1,127.0.0.1:P2`
    #[track_caller]
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss-cluster://127.0.0.1:{},127.0.0.1:{}", self.nodes[0].tls_port(), self.nodes[1].tls_port())
    }

    /// The first two are those of the URL.
    pub(crate) fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// The primary that has the key.
    #[track_caller]
    pub(crate) fn owner_of(&self, key: &str) -> &RedisServer {
        &self.nodes[self.owner_index(key)]
    }

    #[track_caller]
    pub(crate) fn owner_of_mut(&mut self, key: &str) -> &mut RedisServer {
        let index = self.owner_index(key);
        &mut self.nodes[index]
    }

    /// A primary that does not have it.
    #[track_caller]
    pub(crate) fn other_than_owner_of(&self, key: &str) -> &RedisServer {
        let owner = self.owner_index(key);
        &self.nodes[(0..3).find(|&index| index != owner && self.nodes[index].is_running()).unwrap()]
    }

    /// Moves the slot of the key, with its keys, to another primary, as an operator who evens out a cluster does.
    #[track_caller]
    pub(crate) fn move_slot_of(&self, key: &str) {
        let (from, to) = (self.owner_of(key), self.other_than_owner_of(key));
        let slot = slot_of(from, key).to_string();
        let [from_id, to_id] = [from, to].map(|node| node.call(&["CLUSTER", "MYID"]).text());
        to.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).ok();
        from.call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).ok();
        for key in from.call(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]).items() {
            from.call(&["MIGRATE", "127.0.0.1", &to.port().to_string(), &key.text(), "0", "10000"]).ok();
        }
        for node in [to, from] {
            node.call(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).ok();
        }
        self.until_agreed();
    }

    /// A replica of the primary that has the key; it takes over when that one is dead.
    #[track_caller]
    pub(crate) fn add_replica_of(&mut self, key: &str) -> &RedisServer {
        let owner = self.owner_of(key).call(&["CLUSTER", "MYID"]).text();
        let replica = start_node();
        let mut met = None;
        until("the replica knows its primary", || {
            meet_again(&mut met, &replica, &self.nodes[0], RedisServer::port);
            replica.call(&["CLUSTER", "REPLICATE", &owner]) == Reply::Simple("OK".to_owned())
        });
        until("the replica has a copy", || replica.info("master_link_status") == "up");
        self.nodes.push(replica);
        self.until_agreed();
        self.nodes.last().unwrap()
    }

    /// Kills the primary that has the key and waits until its replica has it.
    #[track_caller]
    pub(crate) fn failover(&mut self, key: &str) {
        let dead = self.owner_of(key).port();
        self.owner_of_mut(key).kill();
        until("the replica has taken over", || {
            self.running().all(|node| owner_port(node, key).is_some_and(|port| port != dead))
        });
        until("all is well without the dead one", || self.running().all(is_well));
    }

    fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    #[track_caller]
    fn owner_index(&self, key: &str) -> usize {
        let node = self.running().next().expect("a node that runs");
        let port = owner_port(node, key).expect("its slot is served");
        self.nodes.iter().position(|node| node.port() == port).expect("a node of this cluster")
    }

    /// Every node knows all the others; they meet at `port`.
    #[track_caller]
    fn until_met(&self, port: fn(&RedisServer) -> u16) {
        let mut met = vec![None; self.nodes.len()];
        until("every node knows all the others", || {
            if self.running().all(|node| known(node) == self.nodes.len()) {
                return true;
            }
            let others = self.nodes[1..].iter().zip(&mut met);
            others.for_each(|(node, met)| meet_again(met, node, &self.nodes[0], port));
            false
        });
    }

    #[track_caller]
    fn until_agreed(&self) {
        until("every node knows all the others", || self.running().all(|node| known(node) == self.nodes.len()));
        until("every node is well", || self.running().all(is_well));
        until("all agree about the slots", || {
            let views: Vec<_> = self.running().map(slots).collect();
            views.windows(2).all(|pair| pair[0] == pair[1])
        });
    }
}

#[track_caller]
fn start_node() -> RedisServer {
    // The usual port of the bus, 10000 above the other, may be taken.
    let (bus, timeout) = (free_port().to_string(), NODE_TIMEOUT.as_millis().to_string());
    let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", &timeout, "--cluster-port", &bus];
    let replication = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
    RedisServer::start(&[&cluster, &replication[..]].concat())
}

/// A node forgets one that it does not come to know within its timeout, which a busy machine may take: then they meet anew.
#[track_caller]
fn meet_again(last: &mut Option<Instant>, node: &RedisServer, other: &RedisServer, port: fn(&RedisServer) -> u16) {
    if last.is_none_or(|last| last.elapsed() > NODE_TIMEOUT) {
        *last = Some(Instant::now());
        meet(node, other, port);
    }
}

#[track_caller]
fn meet(node: &RedisServer, other: &RedisServer, port: fn(&RedisServer) -> u16) {
    let bus = other.call(&["CONFIG", "GET", "cluster-port"]).items()[1].text();
    node.call(&["CLUSTER", "MEET", "127.0.0.1", &port(other).to_string(), &bus]).ok();
}

fn is_well(node: &RedisServer) -> bool {
    let info = node.call(&["CLUSTER", "INFO"]).text();
    info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
}

fn known(node: &RedisServer) -> usize {
    let nodes = node.call(&["CLUSTER", "NODES"]).text();
    nodes.lines().filter(|line| !line.contains("handshake") && !line.contains("noaddr")).count()
}

fn slot_of(node: &RedisServer, key: &str) -> i64 {
    node.call(&["CLUSTER", "KEYSLOT", key]).int()
}

fn owner_port(node: &RedisServer, key: &str) -> Option<u16> {
    let slot = slot_of(node, key);
    slots(node).into_iter().find(|&(first, last, _)| (first..=last).contains(&slot)).map(|(_, _, port)| port)
}

/// First slot, last slot, and the port of the primary.
fn slots(node: &RedisServer) -> Vec<(i64, i64, u16)> {
    let answer = node.call(&["CLUSTER", "SLOTS"]);
    let mut slots: Vec<_> = answer.items().iter().map(range).collect();
    slots.sort_unstable();
    slots
}

fn range(answer: &Reply) -> (i64, i64, u16) {
    let [first, last, primary, ..] = answer.items() else { panic!("no range of slots: {answer:?}") };
    (first.int(), last.int(), u16::try_from(primary.items()[1].int()).unwrap())
}
