//! [`Sentinels`]: a primary, its replica, and three sentinels that make the replica primary when the primary is dead.

use std::time::{Duration, Instant};

use super::{RedisServer, until};

/// The sentinels' name of the primary.
const NAME: &str = "fanfare";

/// After which a failover that has come no further is given up.
const FAILOVER_TIME: Duration = Duration::from_secs(3);

/// All of them; they are killed when this is dropped.
pub(crate) struct Sentinels {
    sentinels: Vec<RedisServer>,
    servers: [RedisServer; 2],
    /// Index of the server that is primary.
    primary: usize,
}

impl Sentinels {
    /// Waits until a failover would succeed.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let args = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
        let primary = RedisServer::start(&args);
        let of_primary = ["--replicaof", &format!("127.0.0.1 {}", primary.port())];
        let replica = RedisServer::start(&[&args, &of_primary[..]].concat());
        until("the replica has a copy", || replica.info("master_link_status") == "up");
        // Two candidates and three voters: there is always a majority. A third candidate would now and then make it none,
        // and the next try is seconds away.
        // A machine that stands still for a moment makes none of the servers dead.
        let down_after_ms = [3000, 3000, 4500];
        let sentinels = down_after_ms.map(|ms| start_sentinel(primary.port(), ms)).into();
        let all = Self { sentinels, servers: [primary, replica], primary: 0 };
        all.until_ready();
        all
    }

    /// `redis-sentinel://127.0.0.1:P1,127.0.0.1:P2,127.0.0.1:P3?master=fanfare`
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis-sentinel://{}?master={NAME}", hosts.join(","))
    }

    pub(crate) fn primary(&self) -> &RedisServer {
        &self.servers[self.primary]
    }

    pub(crate) fn primary_mut(&mut self) -> &mut RedisServer {
        &mut self.servers[self.primary]
    }

    /// The server that is not primary now: after [`failover`](Self::failover) it is the dead one.
    pub(crate) fn replica(&self) -> &RedisServer {
        &self.servers[1 - self.primary]
    }

    pub(crate) fn replica_mut(&mut self) -> &mut RedisServer {
        &mut self.servers[1 - self.primary]
    }

    pub(crate) fn sentinels(&mut self) -> &mut [RedisServer] {
        &mut self.sentinels
    }

    /// Kills the primary and waits until the other server is it.
    #[track_caller]
    pub(crate) fn failover(&mut self) {
        self.primary_mut().kill();
        self.until_other();
    }

    /// Makes the other server primary as an operator does, while both run; waits until the old one is its replica.
    #[track_caller]
    pub(crate) fn switch_over(&mut self) {
        self.sentinels[0].call(&["SENTINEL", "FAILOVER", NAME]).ok();
        // On a busy machine it may be given up, and nobody begins it anew.
        let (port, start) = (i64::from(self.replica().port()), Instant::now());
        let mut begun = 1;
        until("the sentinel names the other server", || {
            if start.elapsed() > begun * FAILOVER_TIME {
                begun += 1;
                // While one is under way this is an error.
                self.sentinels[0].call(&["SENTINEL", "FAILOVER", NAME]);
            }
            named_port(&self.sentinels[0]) == port
        });
        self.until_other();
        until("the old primary follows the new one", || has_role(self.replica(), "slave"));
        self.until_ready();
    }

    /// Starts the server that was killed in a failover, as a replica of the primary, and waits until it follows it.
    /// (Started with [`restart`](RedisServer::restart) it takes itself for a primary, until the sentinels tell it, after
    /// three seconds.)
    #[track_caller]
    pub(crate) fn restart_replica(&mut self) {
        let primary = format!("127.0.0.1 {}", self.primary().port());
        self.replica_mut().set_argument("--replicaof", &primary);
        self.replica_mut().restart();
        until("it follows the primary", || has_role(self.replica(), "slave"));
        self.until_ready();
    }

    #[track_caller]
    fn until_other(&mut self) {
        self.primary = 1 - self.primary;
        let port = i64::from(self.primary().port());
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.is_running()) {
            until("the sentinel names the other server", || named_port(sentinel) == port);
        }
        until("it is primary", || has_role(self.primary(), "master"));
    }

    /// A sentinel that does not know the others or the replica yet could not bring about a failover.
    #[track_caller]
    fn until_ready(&self) {
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.is_running()) {
            until("the sentinel knows all", || {
                let master = sentinel.call(&["SENTINEL", "MASTER", NAME]);
                let replicas = sentinel.call(&["SENTINEL", "REPLICAS", NAME]);
                let follows = |replica: &super::Reply| {
                    replica.field("flags").text() == "slave" && replica.field("master-link-status").text() == "ok"
                };
                master.field("flags").text() == "master"
                    && master.field("num-other-sentinels").int() == 2
                    && matches!(replicas.items(), [replica] if follows(replica))
            });
        }
    }
}

/// Of the server that it takes for the primary.
#[track_caller]
fn named_port(sentinel: &RedisServer) -> i64 {
    sentinel.call(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).items()[1].int()
}

#[track_caller]
fn start_sentinel(primary: u16, down_after_ms: u32) -> RedisServer {
    let sentinel = RedisServer::start_sentinel(&format!(
        "sentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
         sentinel down-after-milliseconds {NAME} {down_after_ms}\n\
         sentinel failover-timeout {NAME} {}\n",
        FAILOVER_TIME.as_millis()
    ));
    // They ask more often than usual. What they tell each other takes a third of its usual time; after four times that
    // they undo the promotion of a server that nobody told them of, and it takes up to 1 s to see that it happened.
    // A replica of a dead primary tells of itself once a second, and is not promoted if that was five pings ago; a ping
    // period, and what a busy machine adds, has to fit into the time after which a server counts as dead.
    let often = ["info-period", "200", "ask-period", "200", "publish-period", "700", "ping-period", "400"];
    // A machine that is slow for seconds makes none of them stop work, which they call TILT.
    let patient = ["tilt-trigger", "20000", "tilt-period", "100"];
    sentinel.call(&[&["SENTINEL", "DEBUG"], &often[..], &patient].concat()).ok();
    sentinel
}

/// Sentinels close all connections to a server whose role they change, so it may give no answer.
fn has_role(server: &RedisServer, role: &str) -> bool {
    server.try_call(&["ROLE"]).is_ok_and(|answer| answer.items()[0].text() == role)
}
