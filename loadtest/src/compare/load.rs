//! One run of the load generator: its load, as arguments for this same program.
//!
//! The only place of the comparison that knows the generator's flags.

use std::time::Duration;

/// Time beyond the length of a run, for opening the streams and for late events.
const TIMEOUT_EXTRA: Duration = Duration::from_secs(60);

/// The load that is put on a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Its name within the case.
    pub(crate) name: &'static str,
    pub(crate) manner: Manner,
    pub(crate) connections: u32,
    pub(crate) size_bytes: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    Fanout { rate_per_s: u32, events: u32 },
    FlatOut { publishers: u32, duration_ms: u32 },
    Slow { rate_per_s: u32, events: u32, stuck_percent: u32 },
}

impl Load {
    /// This share of the streams and events, but enough of them for a run.
    pub(crate) fn scaled(mut self, share: f64) -> Self {
        let part = |whole: u32, at_least: u32| ((f64::from(whole) * share).ceil() as u32).max(at_least.min(whole));
        self.connections = part(self.connections, 10);
        match &mut self.manner {
            Manner::Fanout { events, .. } | Manner::Slow { events, .. } => *events = part(*events, 5),
            Manner::FlatOut { duration_ms, .. } => *duration_ms = part(*duration_ms, 200),
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
        };
        let (connections, size_bytes, timeout_s) = (self.connections, self.size_bytes, self.timeout().as_secs());
        let all =
            format!("{scenario} --connections {connections} {own} --size {size_bytes} --timeout {timeout_s}s --json");
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
    };

    #[test]
    fn a_load_is_said_in_the_generators_flags() {
        let args = "slow --connections 1000 --rate 50/s --events 300 --stuck 10 --size 2048 --timeout 66s --json";
        assert_eq!(SLOW.args().join(" "), args);
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
