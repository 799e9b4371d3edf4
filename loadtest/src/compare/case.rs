//! The table of cases, each with its runs of the load generator and the figures that count.
//!
//! A new case is a new row. Fanfare's targets are in target.rs.

use crate::compare::load::{Load, Manner};

/// One situation in which the servers are compared.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The property that it shows.
    pub(crate) shows: &'static str,
    /// Each with a server of its own, one after the other.
    pub(crate) runs: &'static [Load],
    pub(crate) figures: &'static [Figure],
}

/// One measured figure of a case.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) source: Source,
    pub(crate) better: Better,
}

/// The source of a figure: the JSON of the case's runs, counted from 0.
#[derive(Debug)]
pub(crate) enum Source {
    Run(usize, &'static str),
    /// The figure of the first run over that of the second.
    Ratio(usize, usize, &'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Less,
    More,
}

const fn less(name: &'static str, label: &'static str) -> Figure {
    Figure { name, label, source: Source::Run(0, name), better: Better::Less }
}

const CPU: Figure = less("cpu_per_delivery_us", "server CPU per delivery, us");
const LATENCY_P50: Figure = less("latency_p50_ms", "latency p50, ms");
const LATENCY_P99: Figure = less("latency_p99_ms", "latency p99, ms");
const ANSWER: Figure = less("publish_answer_p50_ms", "publisher's answer p50, ms");
const COMPLETE: Figure = less("complete_p50_ms", "publish to last subscriber p50, ms");
const IDLE_MEMORY: Figure = less("open_pss_per_connection_bytes", "memory per connection, idle, B");
const USED_MEMORY: Figure = less("after_pss_per_connection_bytes", "memory per connection, after broadcasts, B");

const fn fanout(connections: u32, rate_per_s: u32, events: u32) -> Load {
    Load { name: "fanout", manner: Manner::Fanout { rate_per_s, events }, connections, size_bytes: 128 }
}

/// All cases, in the order in which they run and are printed.
pub(crate) static CASES: &[Case] = &[
    Case {
        name: "sparse-1000",
        shows: "what a delivery costs and how late it is: 1,000 streams, 20 events a second",
        runs: &[fanout(1_000, 20, 100)],
        figures: &[CPU, LATENCY_P50, LATENCY_P99],
    },
    Case {
        name: "sparse-10000",
        shows: "what a broadcast costs: 10,000 streams, 4 events a second",
        runs: &[fanout(10_000, 4, 20)],
        figures: &[CPU, COMPLETE, ANSWER],
    },
    Case {
        name: "few",
        shows: "the publisher's answer with hardly anybody listening: 10 streams, 20 events a second",
        runs: &[fanout(10, 20, 60)],
        figures: &[ANSWER],
    },
    Case {
        name: "flat-out",
        shows: "deliveries a second at most: 1,000 streams, 4 publishers, each event as soon as the last is answered",
        runs: &[Load {
            name: "flat-out",
            manner: Manner::FlatOut { publishers: 4, duration_ms: 4_000 },
            connections: 1_000,
            size_bytes: 128,
        }],
        figures: &[Figure {
            name: "deliveries_per_s",
            label: "deliveries a second",
            source: Source::Run(0, "deliveries_per_s"),
            better: Better::More,
        }],
    },
    Case {
        name: "memory",
        shows: "what an open stream weighs in the server's process: 15,000 streams, PSS growth",
        runs: &[fanout(15_000, 1, 5)],
        figures: &[IDLE_MEMORY, USED_MEMORY],
    },
    Case {
        name: "slow",
        shows: "what readers notice of those that never read: 900 that read, without and with 100 that do not",
        // 600 kB for each: more than Fanfare's send buffer and ring hold for a stream that is not read. Where a server
        // leaves the send buffer to the kernel, it may hold all of that, outside of any process's memory.
        runs: &[
            Load {
                name: "undisturbed",
                manner: Manner::Fanout { rate_per_s: 50, events: 300 },
                connections: 900,
                size_bytes: 2048,
            },
            Load {
                name: "disturbed",
                manner: Manner::Slow { rate_per_s: 50, events: 300, stuck_percent: 10 },
                connections: 1_000,
                size_bytes: 2048,
            },
        ],
        figures: &[
            Figure {
                name: "undisturbed_latency_p99_ms",
                label: "latency p99 without them, ms",
                source: Source::Run(0, "latency_p99_ms"),
                better: Better::Less,
            },
            Figure {
                name: "latency_p99_ms",
                label: "latency p99 with them, ms",
                source: Source::Run(1, "latency_p99_ms"),
                better: Better::Less,
            },
            Figure {
                name: "latency_p99_ratio",
                label: "with them over without",
                source: Source::Ratio(1, 0, "latency_p99_ms"),
                better: Better::Less,
            },
            Figure {
                name: "after_pss_per_connection_bytes",
                label: "memory per connection, after, B",
                source: Source::Run(1, "after_pss_per_connection_bytes"),
                better: Better::Less,
            },
        ],
    },
];

/// The case of this name.
pub(crate) fn find(name: &str) -> Result<&'static Case, String> {
    let names = || CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
    CASES.iter().find(|case| case.name == name).ok_or_else(|| format!("the cases are {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_comes_from_a_run_of_its_case() {
        for case in CASES {
            assert!(std::ptr::eq(find(case.name).unwrap(), case), "{}", case.name);
            for figure in case.figures {
                let last = match figure.source {
                    Source::Run(run, _) => run,
                    Source::Ratio(over, under, _) => over.max(under),
                };
                assert!(last < case.runs.len(), "{}: {}", case.name, figure.name);
            }
        }
        assert!(find("fast").is_err());
    }
}
