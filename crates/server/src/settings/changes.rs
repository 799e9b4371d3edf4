//! [`Change`]: a setting that has another value when the settings are read again. [`Part`]: what takes it.

use serde::Serialize;

use super::{
    derived::Derived,
    events::Events,
    layers::{Settings, Sourced},
    limits::Limits,
    meaning::Serve,
};

/// The part of a server that takes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The filter of the log.
    Log,
    /// The rules of who may do what.
    Access,
    /// How long and how much the history keeps.
    Retention,
    /// What each request is held against: limits, the publish key, origins, and the names of the server.
    Requests,
    /// Everything that is made once, at the start.
    Start,
}

/// Settings of the rules of who may do what. All keys of `[[issuer]]` belong to them.
const OF_ACCESS: [&str; 15] = [
    "token-key",
    "token-issuer",
    "token-audience",
    "token-leeway",
    "token-without-exp",
    "token-cookie",
    "api-keys",
    "public",
    "public-publish",
    "authorize-url",
    "authorize-publish",
    "authorize-header",
    "authorize-timeout",
    "authorize-under-way",
    "authorize-cache",
];
/// Settings of the history.
const OF_RETENTION: [&str; 5] =
    ["history-events", "history-bytes", "history-age", "history-channel", "hub-history-bytes"];
/// Flags that requests are held against. So are most keys of `[limits]`.
const OF_REQUESTS: [&str; 7] =
    ["connections-max", "body-bytes", "memory", "publish-key", "cors-origin", "read-origin", "public-host"];
/// Keys of `[limits]` that something is made of at the start: rings, inboxes, tables and the connections of threads.
const OF_START: [&str; 22] = [
    "ring-messages",
    "ring-bytes",
    "hub-ring-bytes",
    "inbox-messages",
    "inbox-bytes",
    "patience",
    // A journal on disk has made room for its targets.
    "history-targets",
    "catch-up-reads",
    "idempotency-keys",
    "redis-events",
    "head-bytes",
    "input-bytes",
    "h2-streams",
    "h2-ping-interval",
    "h1-outlet",
    "h2-outlet",
    "tls-outlet",
    "tls-handshake-timeout",
    "write-timeout",
    "drain-spread",
    "upgrade-timeout",
    "callers",
];

impl Part {
    fn of(key: &str, is_limit: bool) -> Self {
        match key {
            "log" => Self::Log,
            key if OF_ACCESS.contains(&key) => Self::Access,
            key if OF_RETENTION.contains(&key) => Self::Retention,
            key if OF_START.contains(&key) => Self::Start,
            key if is_limit || OF_REQUESTS.contains(&key) => Self::Requests,
            _ => Self::Start,
        }
    }

    /// Whether a running server takes another value.
    pub(crate) fn can_change(self) -> bool {
        match self {
            Self::Log | Self::Access | Self::Retention | Self::Requests => true,
            Self::Start => false,
        }
    }
}

/// A setting with another value than the one in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The name of the setting, as an operator writes it. Limits and issuers have their table in front.
    pub(crate) setting: String,
    /// What `--check` prints of it, without secrets.
    pub(crate) line: String,
    #[serde(skip)]
    pub(crate) part: Part,
}

impl Settings {
    /// What `new` has otherwise than these settings, for a process that may open this many descriptors, and `before` as many.
    pub(crate) fn changes(&self, new: &Self, before: u64, descriptors: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (old, now, table) in [(&self.flags, &new.flags, ""), (&self.limits, &new.limits, "[limits] ")] {
            for now in now.iter().filter(|now| old.iter().any(|old| old.key == now.key && old.values != now.values)) {
                let (line, _) = new.line(now, descriptors);
                let part = self.serve.part(&now.key, !table.is_empty());
                changes.push(Change { setting: format!("{table}{}", now.key), line: uncommented(&line), part });
            }
        }
        changes.extend(self.derived_changes(new, before, descriptors));
        changes.extend(of_issuers(&self.issuers, &new.issuers));
        changes
    }

    /// The limits that nobody has set, and that follow from another memory, size of bodies, or number of descriptors.
    fn derived_changes(&self, new: &Self, before: u64, descriptors: u64) -> Vec<Change> {
        let (old, now) = (self.serve.derived(), self.serve.derived_of(&new.serve));
        let (sockets_before, sockets) = (self.serve.sockets_max(before), new.serve.sockets_max(descriptors));
        let callers = |serve: &Serve, sockets| serve.limits.callers.callers_max(sockets);
        let limits = [
            ("hub-history-bytes", old.history, now.history),
            ("hub-ring-bytes", old.rings, now.rings),
            ("inbox-bytes", old.inbox, now.inbox),
            ("bodies-bytes", old.bodies, now.bodies),
            ("send-buffers-bytes", old.send_buffers, now.send_buffers),
            ("sockets-max", sockets_before, sockets),
            ("callers", callers(&self.serve, sockets_before), callers(&new.serve, sockets)),
        ];
        let (connections_before, connections) =
            (self.serve.connections_max(before), new.serve.connections_max(descriptors));
        let flags = [("connections-max", connections_before, connections)];
        let changed = |old: &[Sourced], now: &[Sourced], key: &str, table: &str| {
            let of = |all: &'_ [Sourced]| all.iter().find(|sourced| sourced.key == key).cloned();
            let (old, now) = (of(old)?, of(now)?);
            // One that is set has been found before.
            let (line, _) = (old.values == now.values).then(|| new.line(&now, descriptors))?;
            let part = Part::of(key, !table.is_empty());
            Some(Change { setting: format!("{table}{key}"), line: uncommented(&line), part })
        };
        let is_other = |(_, old, now): &(&str, usize, usize)| old != now;
        let limits = limits.into_iter().filter(is_other);
        let limits = limits.filter_map(|(key, ..)| changed(&self.limits, &new.limits, key, "[limits] "));
        let flags = flags.into_iter().filter(is_other);
        limits.chain(flags.filter_map(|(key, ..)| changed(&self.flags, &new.flags, key, ""))).collect()
    }

    /// These settings, with the values of `new` where a running server takes another value.
    ///
    /// # Errors
    /// A sentence: some of them do not go together.
    pub(crate) fn changed_to(&self, new: Self) -> Result<Self, String> {
        let serve = self.serve.changed_to(&new.serve);
        serve
            .check(&[self.listen, self.listen_tls])
            .map_err(|reason| format!("what changes now does not go together with what a restart changes: {reason}"))?;
        let merged = |old: &[Sourced], new: Vec<Sourced>, is_limit| -> Vec<Sourced> {
            let chosen = |new: Sourced| match self.serve.part(&new.key, is_limit).can_change() {
                true => new,
                false => old.iter().find(|old| old.key == new.key).cloned().unwrap_or(new),
            };
            new.into_iter().map(chosen).collect()
        };
        let (flags, limits) = (merged(&self.flags, new.flags, false), merged(&self.limits, new.limits, true));
        Ok(Self { serve, flags, limits, issuers: new.issuers, ..self.clone() })
    }
}

impl Serve {
    /// These settings with those of `new` whose part can change.
    fn changed_to(&self, new: &Self) -> Self {
        let mut changed = self.clone();
        changed.flags.log.clone_from(&new.flags.log);
        changed.flags.access = new.flags.access.clone();
        changed.issuers.clone_from(&new.issuers);
        changed.flags.history = new.flags.history.clone();
        changed.flags.connections_max = new.flags.connections_max;
        changed.flags.memory = new.flags.memory;
        changed.flags.publish_key.clone_from(&new.flags.publish_key);
        changed.flags.cors_origins.clone_from(&new.flags.cors_origins);
        changed.flags.read_origins.clone_from(&new.flags.read_origins);
        changed.flags.public_hosts.clone_from(&new.flags.public_hosts);
        if self.part("body-bytes", false).can_change() {
            changed.flags.body_bytes = new.flags.body_bytes;
        }
        changed.memory = new.memory;
        changed.limits = self.limits_of(&new.limits);
        changed
    }

    /// The limits of `new`, with those of the start as they are.
    fn limits_of(&self, new: &Limits) -> Limits {
        let (Limits { events, requests, connections, callers }, at_start) = (&self.limits, self.derived());
        let mut limits = new.clone();
        limits.events = Events {
            hub_history_bytes: new.events.hub_history_bytes,
            // Those in use, whatever the memory is from now on.
            hub_ring_bytes: Some(at_start.rings),
            inbox_bytes: Some(at_start.inbox),
            ..events.clone()
        };
        limits.requests.head_bytes = requests.head_bytes;
        limits.requests.input_bytes = requests.input_bytes;
        limits.connections.h2_streams = connections.h2_streams;
        limits.connections.h2_ping_interval = connections.h2_ping_interval;
        limits.connections.h1_outlet = connections.h1_outlet;
        limits.connections.h2_outlet = connections.h2_outlet;
        limits.connections.tls_outlet = connections.tls_outlet;
        limits.connections.tls_handshake_timeout = connections.tls_handshake_timeout;
        limits.connections.write_timeout = connections.write_timeout;
        limits.connections.drain_spread = connections.drain_spread;
        limits.connections.upgrade_timeout = connections.upgrade_timeout;
        limits.callers.callers = callers.callers;
        limits
    }

    /// What the limits of `new` derive from, in this server: its shards stay, and its bodies may.
    fn derived_of(&self, new: &Self) -> Derived {
        Derived::new(new.memory, &new.limits, self.changed_to(new).flags.body_bytes, self.shards())
    }

    /// The part that takes the setting `key` in this server.
    fn part(&self, key: &str, is_limit: bool) -> Part {
        match key {
            // The journal in Redis has made room for bodies of this size.
            "body-bytes" if self.redis().is_some() => Part::Start,
            _ => Part::of(key, is_limit),
        }
    }
}

/// The line of a setting that has no value, or a secret one, is a comment.
fn uncommented(line: &str) -> String {
    line.trim_start_matches("# ").to_owned()
}

/// The issuers that are other ones, by their names. Their keys may be secrets, and are not shown.
fn of_issuers(old: &[Vec<Sourced>], new: &[Vec<Sourced>]) -> Vec<Change> {
    let mut names: Vec<&str> = old.iter().chain(new).map(|table| name(table)).collect();
    names.sort_unstable();
    names.dedup();
    let told = |name: &str| match (find(old, name), find(new, name)) {
        (None, Some(_)) => Some("is new"),
        (Some(_), None) => Some("is gone"),
        (old, new) => (old != new).then_some("has changed"),
    };
    let change = |name: &str, told| Change {
        setting: format!("[[issuer]] {name}"),
        line: format!("[[issuer]] {name} {told}"),
        part: Part::Access,
    };
    let mut changes: Vec<_> = names.iter().filter_map(|name| Some(change(name, told(name)?))).collect();
    let in_order = |all: &[Vec<Sourced>]| all.iter().map(|table| name(table).to_owned()).collect::<Vec<_>>();
    if changes.is_empty() && in_order(old) != in_order(new) {
        let (setting, line) = ("[[issuer]]".to_owned(), "[[issuer]] stand in another order".to_owned());
        changes.push(Change { setting, line, part: Part::Access });
    }
    changes
}

/// What the issuer of this name has.
fn find<'a>(all: &'a [Vec<Sourced>], wanted: &str) -> Option<Vec<(&'a str, &'a [String])>> {
    all.iter().find(|table| name(table) == wanted).map(|table| values(table))
}

fn name(table: &[Sourced]) -> &str {
    let name = table.iter().find(|sourced| sourced.key == "name");
    name.and_then(|name| name.values.last()).map_or("", String::as_str)
}

fn values(table: &[Sourced]) -> Vec<(&str, &[String])> {
    table.iter().map(|sourced| (sourced.key.as_str(), sourced.values.as_slice())).collect()
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use clap::{Args as _, Command};

    use super::*;
    use crate::settings::{flags::Flags, limits, samples::serve};

    #[test]
    fn every_name_is_one_of_a_setting() {
        let names = |command: &Command| {
            let names = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        let known = [names(&Flags::augment_args(Command::new("serve"))), names(&limits::definition())].concat();
        for name in OF_ACCESS.into_iter().chain(OF_RETENTION).chain(OF_REQUESTS).chain(OF_START).chain(["log"]) {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn a_setting_belongs_to_one_part() {
        for (key, is_limit, part) in [
            ("log", false, Part::Log),
            ("log-format", false, Part::Start),
            ("api-keys", false, Part::Access),
            ("authorize-cache", true, Part::Access),
            ("history-age", false, Part::Retention),
            ("history-targets", true, Part::Start),
            ("ring-messages", true, Part::Start),
            ("channels-max", true, Part::Requests),
            ("memory", false, Part::Requests),
            ("listen", false, Part::Start),
            ("publish-key", false, Part::Requests),
        ] {
            assert_eq!(Part::of(key, is_limit), part, "{key}");
        }
    }

    #[test]
    fn a_setting_is_taken_or_not_as_its_part_says() {
        let shown = |serve: &Serve| format!("{:?}", serve.config(1_000));
        let old = serve(&[], &[]);
        let mut counts = [0, 0];
        let mut is_as_told = |key: &str, is_limit: bool, new: &Serve| {
            let can_change = Part::of(key, is_limit).can_change();
            let expected = if can_change { shown(new) } else { shown(&old) };
            assert_eq!(shown(&old.changed_to(new)), expected, "{key}");
            counts[usize::from(can_change)] += 1;
        };
        for key in limits::names() {
            // Each kind of value, and none of them is a default.
            for value in ["3333", "33KiB", "31s", "33s", "body", "33/44", "33KiB/44KiB"] {
                let given = format!("--{key}={value}");
                if limits::definition().try_get_matches_from([&given]).is_ok()
                    && shown(&serve(&[], &[&given])) != shown(&old)
                {
                    is_as_told(&key, true, &serve(&[], &[&given]));
                }
            }
        }
        for given in [
            "--connections-max=5",
            "--body-bytes=2MiB",
            "--publish-key=k",
            "--cors-origin=http://a.org",
            "--read-origin=http://a.org",
            "--public-host=a.org",
            "--history-age=27s",
            "--shards=3",
            "--heartbeat=6s",
            "--policy=close",
            "--clock=5s",
            "--drain-timeout=22s",
            "--trusted-proxy=10.0.0.0/8",
        ] {
            let key = given.trim_start_matches("--").split('=').next().unwrap();
            is_as_told(key, false, &serve(&[given], &[]));
        }
        assert!(counts[0] >= 20 && counts[1] >= 30, "{counts:?}");
    }

    #[test]
    fn the_memory_of_rings_and_inboxes_is_that_of_the_start() {
        let (old, new) = (serve(&["--memory=64MiB"], &[]), serve(&["--memory=128MiB"], &[]));
        let (was, wanted, merged) = (old.derived(), new.derived(), old.changed_to(&new).derived());
        assert_eq!((merged.rings, merged.inbox), (was.rings, was.inbox));
        assert_eq!((merged.history, merged.bodies), (wanted.history, wanted.bodies));
        assert_eq!(merged.send_buffers, wanted.send_buffers);
    }

    #[test]
    fn with_redis_the_size_of_bodies_stays() {
        let redis = "--redis=redis://h";
        let (old, new) = (serve(&[redis], &[]), serve(&[redis, "--body-bytes=2MiB"], &[]));
        assert_eq!(old.part("body-bytes", false), Part::Start);
        assert_eq!(old.changed_to(&new).config(9).body_bytes_max, 1 << 20);
    }

    #[test]
    fn an_issuer_that_differs_is_told_by_its_name_and_never_with_its_keys() {
        let sourced = |key: &str, value: &str| Sourced {
            key: key.to_owned(),
            values: vec![value.to_owned()],
            is_list: false,
            is_secret: false,
            source: "file",
            told_default: None,
        };
        let table = |name: &str, key: &str| vec![sourced("name", name), sourced("keys", key)];
        let [a, b, other] = [table("a", "s3cr3t"), table("b", "s3cr3t"), table("a", "s3cr3t-too")];
        let lines = |old: &[Vec<Sourced>], new: &[Vec<Sourced>]| {
            of_issuers(old, new).into_iter().map(|change| change.line).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(lines(&[a.clone(), b.clone()], &[a.clone(), b.clone()]), "");
        assert_eq!(lines(from_ref(&a), &[other, b.clone()]), "[[issuer]] a has changed; [[issuer]] b is new");
        assert_eq!(lines(&[a.clone(), b.clone()], from_ref(&b)), "[[issuer]] a is gone");
        assert_eq!(lines(&[a.clone(), b.clone()], &[b, a]), "[[issuer]] stand in another order");
    }
}
