//! A node: a server with `--redis`, and helpers for tests with several nodes.

use std::process::Command;

use crate::{
    rig::RedisServer,
    support::{fanfare, server::Server, until, wire::Answer},
};

/// The Stream, by its default name.
pub(crate) const STREAM: &str = "{fanfare}:events";
/// Log lines for a Redis that is away, and for one that is back.
pub(crate) const AWAY: &str = "journal unavailable: ";
pub(crate) const BACK: &str = "journal available again";
/// Flags of a Redis that keeps every answered write after a kill.
pub(crate) const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
/// Short, so that streams soon show that they are alive.
const HEARTBEAT: &str = "--heartbeat=20ms";
/// Longer than an answer takes on a busy machine.
const TIMEOUT: &str = "--redis-timeout=10s";
/// Short, so that publishes do not wait long for a silent Redis. Other answers still come in time.
pub(crate) const SHORT_TIMEOUT: &str = "--redis-timeout=2s";

/// `fanfare serve` with this Redis, not yet started.
pub(crate) fn command(url: &str, flags: &[&str]) -> Command {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0", "--redis", url, HEARTBEAT]).args(flags);
    if !flags.iter().any(|flag| flag.starts_with("--redis-timeout")) {
        command.arg(TIMEOUT);
    }
    command
}

impl Server {
    /// Starts a node and waits until it has read all events.
    pub(crate) fn node(url: &str, flags: &[&str]) -> Self {
        let node = Self::unready_node(url, flags);
        node.until_ready();
        node
    }

    /// Starts a node and waits until it listens. The node may not have begun to read.
    pub(crate) fn unready_node(url: &str, flags: &[&str]) -> Self {
        Self::started(&mut command(url, flags))
    }

    pub(crate) fn until_ready(&self) {
        until("the node is ready", || self.get("/readyz").status == 200);
    }

    /// Waits until the node can publish and reports nothing else.
    pub(crate) fn until_well(&self) {
        until("the node is well", || self.get("/readyz").body == "ready\n");
    }

    /// Waits until the node is ready but reports that it cannot publish. Returns the report.
    pub(crate) fn until_ill(&self) -> String {
        let mut answer = None;
        until("the node says what it misses", || {
            let now = self.get("/readyz");
            assert_eq!(now.status, 200, "{now:?}");
            answer = now.body.strip_prefix("ready\n").filter(|more| more.starts_with(AWAY)).map(str::to_owned);
            answer.is_some()
        });
        answer.unwrap()
    }

    /// Waits for a line of the node's log, unless the line has come.
    #[track_caller]
    pub(crate) fn until_logged(&mut self, text: &str) {
        until(text, || self.process.has_said(text));
    }

    /// Repeats a publish until it succeeds. Returns the answer. Any other failure than 503 panics.
    #[track_caller]
    pub(crate) fn publish_at_last(&self, path: &str, headers: &[(&str, &str)], data: &str) -> Answer {
        let mut last = None;
        until("a publish is taken", || {
            let answer = self.post(path, headers, data);
            assert!([202, 503].contains(&answer.status), "{answer:?}");
            let is_taken = answer.status == 202;
            last = Some(answer);
            is_taken
        });
        last.unwrap()
    }
}

/// Checks that the answer leaves open whether the event is published.
#[track_caller]
pub(crate) fn assert_unknown(answer: &Answer) {
    assert!(answer.status == 503 && answer.json()["published"] == "unknown", "{answer:?}");
    assert_problem(answer);
}

/// Checks that the answer refuses the event, without doubt.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer) {
    assert!(answer.status == 503 && answer.json()["published"] != "unknown", "{answer:?}");
    assert_problem(answer);
}

#[track_caller]
fn assert_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert!(answer.header("retry-after").is_some() && answer.json()["status"] == 503, "{answer:?}");
}

/// Checks that all nodes keep exactly these events of a channel.
#[track_caller]
pub(crate) fn assert_kept(nodes: &[&Server], channel: &str, expected: &[(String, String)]) {
    for node in nodes {
        assert_eq!(node.kept(channel), expected, "{}", node.url);
    }
}

/// Asks Redis until its number is enough.
pub(crate) fn until_redis(redis: &RedisServer, command: &[&str], is_enough: impl Fn(i64) -> bool) {
    until(&format!("{command:?}"), || is_enough(redis.call(command).int()));
}
