//! One run of the load generator: its load, as arguments for this same program.
//!
//! The only place of the comparison that knows the generator's flags.

use std::time::Duration;

use crate::compare::extra::Extra;
use crate::wire::transport::{Transport, Version};

/// Time beyond the length of a run, for opening the streams and for late events.
const TIMEOUT_EXTRA: Duration = Duration::from_secs(60);

/// The transports of the cases.
pub(crate) static PLAIN: Transport = transport(Version::Http1, false, 1);
pub(crate) static TLS: Transport = transport(Version::Http1, true, 1);
pub(crate) static H2: Transport = transport(Version::Http2, false, 1);
pub(crate) static TLS_H2: Transport = transport(Version::Http2, true, 1);
pub(crate) static TLS_H2_4: Transport = transport(Version::Http2, true, 4);
pub(crate) static TLS_H2_100: Transport = transport(Version::Http2, true, 100);

const fn transport(version: Version, is_tls: bool, streams_per_connection: u32) -> Transport {
    Transport { version, is_tls, tls_ca: None, streams_per_connection }
}

/// The load that is put on a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Its name within the case.
    pub(crate) name: &'static str,
    pub(crate) manner: Manner,
    pub(crate) connections: u32,
    pub(crate) size_bytes: u32,
    /// The transport of the streams and publishes. The files of TLS are not in it.
    pub(crate) transport: &'static Transport,
    /// What is different from the other runs of its case.
    pub(crate) extra: Extra,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    Fanout { rate_per_s: u32, events: u32 },
    FlatOut { publishers: u32, duration_ms: u32 },
    Slow { rate_per_s: u32, events: u32, stuck_percent: u32 },
    Handshakes { rate_per_s: u32, newcomers: u32, before_ms: u32, after_ms: u32 },
    Abuse { rate_per_s: u32, held: u32, flood_rate_per_s: u32, before_ms: u32, attack_ms: u32 },
}

impl Load {
    /// This share of the streams and events, but enough of them for a run.
    pub(crate) fn scaled(mut self, share: f64) -> Self {
        let part = |whole: u32, at_least: u32| ((f64::from(whole) * share).ceil() as u32).max(at_least.min(whole));
        self.connections = part(self.connections, 10);
        match &mut self.manner {
            Manner::Fanout { events, .. } | Manner::Slow { events, .. } => *events = part(*events, 5),
            Manner::FlatOut { duration_ms, .. } => *duration_ms = part(*duration_ms, 200),
            Manner::Handshakes { newcomers, before_ms, after_ms, .. } => {
                *newcomers = part(*newcomers, 50);
                *before_ms = part(*before_ms, 300);
                *after_ms = part(*after_ms, 300);
            }
            Manner::Abuse { held, flood_rate_per_s, before_ms, attack_ms, .. } => {
                *held = part(*held, 50);
                *flood_rate_per_s = part(*flood_rate_per_s, 50);
                *before_ms = part(*before_ms, 300);
                *attack_ms = part(*attack_ms, 500);
            }
        }
        self
    }

    /// The longest that the generator may take by its own clock.
    pub(crate) fn timeout(self) -> Duration {
        let needed = match self.manner {
            Manner::Fanout { rate_per_s, events } | Manner::Slow { rate_per_s, events, .. } => {
                Duration::from_secs_f64(f64::from(events) / f64::from(rate_per_s))
            }
            Manner::FlatOut { duration_ms, .. } => Duration::from_millis(duration_ms.into()),
            Manner::Handshakes { before_ms, after_ms, .. } => Duration::from_millis((before_ms + after_ms).into()),
            Manner::Abuse { before_ms, attack_ms, .. } => Duration::from_millis((before_ms + attack_ms).into()),
        };
        TIMEOUT_EXTRA + needed
    }

    /// The arguments, without those that name the server.
    pub(crate) fn args(self) -> Vec<String> {
        let (scenario, own) = match self.manner {
            Manner::Fanout { rate_per_s, events } => ("fanout", format!("--rate {rate_per_s}/s --events {events}")),
            Manner::FlatOut { publishers, duration_ms } => {
                ("flat-out", format!("--publishers {publishers} --duration {duration_ms}ms"))
            }
            Manner::Slow { rate_per_s, events, stuck_percent } => {
                ("slow", format!("--rate {rate_per_s}/s --events {events} --stuck {stuck_percent}"))
            }
            Manner::Handshakes { rate_per_s, newcomers, before_ms, after_ms } => (
                "handshakes",
                format!("--rate {rate_per_s}/s --newcomers {newcomers} --before {before_ms}ms --after {after_ms}ms"),
            ),
            Manner::Abuse { rate_per_s, held, flood_rate_per_s, before_ms, attack_ms } => (
                "abuse",
                format!(
                    "--rate {rate_per_s}/s --held {held} --flood-rate {flood_rate_per_s}/s --before {before_ms}ms \
                     --attack {attack_ms}ms"
                ),
            ),
        };
        let (connections, size_bytes, timeout_s) = (self.connections, self.size_bytes, self.timeout().as_secs());
        let shared = match self.transport.version {
            Version::Http1 => String::new(),
            Version::Http2 => format!("--http 2 --streams-per-connection {} ", self.transport.streams_per_connection),
        };
        let all = format!(
            "{scenario} --connections {connections} {shared}{own} --size {size_bytes} --timeout {timeout_s}s --json"
        );
        all.split(' ').map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Load = Load {
        name: "disturbed",
        manner: Manner::Slow { rate_per_s: 50, events: 300, stuck_percent: 10 },
        connections: 1000,
        size_bytes: 2048,
        transport: &PLAIN,
        extra: Extra::Nothing,
    };

    #[test]
    fn a_load_is_said_in_the_generators_flags() {
        let args = "slow --connections 1000 --rate 50/s --events 300 --stuck 10 --size 2048 --timeout 66s --json";
        assert_eq!(SLOW.args().join(" "), args);
    }

    #[test]
    fn a_load_says_what_it_goes_over_except_for_tls_which_the_url_says() {
        let manner = Manner::Handshakes { rate_per_s: 50, newcomers: 2000, before_ms: 4000, after_ms: 1000 };
        let load = Load { manner, size_bytes: 128, transport: &TLS_H2_4, ..SLOW };
        let args = "handshakes --connections 1000 --http 2 --streams-per-connection 4 --rate 50/s --newcomers 2000 \
             --before 4000ms --after 1000ms --size 128 --timeout 65s --json";
        assert_eq!(load.args().join(" "), args);
    }

    #[test]
    fn an_attack_is_bounded_in_time_and_counts() {
        let manner =
            Manner::Abuse { rate_per_s: 50, held: 1000, flood_rate_per_s: 500, before_ms: 5000, attack_ms: 6000 };
        let load = Load { manner, size_bytes: 128, ..SLOW };
        let args = "abuse --connections 1000 --rate 50/s --held 1000 --flood-rate 500/s --before 5000ms --attack 6000ms \
             --size 128 --timeout 71s --json";
        assert_eq!(load.args().join(" "), args);
        let scaled = load.scaled(0.001).args().join(" ");
        assert!(scaled.contains("--held 50 --flood-rate 50/s --before 300ms --attack 500ms"), "{scaled}");
    }

    #[test]
    fn a_share_of_a_load_is_a_load_still() {
        let scaled = SLOW.scaled(0.5);
        assert_eq!(scaled.connections, 500);
        assert!(matches!(scaled.manner, Manner::Slow { events: 150, stuck_percent: 10, .. }));
        let scaled = SLOW.scaled(0.001);
        assert_eq!(scaled.connections, 10);
        assert!(matches!(scaled.manner, Manner::Slow { events: 5, .. }));
        assert_eq!(Load { connections: 4, ..SLOW }.scaled(0.5).connections, 4);
    }
}
