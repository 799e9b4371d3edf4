//! [`Serve`]: all settings together. Checks whether the server can run with them, and finds what follows from them.

use std::{net::SocketAddr, num::NonZero, path::PathBuf, thread::available_parallelism, time::Duration};

use fanfare_admin::JournalKind;
use fanfare_core::Retentions;
use humantime::format_duration;

use super::{
    access::Plan,
    connections::Connections,
    derived::Derived,
    flags::{Flags, LogFormat},
    issuer::Issuer,
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
/// Those of the sockets of operators, if they have a listener.
const DESCRIPTORS_KEPT_FOR_OPERATORS: u64 = fanfare_admin::SOCKETS_MAX as u64;

/// Sockets that streams leave to other requests. If there are few, a quarter of them.
const SOCKETS_KEPT_FROM_STREAMS: usize = 64;

/// All settings together.
#[derive(Clone, Debug)]
pub(crate) struct Serve {
    pub(super) flags: Flags,
    pub(super) limits: Limits,
    pub(super) memory: Memory,
    /// The issuers of the file.
    pub(super) issuers: Vec<Issuer>,
    /// Only this machine can connect.
    pub(super) is_local: bool,
}

/// The admin listener as it is to be.
pub(crate) struct AdminPlan {
    /// Its address. None: there is to be none.
    pub(crate) listen: Option<SocketAddr>,
    /// Whether somebody has set the address, or has given its socket.
    pub(crate) is_set: bool,
    pub(crate) admin: fanfare_admin::Admin,
}

impl Serve {
    /// The settings of the admin listener.
    ///
    /// # Errors
    /// A sentence, which the check of the settings has found before.
    pub(super) fn admin(&self) -> Result<fanfare_admin::Admin, String> {
        let journal = match (self.journal(), self.redis()) {
            (_, Some(_)) => JournalKind::Redis,
            (Some(_), None) => JournalKind::Disk,
            (None, None) => JournalKind::Memory,
        };
        self.flags.admin.config(journal)
    }

    /// Whether to print the settings instead of serving.
    pub(crate) fn is_check(&self) -> bool {
        self.flags.check
    }

    /// The filter of the log.
    pub(crate) fn log(&self) -> &str {
        &self.flags.log
    }

    /// Time for each step of an upgrade.
    pub(crate) fn upgrade_timeout(&self) -> Duration {
        self.limits.connections.upgrade_timeout
    }

    /// The form of the log.
    pub(crate) fn log_format(&self) -> LogFormat {
        self.flags.log_format
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
                && !self.flags.allow_anonymous_publish
                && !self.flags.access.guards_publishing(&self.issuers) =>
            {
                return Err(format!(
                    "other machines can reach {listen}, and anybody could publish there: set --publish-key, --api-keys or \
                     --token-key, or give --allow-anonymous-publish if that is meant, or listen on a loopback address"
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
        self.flags.proxies.check()?;
        self.access()?;
        self.check_redis()
    }

    /// Who may do what.
    ///
    /// # Errors
    /// A sentence that says what to do. [`Serve::check`] has found it before.
    pub(crate) fn access(&self) -> Result<Plan, String> {
        self.flags.access.plan(&self.issuers, &self.limits)
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

    /// Most streams, if somebody has set it.
    pub(crate) fn connections_wanted(&self) -> Option<usize> {
        self.flags.connections_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX))
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

    /// Most addresses that are kept apart for such a process.
    pub(super) fn callers_max(&self, descriptors: u64) -> usize {
        self.limits.callers.callers_max(self.sockets_max(descriptors))
    }

    /// The origins of pages that may read.
    pub(super) fn read_origins(&self) -> Vec<String> {
        match &self.flags.read_origins {
            origins if origins.is_empty() && !self.is_local => vec!["*".to_owned()],
            origins => origins.clone(),
        }
    }

    fn sockets_by_default(&self, descriptors: u64) -> usize {
        let for_operators = if self.flags.admin.is_on() { DESCRIPTORS_KEPT_FOR_OPERATORS } else { 0 };
        let kept = DESCRIPTORS_KEPT + for_operators + DESCRIPTORS_KEPT_PER_SHARD * self.shards() as u64;
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

    pub(crate) fn retentions(&self) -> Retentions {
        self.flags.history.retentions(self.derived().history, self.limits.events.history_targets)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::Pattern;

    use super::*;
    use crate::settings::samples::{self, serve};

    fn check(serve: &Serve) -> Result<(), String> {
        serve.check(&[serve.flags.listen.resolve("--listen")?])
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
        assert_eq!(serve(&["--shards=2"], &[]).sockets_max(1_000), 864);
        assert_eq!(serve(&["--shards=2", "--admin=off"], &[]).sockets_max(1_000), 928);
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
            (None, None, 1_000, 864 - 64),
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
    fn publishing_to_other_machines_needs_somebody_who_says_who_may() {
        let open = |more: &[&str]| check(&serve(&[&["--listen=0.0.0.0:0"], more].concat(), &[]));
        let refused = open(&[]).unwrap_err();
        assert!(["--publish-key", "--api-keys", "--token-key"].iter().all(|flag| refused.contains(flag)), "{refused}");
        let url = "--authorize-url=http://127.0.0.1:1";
        for more in [
            &["--publish-key=k"][..],
            &["--api-keys=keys.toml"],
            &["--token-key=RS256:key.pem"],
            &[url, "--authorize-publish"],
            &["--allow-anonymous-publish"],
        ] {
            assert_eq!(open(more), Ok(()), "{more:?}");
        }
        for more in [&[url][..], &["--public-publish=*"], &["--public=*"]] {
            assert!(open(more).is_err(), "{more:?}");
        }
        let issuer = samples::issuer(&["--name=a", "--keys=RS256:key.pem"]);
        let with_issuer = Serve { issuers: vec![issuer], ..serve(&["--listen=0.0.0.0:0"], &[]) };
        assert_eq!(check(&with_issuer), Ok(()));
    }

    #[test]
    fn every_page_may_read_unless_only_this_machine_can_connect() {
        assert_eq!(serve(&["--listen=0.0.0.0:0"], &[]).read_origins(), ["*"]);
        assert_eq!(serve(&["--listen=[::1]:0"], &[]).read_origins(), [""; 0]);
        for listen in ["--listen=0.0.0.0:0", "--listen=127.0.0.1:0"] {
            assert_eq!(serve(&[listen, "--read-origin=http://a.org"], &[]).read_origins(), ["http://a.org"]);
        }
    }

    #[test]
    fn addresses_have_a_place_for_each_socket() {
        assert_eq!(serve(&[], &["--sockets-max=70000"]).callers_max(64), 70_000);
        assert_eq!(serve(&[], &["--sockets-max=7"]).callers_max(64), 65_536);
        assert_eq!(serve(&[], &["--sockets-max=70000", "--callers=3"]).callers_max(64), 3);
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
}
