//! [`Serve::config`]: the settings as the server takes them.

use fanfare_callers::Limits as CallerLimits;
use fanfare_core::Policy;
use fanfare_http::{Config, Gate, Outlet};

use super::{connections::OutletArg, flags::PolicyArg, limits::Limits, meaning::Serve, value::ms};

impl Serve {
    /// The settings of the HTTP server, for a process that may open this many descriptors.
    pub(crate) fn config(&self, descriptors: u64) -> Config {
        let (flags, derived) = (&self.flags, self.derived());
        let Limits { events, requests, connections, callers } = &self.limits;
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
                inner_patterns_max: usize::try_from(requests.inner_patterns).unwrap_or(usize::MAX),
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
            patterns_max: usize::from(requests.patterns),
            retry_ms: ms(connections.retry_min)..=ms(connections.retry_max),
            send_buffer_bytes: connections.send_buffer_bytes,
            send_buffers_bytes_max: derived.send_buffers,
            sockets_max: self.sockets_max(descriptors),
            publish_key: flags.publish_key.clone(),
            // The rules are read from files, and come later.
            gate: Gate::default(),
            cors_origins: flags.cors_origins.clone(),
            read_origins: self.read_origins(),
            public_hosts: flags.public_hosts.iter().chain(flags.tls.acme_domains()).cloned().collect(),
            proxies: flags.proxies.config(),
            caller_limits: callers.limits(CallerLimits::of_caller()),
            loopback_limits: callers.limits(CallerLimits::NONE),
            holder_limits: callers.of_holder(),
            callers_max: self.callers_max(descriptors),
            client_streams_max: callers.client_streams_max(),
            h2_streams_max: connections.h2_streams,
            h2_streams_total_max: usize::try_from(connections.h2_streams_total).unwrap_or(usize::MAX),
            h2_send_buffer_bytes: connections.h2_send_buffer_bytes,
            h2_ping_interval: connections.h2_ping_interval,
            clock: flags.clock,
            ready_timeout: requests.ready_timeout,
            drain_delay: flags.drain_delay,
            drain_timeout: flags.drain_timeout,
            // Variables that are no settings name the collector.
            traces: None,
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
    use std::{
        num::{NonZeroU32, NonZeroU64},
        time::Duration,
    };

    use fanfare_callers::{ForwardedBy, Networks, Rate};
    use fanfare_core::{Pattern, Retention, Retentions};

    use super::*;
    use crate::settings::samples::serve;

    #[test]
    fn defaults_are_those_of_the_server() {
        let serve = serve(&["--shards=2"], &[]);
        let sockets_max = 1_000_000 - 64 - 64 - 4 * 2;
        let mut expected = Config { sockets_max, ..Config::default() };
        expected.core.shards = 2;
        // The default address is one of this machine alone.
        expected.read_origins = Vec::new();
        expected.callers_max = sockets_max;
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
    fn every_setting_reaches_the_server() {
        let flags = [
            "--connections-max=5",
            "--shards=3",
            "--public-host=a.org,b.org",
            "--publish-key=k",
            "--cors-origin=*",
            "--read-origin=http://a.org,http://b.org",
            "--trusted-proxy=10.0.0.0/8,127.0.0.1",
            "--forwarded-by=forwarded",
            "--proxy-protocol",
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
            "--patterns=47",
            "--inner-patterns=48",
            "--caller-sockets=49",
            "--caller-streams=50",
            "--caller-requests=51/52",
            "--caller-handshakes=53/54",
            "--caller-publishes=55",
            "--caller-published-bytes=56KiB/57KiB",
            "--caller-bodies=58",
            "--caller-history-pages=off",
            "--holder-publishes=60",
            "--holder-published-bytes=off",
            "--client-streams=61",
            "--callers=62",
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
        let (number, many) = (NonZeroU32::new, |number| NonZeroU64::new(number).unwrap());
        let rate = |per_second, burst| Some(Rate { per_second: many(per_second), burst: many(burst) });
        let limits_set = CallerLimits {
            requests: rate(51, 52),
            handshakes: rate(53, 54),
            publishes: rate(55, 110),
            published_bytes: rate(56 << 10, 57 << 10),
            sockets: number(49),
            streams: number(50),
            bodies: number(58),
            ..CallerLimits::NONE
        };
        let pattern = |(text, retention)| (Pattern::new(text).unwrap(), retention);
        let config = serve(&flags, &limits).config(1_000);
        assert_eq!(config.caller_limits.history_pages, None, "off is no limit");
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
                inner_patterns_max: 48,
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
            patterns_max: 47,
            retry_ms: 7_000..=8_000,
            send_buffer_bytes: 19 << 10,
            send_buffers_bytes_max: 45 << 10,
            sockets_max: 42,
            publish_key: Some("k".to_owned()),
            gate: Gate::default(),
            cors_origins: vec!["*".to_owned()],
            read_origins: vec!["http://a.org".to_owned(), "http://b.org".to_owned()],
            proxies: fanfare_http::Proxies {
                trusted: Networks::new(["10.0.0.0/8", "127.0.0.1"]).unwrap(),
                forwarded: Some(ForwardedBy::Forwarded),
                proxy_protocol: true,
            },
            // One that is not set has its default, but not for loopback addresses.
            caller_limits: CallerLimits { catch_up_reads: number(256), inner_patterns: number(32), ..limits_set },
            loopback_limits: limits_set,
            holder_limits: CallerLimits {
                publishes: rate(60, 120),
                published_bytes: None,
                ..CallerLimits::of_holder()
            },
            callers_max: 62,
            client_streams_max: Some(61),
            public_hosts: vec!["a.org".to_owned(), "b.org".to_owned()],
            h2_streams_max: 20,
            h2_streams_total_max: 43,
            h2_send_buffer_bytes: 21 << 10,
            h2_ping_interval: second(46),
            clock: Some(second(5)),
            ready_timeout: second(37),
            drain_delay: second(41),
            drain_timeout: second(22),
            traces: None,
            https_port: None,
        };
        assert_eq!(format!("{config:?}"), format!("{expected:?}"));
    }
}
