//! [`Serve`]: all settings together. Checks whether the server can run with them, and converts them for the server.

use std::{net::SocketAddr, num::NonZero, path::PathBuf, thread::available_parallelism};

use fanfare_core::{Policy, Retentions};
use fanfare_http::{Config, Outlet};
use humantime::format_duration;

use super::{
    connections::{Connections, OutletArg},
    derived::Derived,
    flags::{Flags, PolicyArg},
    limits::Limits,
    memory::Memory,
    redis::Within,
    tls::Sources,
    value::{ms, size_text},
};

/// Descriptors that clients do not get: for the journal's files, links to Redis, the listener, the log and the signals,
/// and for each thread's wait on its sockets. If the system allows few, they are half of them.
const DESCRIPTORS_KEPT: u64 = 64;
const DESCRIPTORS_KEPT_PER_SHARD: u64 = 4;

/// Sockets that streams leave to other requests. If there are few, a quarter of them.
const SOCKETS_KEPT_FROM_STREAMS: usize = 64;

/// All settings together.
#[derive(Clone, Debug)]
pub(crate) struct Serve {
    pub(super) flags: Flags,
    pub(super) limits: Limits,
    pub(super) memory: Memory,
}

impl Serve {
    /// Whether to print the settings instead of serving.
    pub(crate) fn is_check(&self) -> bool {
        self.flags.check
    }

    /// The filter of the log.
    pub(crate) fn log(&self) -> &str {
        &self.flags.log
    }

    /// Checks rules on several settings. `listen` has the addresses of the listeners.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self, listen: &[Option<SocketAddr>]) -> Result<(), String> {
        let open = listen.iter().flatten().find(|listen| !listen.ip().is_loopback());
        match &self.flags.publish_key {
            Some(key) if key.is_empty() => {
                return Err("--publish-key (FANFARE_PUBLISH_KEY) is empty: give a key, or leave it out".to_owned());
            }
            Some(key) if key.len() > fanfare_http::PUBLISH_KEY_BYTES_MAX => {
                let max = fanfare_http::PUBLISH_KEY_BYTES_MAX;
                return Err(format!("--publish-key (FANFARE_PUBLISH_KEY) is longer than {max} bytes"));
            }
            // Any other character could not be sent in a header unchanged.
            Some(key) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err("--publish-key (FANFARE_PUBLISH_KEY) may hold only visible ASCII characters, \
                            without spaces"
                    .to_owned());
            }
            None if let Some(listen) = open
                && !self.flags.allow_anonymous_publish =>
            {
                return Err(format!(
                    "other machines can reach {listen}, and anybody could publish there: set --publish-key, \
                     or give --allow-anonymous-publish if that is meant, or listen on a loopback address"
                ));
            }
            _ => {}
        }
        let Connections { retry_min, retry_max, .. } = &self.limits.connections;
        if retry_min > retry_max {
            let (min, max) = (format_duration(*retry_min), format_duration(*retry_max));
            return Err(format!("[limits]: retry-min ({min}) is longer than retry-max ({max})"));
        }
        let (all, one) = (self.derived().bodies, self.flags.body_bytes);
        if all < one {
            return Err(format!(
                "[limits]: bodies-bytes ({all}) is less than body-bytes ({one}): no such body would fit"
            ));
        }
        self.check_redis()
    }

    /// Checks Redis with our own error, which must not repeat the password.
    fn check_redis(&self) -> Result<(), String> {
        let address = self.flags.redis.address().map_err(|error| format!("--redis (FANFARE_REDIS): {error}"))?;
        if address.is_some() && self.flags.journal.path().is_some() {
            return Err("--redis and --journal: the events of several nodes are kept by Redis; leave one of them out"
                .to_owned());
        }
        if address.is_none() && self.flags.redis.subscribes() {
            return Err("--redis-subscribe needs --redis".to_owned());
        }
        if address.is_some() && self.flags.clock.is_some() && self.limits.events.idempotency_keys == 0 {
            return Err(
                "--clock with --redis needs idempotency-keys under [limits]: without them each node would tick"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Number of shards.
    pub(crate) fn shards(&self) -> usize {
        self.flags.shards.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from)
    }

    /// Most streams for a process that may open this many descriptors.
    pub(crate) fn connections_max(&self, descriptors: u64) -> usize {
        let over_h2 = u64::from(self.limits.connections.h2_streams_total);
        let all = || (self.sockets_max(descriptors) as u64).saturating_add(over_h2);
        usize::try_from(self.flags.connections_max.unwrap_or_else(all)).unwrap_or(usize::MAX)
    }

    /// Most sockets of clients for such a process.
    pub(crate) fn sockets_max(&self, descriptors: u64) -> usize {
        let set = self.limits.connections.sockets_max;
        set.map_or_else(|| self.sockets_by_default(descriptors), |max| usize::try_from(max).unwrap_or(usize::MAX))
    }

    fn sockets_by_default(&self, descriptors: u64) -> usize {
        let kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_PER_SHARD * self.shards() as u64;
        usize::try_from((descriptors - kept.min(descriptors / 2)).max(1)).unwrap_or(usize::MAX)
    }

    /// Most streams over HTTP/1 for such a process. Each has a socket.
    pub(crate) fn h1_streams_max(&self, descriptors: u64) -> usize {
        let sockets = self.sockets_max(descriptors).min(self.sockets_by_default(descriptors));
        self.connections_max(descriptors).min(sockets - SOCKETS_KEPT_FROM_STREAMS.min(sockets / 4))
    }

    /// The limits in bytes, from the memory or as set.
    pub(super) fn derived(&self) -> Derived {
        Derived::new(self.memory, &self.limits, self.flags.body_bytes, self.shards())
    }

    /// A log line on the memory for events and its source.
    pub(crate) fn told_memory(&self) -> String {
        let (bytes, reason) = (size_text(self.memory.bytes), self.memory.reason());
        format!("memory for events: {bytes} ({reason}): {}", self.derived())
    }

    /// The journal's directory and settings, if there is one.
    pub(crate) fn journal(&self) -> Option<(PathBuf, fanfare_disk::Config)> {
        let targets_max = self.retentions().targets_max;
        self.flags.journal.path().map(|path| (path, self.flags.journal.config(targets_max)))
    }

    /// The settings of the Stream, if there is one.
    pub(crate) fn redis(&self) -> Option<fanfare_redis::Config> {
        let address = self.flags.redis.address().ok().flatten()?;
        let within = Within {
            events_max: self.limits.events.redis_events,
            message_bytes_max: self.flags.body_bytes,
            keys_max: usize::try_from(self.limits.events.idempotency_keys).unwrap_or(usize::MAX),
            keys_ms: ms(self.flags.idempotency_window),
        };
        Some(self.flags.redis.config(address, within))
    }

    /// The port that browsers are sent to from plain HTTP, if they are. `bound` is the port of the listener for https.
    pub(crate) fn https_port(&self, bound: u16) -> Option<u16> {
        self.flags.tls.https_port(bound)
    }

    /// Where the certificates come from, if https is spoken.
    pub(crate) fn tls(&self) -> Option<Sources> {
        let listen = self.flags.tls.listen(&self.flags.listen)?;
        Some(self.flags.tls.sources(&listen, &self.limits.connections))
    }

    fn retentions(&self) -> Retentions {
        self.flags.history.retentions(self.derived().history, self.limits.events.history_targets)
    }

    /// The settings of the HTTP server, for a process that may open this many descriptors.
    pub(crate) fn config(&self, descriptors: u64) -> Config {
        let (flags, derived) = (&self.flags, self.derived());
        let Limits { events, requests, connections } = &self.limits;
        Config {
            core: fanfare_core::Config {
                shards: self.shards(),
                connections_max: self.connections_max(descriptors),
                ring_messages_max: usize::from(events.ring_messages),
                ring_bytes_max: events.ring_bytes,
                hub_ring_bytes_max: derived.rings,
                inbox_messages_max: usize::try_from(events.inbox_messages).unwrap_or(usize::MAX),
                inbox_bytes_max: derived.inbox,
                patience_ms: ms(events.patience),
                heartbeat_ms: ms(flags.heartbeat),
                write_timeout_ms: ms(connections.write_timeout),
                input_bytes_max: requests.input_bytes,
                drain_spread_ms: ms(connections.drain_spread),
                history: self.retentions(),
                reads_max: usize::from(events.catch_up_reads),
                idempotency_ms: ms(flags.idempotency_window),
                idempotency_keys_max: usize::try_from(events.idempotency_keys).unwrap_or(usize::MAX),
                ..fanfare_core::Config::default()
            },
            policy: match flags.policy {
                PolicyArg::Repair => Policy::Repair,
                PolicyArg::DropNewest => Policy::DropNewest,
                PolicyArg::DropOldest => Policy::DropOldest,
                PolicyArg::Close => Policy::Close,
            },
            h1_outlet: outlet(connections.h1_outlet),
            h2_outlet: outlet(connections.h2_outlet),
            head_bytes_max: requests.head_bytes,
            head_timeout: requests.head_timeout,
            keep_alive_timeout: connections.keep_alive_timeout,
            idle_connections_max: usize::try_from(connections.idle_connections_max).unwrap_or(usize::MAX),
            body_bytes_max: flags.body_bytes,
            body_idle_timeout: requests.body_idle_timeout,
            body_timeout: requests.body_timeout,
            batch_idle_timeout: requests.batch_idle_timeout,
            bodies_bytes_max: derived.bodies,
            channels_max: usize::from(requests.channels_max),
            retry_ms: ms(connections.retry_min)..=ms(connections.retry_max),
            send_buffer_bytes: connections.send_buffer_bytes,
            send_buffers_bytes_max: derived.send_buffers,
            sockets_max: self.sockets_max(descriptors),
            publish_key: flags.publish_key.clone(),
            cors_origins: flags.cors_origins.clone(),
            public_hosts: flags.public_hosts.iter().chain(flags.tls.acme_domains()).cloned().collect(),
            h2_streams_max: connections.h2_streams,
            h2_streams_total_max: usize::try_from(connections.h2_streams_total).unwrap_or(usize::MAX),
            h2_send_buffer_bytes: connections.h2_send_buffer_bytes,
            h2_ping_interval: connections.h2_ping_interval,
            clock: flags.clock,
            ready_timeout: requests.ready_timeout,
            drain_delay: flags.drain_delay,
            drain_timeout: flags.drain_timeout,
            https_port: None,
        }
    }
}

fn outlet(arg: OutletArg) -> Outlet {
    match arg {
        OutletArg::Socket => Outlet::Socket,
        OutletArg::Body => Outlet::Body,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args as _, Command, FromArgMatches};

    use fanfare_core::{Pattern, Retention};

    use super::*;
    use crate::settings::limits;

    fn parsed<T: FromArgMatches>(command: Command, arguments: &[&str]) -> T {
        let command = command.mut_args(|arg| arg.env(None::<&'static str>));
        T::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
    }

    /// Settings with these flags, these limits, and 2GiB of memory.
    fn serve(flags: &[&str], limits: &[&str]) -> Serve {
        let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
        let (flags, limits) = (parsed::<Flags>(command, flags), parsed(limits::definition(), limits));
        let memory = Memory::new(flags.memory.or(Some(2 << 30)), || None);
        Serve { flags, limits, memory }
    }

    fn check(serve: &Serve) -> Result<(), String> {
        serve.check(&[serve.flags.listen.resolve("--listen")?])
    }

    #[test]
    fn defaults_are_those_of_the_server() {
        let serve = serve(&["--shards=2"], &[]);
        let sockets_max = 1_000_000 - 64 - 4 * 2;
        let mut expected = Config { sockets_max, ..Config::default() };
        expected.core.shards = 2;
        expected.core.connections_max = sockets_max + 65_536;
        // These follow from the memory. A program that embeds the server sets its own.
        expected.core.history.bytes_max = 1 << 30;
        expected.core.hub_ring_bytes_max = 512 << 20;
        expected.core.inbox_bytes_max = 32 << 20;
        expected.bodies_bytes_max = 128 << 20;
        expected.send_buffers_bytes_max = 1 << 30;
        assert_eq!(format!("{:?}", serve.config(1_000_000)), format!("{expected:?}"));
    }

    #[test]
    fn what_is_set_wins_over_what_follows_from_the_memory() {
        let limits = ["--hub-history-bytes=1", "--hub-ring-bytes=2", "--inbox-bytes=3", "--bodies-bytes=4MiB"];
        for memory in ["--memory=16MiB", "--memory=1GiB"] {
            let Derived { history, rings, inbox, bodies, send_buffers } = serve(&[memory], &limits).derived();
            assert_eq!((history, rings, inbox, bodies), (1, 2, 3, 4 << 20));
            assert_eq!(send_buffers, if memory.ends_with("1GiB") { 512 << 20 } else { 16 << 20 });
        }
        assert_eq!(serve(&[], &["--send-buffers-bytes=64KiB"]).derived().send_buffers, 64 << 10);
    }

    #[test]
    fn a_body_of_the_size_that_is_allowed_always_fits() {
        let small = ["--memory=16MiB", "--body-bytes=64MiB"];
        assert_eq!(serve(&small, &[]).derived().bodies, 64 << 20);
        assert_eq!(check(&serve(&small, &[])), Ok(()));
        assert!(check(&serve(&small, &["--bodies-bytes=63MiB"])).unwrap_err().contains("bodies-bytes"));
    }

    #[test]
    fn there_is_room_for_a_stream_with_few_descriptors_too() {
        assert_eq!(serve(&["--shards=2"], &[]).sockets_max(1_000), 928);
        assert_eq!(serve(&["--shards=2"], &[]).sockets_max(144), 72);
        assert_eq!(serve(&[], &[]).sockets_max(64), 32);
        assert_eq!(serve(&[], &[]).sockets_max(1), 1);
        assert_eq!(serve(&[], &["--sockets-max=7"]).sockets_max(64), 7);
        assert_eq!(serve(&[], &["--h2-streams-total=8"]).connections_max(64), 40);
        assert_eq!(serve(&["--connections-max=7"], &[]).connections_max(64), 7);
    }

    #[test]
    fn streams_over_http_1_have_what_requests_and_the_system_leave() {
        for (connections, sockets, descriptors, streams) in [
            (None, None, 64, 24),
            (None, None, 1_000, 928 - 64),
            (None, Some("--sockets-max=100000"), 64, 24),
            (Some("--connections-max=7"), None, 64, 7),
            (None, Some("--sockets-max=8"), 1_000, 6),
            (None, None, 1, 1),
        ] {
            let flags: Vec<_> = ["--shards=2"].into_iter().chain(connections).collect();
            let limits: Vec<_> = sockets.into_iter().collect();
            let max = serve(&flags, &limits).h1_streams_max(descriptors);
            assert_eq!(max, streams, "{flags:?} {limits:?} {descriptors}");
        }
    }

    #[test]
    fn every_setting_reaches_the_stream() {
        let given = [
            "--redis=redis://u:secret@host:1/2",
            "--redis-stream=name",
            "--redis-bytes=4MiB",
            "--redis-timeout=5s",
            "--redis-wait-replicas=6",
            "--redis-subscribe=a.*,b",
            "--body-bytes=7",
            "--idempotency-window=9s",
        ];
        let config = serve(&given, &["--redis-events=3000", "--idempotency-keys=8"]).redis().unwrap();
        assert_eq!(config.address.to_string(), "redis://u:***@host:1/2");
        assert_eq!((config.name.to_string().as_str(), config.events_max, config.bytes_max), ("name", 3_000, 4 << 20));
        assert_eq!((config.timeout, config.replicas), (Duration::from_secs(5), 6));
        assert_eq!(config.subscribe.iter().map(Pattern::as_str).collect::<Vec<_>>(), ["a.*", "b"]);
        assert_eq!((config.message_bytes_max, config.keys_max, config.keys_ms), (7, 8, 9_000));
        assert!(serve(&[], &[]).redis().is_none());
    }

    #[test]
    fn what_does_not_go_together_with_redis_is_refused_without_the_password() {
        let both = check(&serve(&["--redis=redis://:secret@host", "--journal=/x"], &[])).unwrap_err();
        assert!(both.contains("--redis") && both.contains("--journal") && !both.contains("secret"), "{both}");
        let tick = check(&serve(&["--redis=redis://host", "--clock=1s"], &["--idempotency-keys=0"])).unwrap_err();
        assert!(tick.contains("--clock"), "{tick}");
        assert!(check(&serve(&["--redis-subscribe=a"], &[])).unwrap_err().contains("needs --redis"));
        let wrong = check(&serve(&["--redis=http://:secret@host"], &[])).unwrap_err();
        assert!(wrong.contains("FANFARE_REDIS") && wrong.contains("redis://") && !wrong.contains("secret"), "{wrong}");
    }

    #[test]
    fn every_setting_reaches_the_server() {
        let flags = [
            "--connections-max=5",
            "--shards=3",
            "--public-host=a.org,b.org",
            "--publish-key=k",
            "--cors-origin=*",
            "--body-bytes=2MiB",
            "--clock=5s",
            "--heartbeat=6s",
            "--policy=close",
            "--drain-delay=41s",
            "--drain-timeout=22s",
            "--history-events=25",
            "--history-bytes=26",
            "--history-age=27s",
            "--history-channel=a.*=events:28",
            "--history-channel=b=bytes:29 age:30s,c=age:31s",
            "--idempotency-window=35s",
        ];
        let limits = [
            "--sockets-max=42",
            "--h2-streams-total=43",
            "--body-idle-timeout=3s",
            "--body-timeout=44s",
            "--bodies-bytes=4MiB",
            "--retry-min=7s",
            "--retry-max=8s",
            "--write-timeout=9s",
            "--h1-outlet=body",
            "--h2-outlet=body",
            "--ring-messages=10",
            "--ring-bytes=11",
            "--hub-ring-bytes=12",
            "--inbox-messages=13",
            "--inbox-bytes=14",
            "--patience=24s",
            "--head-bytes=15KiB",
            "--head-timeout=16s",
            "--keep-alive-timeout=38s",
            "--idle-connections-max=39",
            "--channels-max=17",
            "--input-bytes=18",
            "--send-buffer-bytes=19KiB",
            "--send-buffers-bytes=45KiB",
            "--h2-streams=20",
            "--h2-send-buffer-bytes=21KiB",
            "--h2-ping-interval=46s",
            "--drain-spread=23s",
            "--hub-history-bytes=32",
            "--history-targets=33",
            "--catch-up-reads=34",
            "--idempotency-keys=36",
            "--ready-timeout=37s",
            "--batch-idle-timeout=40s",
        ];
        let second = Duration::from_secs;
        let each = Retention { events_max: 25, bytes_max: 26, age_ms_max: 27_000 };
        let channels = [
            ("a.*", Retention { events_max: 28, ..each }),
            ("b", Retention { bytes_max: 29, age_ms_max: 30_000, ..each }),
            ("c", Retention { age_ms_max: 31_000, ..each }),
        ];
        let pattern = |(text, retention)| (Pattern::new(text).unwrap(), retention);
        let config = serve(&flags, &limits).config(1_000);
        let expected = Config {
            core: fanfare_core::Config {
                connections_max: 5,
                shards: 3,
                ring_messages_max: 10,
                ring_bytes_max: 11,
                hub_ring_bytes_max: 12,
                inbox_messages_max: 13,
                inbox_bytes_max: 14,
                patience_ms: 24_000,
                heartbeat_ms: 6_000,
                write_timeout_ms: 9_000,
                input_bytes_max: 18,
                drain_spread_ms: 23_000,
                history: Retentions {
                    each,
                    channels: channels.into_iter().map(pattern).collect(),
                    bytes_max: 32,
                    targets_max: 33,
                },
                reads_max: 34,
                idempotency_ms: 35_000,
                idempotency_keys_max: 36,
                ..fanfare_core::Config::default()
            },
            policy: Policy::Close,
            h1_outlet: Outlet::Body,
            h2_outlet: Outlet::Body,
            head_bytes_max: 15 << 10,
            head_timeout: second(16),
            keep_alive_timeout: second(38),
            idle_connections_max: 39,
            body_bytes_max: 2 << 20,
            body_idle_timeout: second(3),
            body_timeout: second(44),
            batch_idle_timeout: second(40),
            bodies_bytes_max: 4 << 20,
            channels_max: 17,
            retry_ms: 7_000..=8_000,
            send_buffer_bytes: 19 << 10,
            send_buffers_bytes_max: 45 << 10,
            sockets_max: 42,
            publish_key: Some("k".to_owned()),
            cors_origins: vec!["*".to_owned()],
            public_hosts: vec!["a.org".to_owned(), "b.org".to_owned()],
            h2_streams_max: 20,
            h2_streams_total_max: 43,
            h2_send_buffer_bytes: 21 << 10,
            h2_ping_interval: second(46),
            clock: Some(second(5)),
            ready_timeout: second(37),
            drain_delay: second(41),
            drain_timeout: second(22),
            https_port: None,
        };
        assert_eq!(format!("{config:?}"), format!("{expected:?}"));
    }
}
