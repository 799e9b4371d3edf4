//! What the settings mean together: whether they can be served with, and how the server takes them.

use std::{net::SocketAddr, num::NonZero, path::PathBuf, thread::available_parallelism};

use fanfare_core::Policy;
use fanfare_http::{Config, H1Outlet};
use humantime::format_duration;

use super::{H1OutletArg, PolicyArg, Serve, value::ms};

/// Descriptors that are kept from clients: for the files of a journal, links to Redis, the listener, the log and the signals; and
/// for each thread that serves, to wait for its sockets. Where there are few, half of them.
const DESCRIPTORS_KEPT: u64 = 64;
const DESCRIPTORS_KEPT_PER_SHARD: u64 = 4;

/// So many sockets the server keeps from streams for other requests, or a quarter of few.
const SOCKETS_KEPT_FROM_STREAMS: usize = 64;

impl Serve {
    /// What no single setting can tell. `listen` is the address that --listen means.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self, listen: SocketAddr) -> Result<(), String> {
        match &self.publish_key {
            Some(key) if key.is_empty() => {
                return Err("--publish-key (FANFARE_PUBLISH_KEY) is empty: give a key, or leave it out".to_owned());
            }
            Some(key) if key.len() > fanfare_http::PUBLISH_KEY_BYTES_MAX => {
                let max = fanfare_http::PUBLISH_KEY_BYTES_MAX;
                return Err(format!("--publish-key (FANFARE_PUBLISH_KEY) is longer than {max} bytes"));
            }
            // Anything else could not be sent in a header as it is.
            Some(key) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err("--publish-key (FANFARE_PUBLISH_KEY) may hold only visible ASCII characters, \
                            without spaces"
                    .to_owned());
            }
            None if !listen.ip().is_loopback() && !self.allow_anonymous_publish => {
                return Err(format!(
                    "other machines can reach {listen}, and anybody could publish there: set --publish-key, \
                     or give --allow-anonymous-publish if that is meant, or listen on a loopback address"
                ));
            }
            _ => {}
        }
        if self.retry_min > self.retry_max {
            let (min, max) = (format_duration(self.retry_min), format_duration(self.retry_max));
            return Err(format!("--retry-min ({min}) is longer than --retry-max ({max})"));
        }
        if self.bodies_bytes < self.body_bytes {
            let (all, one) = (self.bodies_bytes, self.body_bytes);
            return Err(format!("--bodies-bytes ({all}) is less than --body-bytes ({one}): no such body would fit"));
        }
        self.check_redis()
    }

    /// A sentence of ours, because it must not repeat the password.
    fn check_redis(&self) -> Result<(), String> {
        let address = self.redis.address().map_err(|error| format!("--redis (FANFARE_REDIS): {error}"))?;
        if address.is_some() && self.journal.path().is_some() {
            return Err("--redis and --journal: the events of several nodes are kept by Redis; leave one of them out"
                .to_owned());
        }
        if address.is_none() && self.redis.subscribes() {
            return Err("--redis-subscribe needs --redis".to_owned());
        }
        if address.is_some() && self.clock.is_some() && self.idempotency_keys == 0 {
            return Err("--clock with --redis needs --idempotency-keys: without them each node would tick".to_owned());
        }
        Ok(())
    }

    /// How many shards there will be.
    pub(crate) fn shards(&self) -> usize {
        self.shards.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from)
    }

    /// How many streams there may be for a process that may have so many descriptors open.
    pub(crate) fn connections_max(&self, descriptors: u64) -> usize {
        let all = || (self.sockets_max(descriptors) as u64).saturating_add(u64::from(self.limits.h2_streams_total));
        usize::try_from(self.connections_max.unwrap_or_else(all)).unwrap_or(usize::MAX)
    }

    /// How many sockets of clients there may be for such a process.
    pub(crate) fn sockets_max(&self, descriptors: u64) -> usize {
        let max = self.sockets_max.unwrap_or_else(|| {
            let kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_PER_SHARD * self.shards() as u64;
            (descriptors - kept.min(descriptors / 2)).max(1)
        });
        usize::try_from(max).unwrap_or(usize::MAX)
    }

    /// How many streams over HTTP/1, each of which has a socket, such a process has room for.
    pub(crate) fn h1_streams_max(&self, descriptors: u64) -> usize {
        let by_default = Self { sockets_max: None, ..self.clone() }.sockets_max(descriptors);
        let sockets = self.sockets_max(descriptors).min(by_default);
        self.connections_max(descriptors).min(sockets - SOCKETS_KEPT_FROM_STREAMS.min(sockets / 4))
    }

    /// The journal's directory and how it is kept, if there is to be one.
    pub(crate) fn journal(&self) -> Option<(PathBuf, fanfare_disk::Config)> {
        let targets_max = self.history.retentions().targets_max;
        self.journal.path().map(|path| (path, self.journal.config(targets_max)))
    }

    /// How the Stream is used, if there is to be one.
    pub(crate) fn redis(&self) -> Option<fanfare_redis::Config> {
        let address = self.redis.address().ok().flatten()?;
        let keys_max = usize::try_from(self.idempotency_keys).unwrap_or(usize::MAX);
        Some(self.redis.config(address, self.body_bytes, keys_max, ms(self.idempotency_window)))
    }

    /// As settings of the server, for a process that may have so many descriptors open.
    pub(crate) fn config(&self, descriptors: u64) -> Config {
        Config {
            core: fanfare_core::Config {
                shards: self.shards(),
                connections_max: self.connections_max(descriptors),
                ring_messages_max: usize::from(self.limits.ring_messages),
                ring_bytes_max: self.limits.ring_bytes,
                hub_ring_bytes_max: self.limits.hub_ring_bytes,
                inbox_messages_max: usize::try_from(self.limits.inbox_messages).unwrap_or(usize::MAX),
                inbox_bytes_max: self.limits.inbox_bytes,
                patience_ms: ms(self.limits.patience),
                heartbeat_ms: ms(self.heartbeat),
                write_timeout_ms: ms(self.write_timeout),
                input_bytes_max: self.limits.input_bytes,
                drain_spread_ms: ms(self.drain_spread),
                history: self.history.retentions(),
                reads_max: self.history.reads_max(),
                idempotency_ms: ms(self.idempotency_window),
                idempotency_keys_max: usize::try_from(self.idempotency_keys).unwrap_or(usize::MAX),
                ..fanfare_core::Config::default()
            },
            policy: match self.policy {
                PolicyArg::Repair => Policy::Repair,
                PolicyArg::DropNewest => Policy::DropNewest,
                PolicyArg::DropOldest => Policy::DropOldest,
                PolicyArg::Close => Policy::Close,
            },
            h1_outlet: match self.h1_outlet {
                H1OutletArg::Socket => H1Outlet::Socket,
                H1OutletArg::Body => H1Outlet::Body,
            },
            head_bytes_max: self.limits.head_bytes,
            head_timeout: self.limits.head_timeout,
            keep_alive_timeout: self.limits.keep_alive_timeout,
            idle_connections_max: usize::try_from(self.limits.idle_connections_max).unwrap_or(usize::MAX),
            body_bytes_max: self.body_bytes,
            body_idle_timeout: self.body_idle_timeout,
            body_timeout: self.body_timeout,
            batch_idle_timeout: self.batch_idle_timeout,
            bodies_bytes_max: self.bodies_bytes,
            channels_max: usize::from(self.limits.channels_max),
            retry_ms: ms(self.retry_min)..=ms(self.retry_max),
            send_buffer_bytes: self.limits.send_buffer_bytes,
            send_buffers_bytes_max: self.limits.send_buffers_bytes,
            sockets_max: self.sockets_max(descriptors),
            publish_key: self.publish_key.clone(),
            cors_origins: self.cors_origins.clone(),
            public_hosts: self.public_hosts.clone(),
            h2_streams_max: self.limits.h2_streams,
            h2_streams_total_max: usize::try_from(self.limits.h2_streams_total).unwrap_or(usize::MAX),
            h2_send_buffer_bytes: self.limits.h2_send_buffer_bytes,
            clock: self.clock,
            ready_timeout: self.limits.ready_timeout,
            drain_delay: self.drain_delay,
            drain_timeout: self.drain_timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args as _, Command, FromArgMatches as _};

    use fanfare_core::{Pattern, Retention, Retentions};

    use super::*;

    fn serve(arguments: &[&str]) -> Serve {
        let command = Serve::augment_args(Command::new("serve").no_binary_name(true));
        let command = command.mut_args(|arg| arg.env(None::<&'static str>));
        Serve::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
    }

    fn check(serve: &Serve) -> Result<(), String> {
        serve.check(serve.listen.resolve()?)
    }

    #[test]
    fn defaults_are_those_of_the_server() {
        let sockets_max = 1_000_000 - 64 - 4 * serve(&[]).shards();
        let mut expected = Config { sockets_max, ..Config::default() };
        expected.core.shards = serve(&[]).shards();
        expected.core.connections_max = sockets_max + 16_384;
        assert_eq!(format!("{:?}", serve(&[]).config(1_000_000)), format!("{expected:?}"));
    }

    #[test]
    fn there_is_room_for_a_stream_with_few_descriptors_too() {
        assert_eq!(serve(&["--shards=2"]).sockets_max(1_000), 928);
        assert_eq!(serve(&["--shards=2"]).sockets_max(144), 72);
        assert_eq!(serve(&[]).sockets_max(64), 32);
        assert_eq!(serve(&[]).sockets_max(1), 1);
        assert_eq!(serve(&["--sockets-max=7"]).sockets_max(64), 7);
        assert_eq!(serve(&["--h2-streams-total=8"]).connections_max(64), 40);
        assert_eq!(serve(&["--connections-max=7"]).connections_max(64), 7);
    }

    #[test]
    fn streams_over_http_1_have_what_requests_and_the_system_leave() {
        for (flags, descriptors, streams) in [
            (&["--shards=2"][..], 64, 24),
            (&["--shards=2"], 1_000, 928 - 64),
            (&["--shards=2", "--sockets-max=100000"], 64, 24),
            (&["--shards=2", "--connections-max=7"], 64, 7),
            (&["--shards=2", "--sockets-max=8"], 1_000, 6),
            (&[], 1, 1),
        ] {
            assert_eq!(serve(flags).h1_streams_max(descriptors), streams, "{flags:?} {descriptors}");
        }
    }

    #[test]
    fn every_setting_reaches_the_stream() {
        let given = [
            "--redis=redis://u:secret@host:1/2",
            "--redis-stream=name",
            "--redis-events=3000",
            "--redis-bytes=4MiB",
            "--redis-timeout=5s",
            "--redis-wait-replicas=6",
            "--redis-subscribe=a.*,b",
            "--body-bytes=7",
            "--idempotency-keys=8",
            "--idempotency-window=9s",
        ];
        let config = serve(&given).redis().unwrap();
        assert_eq!(config.address.to_string(), "redis://u:***@host:1/2");
        assert_eq!((config.name.to_string().as_str(), config.events_max, config.bytes_max), ("name", 3_000, 4 << 20));
        assert_eq!((config.timeout, config.replicas), (Duration::from_secs(5), 6));
        assert_eq!(config.subscribe.iter().map(Pattern::as_str).collect::<Vec<_>>(), ["a.*", "b"]);
        assert_eq!((config.message_bytes_max, config.keys_max, config.keys_ms), (7, 8, 9_000));
        assert!(serve(&[]).redis().is_none());
    }

    #[test]
    fn what_does_not_go_together_with_redis_is_refused_without_the_password() {
        let both = check(&serve(&["--redis=redis://:secret@host", "--journal=/x"])).unwrap_err();
        assert!(both.contains("--redis") && both.contains("--journal") && !both.contains("secret"), "{both}");
        let tick = check(&serve(&["--redis=redis://host", "--clock=1s", "--idempotency-keys=0"])).unwrap_err();
        assert!(tick.contains("--clock"), "{tick}");
        assert!(check(&serve(&["--redis-subscribe=a"])).unwrap_err().contains("needs --redis"));
        let wrong = check(&serve(&["--redis=http://:secret@host"])).unwrap_err();
        assert!(wrong.contains("FANFARE_REDIS") && wrong.contains("redis://") && !wrong.contains("secret"), "{wrong}");
    }

    #[test]
    fn every_setting_reaches_the_server() {
        let given = [
            "--connections-max=5",
            "--sockets-max=42",
            "--h2-streams-total=43",
            "--shards=3",
            "--public-host=a.org,b.org",
            "--publish-key=k",
            "--cors-origin=*",
            "--body-bytes=2MiB",
            "--body-idle-timeout=3s",
            "--body-timeout=44s",
            "--bodies-bytes=4MiB",
            "--clock=5s",
            "--heartbeat=6s",
            "--retry-min=7s",
            "--retry-max=8s",
            "--write-timeout=9s",
            "--policy=close",
            "--h1-outlet=body",
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
            "--drain-delay=41s",
            "--drain-timeout=22s",
            "--drain-spread=23s",
            "--history-events=25",
            "--history-bytes=26",
            "--history-age=27s",
            "--history-channel=a.*=events:28",
            "--history-channel=b=bytes:29 age:30s,c=age:31s",
            "--hub-history-bytes=32",
            "--history-targets=33",
            "--catch-up-reads=34",
            "--idempotency-window=35s",
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
        let config = serve(&given).config(1_000);
        let expected = Config {
            core: fanfare_core::Config {
                shards: 3,
                connections_max: 5,
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
            h1_outlet: H1Outlet::Body,
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
            clock: Some(second(5)),
            ready_timeout: second(37),
            drain_delay: second(41),
            drain_timeout: second(22),
        };
        assert_eq!(format!("{config:?}"), format!("{expected:?}"));
    }
}
