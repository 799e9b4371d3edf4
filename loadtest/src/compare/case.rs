//! The table of cases, each with its runs of the load generator and the figures that count.
//!
//! A new case is a new row. Fanfare's targets are in target.rs.

use crate::compare::extra::Extra;
use crate::compare::load::{H2, Load, Manner, PLAIN, TLS, TLS_H2, TLS_H2_4, TLS_H2_100};
use crate::wire::transport::Transport;

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

impl Case {
    /// What a server has to know that has a part in it.
    pub(crate) fn extra(&self) -> Extra {
        self.runs.iter().map(|load| load.extra).find(|extra| *extra != Extra::Nothing).unwrap_or(Extra::Nothing)
    }
}

/// One measured figure of a case.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) source: Source,
    pub(crate) better: Better,
    /// The figure of the floor, in the same case, that this one is told as a multiple of.
    pub(crate) floor: &'static str,
}

/// The source of a figure: the JSON of the case's runs, counted from 0.
#[derive(Debug)]
pub(crate) enum Source {
    Run(usize, &'static str),
    /// The figure of the first run over that of the second.
    Ratio(usize, usize, &'static str),
    /// The share of each further stream, from the figure per stream of a run with few and of a run with more. What a server takes once
    /// and for all is no part of it.
    Further {
        few: usize,
        more: usize,
        name: &'static str,
    },
}

impl Source {
    /// The runs that it is from.
    pub(crate) fn runs(&self) -> [usize; 2] {
        match *self {
            Self::Run(run, _) => [run, run],
            Self::Ratio(over, under, _) => [over, under],
            Self::Further { few, more, .. } => [few, more],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Less,
    More,
}

const fn less(name: &'static str, label: &'static str) -> Figure {
    Figure { name, label, source: Source::Run(0, name), better: Better::Less, floor: name }
}

/// A figure of one run of several, told as a multiple of the floor's in the first.
const fn less_of(run: usize, name: &'static str, label: &'static str, of: &'static str, floor: &'static str) -> Figure {
    Figure { name, label, source: Source::Run(run, of), better: Better::Less, floor }
}

const CPU: Figure = less("cpu_per_delivery_us", "server CPU per delivery, us");
const LATENCY_P50: Figure = less("latency_p50_ms", "latency p50, ms");
const LATENCY_P99: Figure = less("latency_p99_ms", "latency p99, ms");
const ANSWER: Figure = less("publish_answer_p50_ms", "publisher's answer p50, ms");
const COMPLETE: Figure = less("complete_p50_ms", "publish to last subscriber p50, ms");
const IDLE_MEMORY: Figure = less("open_pss_per_connection_bytes", "memory per connection, idle, B");
const USED_MEMORY: Figure = less("after_pss_per_connection_bytes", "memory per connection, after broadcasts, B");

const fn fanout(connections: u32, rate_per_s: u32, events: u32) -> Load {
    fanout_over("fanout", &PLAIN, connections, rate_per_s, events)
}

const fn fanout_over(
    name: &'static str,
    transport: &'static Transport,
    connections: u32,
    rate_per_s: u32,
    events: u32,
) -> Load {
    let manner = Manner::Fanout { rate_per_s, events };
    Load { name, manner, connections, size_bytes: 128, transport, extra: Extra::Nothing }
}

const fn flat_out(name: &'static str, transport: &'static Transport) -> Load {
    let manner = Manner::FlatOut { publishers: 4, duration_ms: 4_000 };
    Load { name, manner, connections: 1_000, size_bytes: 128, transport, extra: Extra::Nothing }
}

/// The load of `sparse-1000` for twice as long, for a p99 that holds still.
const fn run_with(name: &'static str, extra: Extra) -> Load {
    Load { extra, ..fanout_over(name, &PLAIN, 1_000, 20, 200) }
}

/// The figures of a case whose three runs are without an extra, with it, and without it again.
const WITH_AND_WITHOUT: &[Figure] = &[
    less_of(0, "without_cpu", "CPU per delivery without, us", CPU_EACH, "without_cpu"),
    less_of(1, "with_cpu", "CPU per delivery with, us", CPU_EACH, "with_cpu"),
    ratio_of(1, "cpu_ratio", "CPU, with over without", CPU_EACH),
    ratio_of(2, "cpu_noise", "CPU, without over without", CPU_EACH),
    less_of(0, "without_p99", "latency p99 without, ms", "latency_p99_ms", "without_p99"),
    less_of(1, "with_p99", "latency p99 with, ms", "latency_p99_ms", "with_p99"),
    ratio_of(1, "p99_ratio", "p99, with over without", "latency_p99_ms"),
    ratio_of(2, "p99_noise", "p99, without over without", "latency_p99_ms"),
];

/// Handshakes beside so many streams.
const fn handshakes(name: &'static str, connections: u32) -> Load {
    let manner = Manner::Handshakes { rate_per_s: 50, newcomers: 2_000, before_ms: 4_000, after_ms: 1_000 };
    Load { name, manner, connections, size_bytes: 128, transport: &TLS_H2, extra: Extra::Nothing }
}

const CPU_EACH: &str = "cpu_per_delivery_us";
const MEMORY_EACH: &str = "after_pss_per_connection_bytes";
const RATE_EACH: &str = "deliveries_per_s";

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
        runs: &[flat_out("flat-out", &PLAIN)],
        figures: &[Figure {
            name: "deliveries_per_s",
            label: "deliveries a second",
            source: Source::Run(0, "deliveries_per_s"),
            better: Better::More,
            floor: "deliveries_per_s",
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
                transport: &PLAIN,
                extra: Extra::Nothing,
            },
            Load {
                name: "disturbed",
                manner: Manner::Slow { rate_per_s: 50, events: 300, stuck_percent: 10 },
                connections: 1_000,
                size_bytes: 2048,
                transport: &PLAIN,
                extra: Extra::Nothing,
            },
        ],
        figures: &[
            Figure {
                name: "undisturbed_latency_p99_ms",
                label: "latency p99 without them, ms",
                source: Source::Run(0, "latency_p99_ms"),
                better: Better::Less,
                floor: "undisturbed_latency_p99_ms",
            },
            Figure {
                name: "latency_p99_ms",
                label: "latency p99 with them, ms",
                source: Source::Run(1, "latency_p99_ms"),
                better: Better::Less,
                floor: "latency_p99_ms",
            },
            Figure {
                name: "latency_p99_ratio",
                label: "with them over without",
                source: Source::Ratio(1, 0, "latency_p99_ms"),
                better: Better::Less,
                floor: "latency_p99_ratio",
            },
            Figure {
                name: "after_pss_per_connection_bytes",
                label: "memory per connection, after, B",
                source: Source::Run(1, "after_pss_per_connection_bytes"),
                better: Better::Less,
                floor: "after_pss_per_connection_bytes",
            },
        ],
    },
    Case {
        name: "transports",
        shows: "what TLS and HTTP/2 cost a delivery: 1,000 streams, 20 events a second. The floor is plain",
        runs: &[
            fanout_over("plain", &PLAIN, 1_000, 20, 100),
            fanout_over("tls", &TLS, 1_000, 20, 100),
            fanout_over("h2", &H2, 1_000, 20, 100),
            fanout_over("tls-h2", &TLS_H2, 1_000, 20, 100),
            fanout_over("tls-h2-4", &TLS_H2_4, 1_000, 20, 100),
            fanout_over("tls-h2-100", &TLS_H2_100, 1_000, 20, 100),
        ],
        figures: &[
            less_of(0, "plain_cpu", "CPU per delivery, plain, us", CPU_EACH, "plain_cpu"),
            less_of(1, "tls_cpu", "CPU per delivery, TLS, us", CPU_EACH, "plain_cpu"),
            less_of(2, "h2_cpu", "CPU per delivery, HTTP/2, us", CPU_EACH, "plain_cpu"),
            less_of(3, "tls_h2_cpu", "CPU per delivery, TLS, HTTP/2, us", CPU_EACH, "plain_cpu"),
            less_of(4, "tls_h2_4_cpu", "CPU per delivery, TLS, HTTP/2, 4 streams each, us", CPU_EACH, "plain_cpu"),
            less_of(5, "tls_h2_100_cpu", "CPU per delivery, TLS, HTTP/2, 100 streams each, us", CPU_EACH, "plain_cpu"),
            less_of(0, "plain_p99", "latency p99, plain, ms", "latency_p99_ms", "plain_p99"),
            less_of(1, "tls_p99", "latency p99, TLS, ms", "latency_p99_ms", "plain_p99"),
            less_of(3, "tls_h2_p99", "latency p99, TLS, HTTP/2, ms", "latency_p99_ms", "plain_p99"),
        ],
    },
    Case {
        name: "transports-memory",
        shows: "what an open stream weighs over TLS and HTTP/2, after broadcasts: 4,000 and 12,000 streams, PSS growth",
        runs: &[
            fanout_over("plain", &PLAIN, 4_000, 2, 10),
            fanout_over("tls", &TLS, 4_000, 2, 10),
            fanout_over("tls-h2", &TLS_H2, 4_000, 2, 10),
            fanout_over("tls-h2-100", &TLS_H2_100, 4_000, 2, 10),
            fanout_over("tls-h2-100-more", &TLS_H2_100, 12_000, 2, 10),
        ],
        figures: &[
            less_of(0, "plain_memory", "memory per stream, plain, B", MEMORY_EACH, "plain_memory"),
            less_of(1, "tls_memory", "memory per stream, TLS, B", MEMORY_EACH, "plain_memory"),
            less_of(2, "tls_h2_memory", "memory per stream, TLS, HTTP/2, B", MEMORY_EACH, "plain_memory"),
            Figure {
                name: "further_memory",
                label: "memory of each further stream of a connection, B",
                source: Source::Further { few: 3, more: 4, name: MEMORY_EACH },
                better: Better::Less,
                floor: "further_memory",
            },
        ],
    },
    Case {
        name: "transports-flat-out",
        shows: "deliveries a second at most over TLS and HTTP/2, against plain: 1,000 streams, 4 publishers",
        runs: &[flat_out("plain", &PLAIN), flat_out("tls-h2", &TLS_H2)],
        figures: &[
            more_of(Source::Run(0, RATE_EACH), "plain_rate", "deliveries a second, plain"),
            more_of(Source::Run(1, RATE_EACH), "tls_h2_rate", "deliveries a second, TLS, HTTP/2"),
            more_of(Source::Ratio(1, 0, RATE_EACH), "tls_h2_rate_ratio", "TLS, HTTP/2 over plain"),
            less_of(0, "plain_cpu", "CPU per delivery, plain, us", CPU_EACH, "plain_cpu"),
            less_of(1, "tls_h2_cpu", "CPU per delivery, TLS, HTTP/2, us", CPU_EACH, "plain_cpu"),
        ],
    },
    Case {
        name: "handshakes",
        shows: "what 500 streams over TLS and HTTP/2 feel while 2,000 clients shake hands: 50 events a second",
        runs: &[handshakes("beside-streams", 500), handshakes("alone", 0)],
        figures: &[
            less("live_before_p99_ms", "latency p99 before, ms"),
            less("live_during_p99_ms", "latency p99 meanwhile, ms"),
            less("live_p99_ratio", "meanwhile over before"),
            less("handshake_p99_ms", "handshake p99, ms"),
            more_of(
                Source::Run(1, "handshakes_per_s_and_core"),
                "handshakes_per_s_and_core",
                "full handshakes a second and core, alone",
            ),
        ],
    },
    Case {
        name: "tokens",
        shows: "what tokens cost a delivery: 1,000 streams, 20 events a second, without, with, and without once more",
        runs: &[
            run_with("without", Extra::Nothing),
            run_with("with", Extra::Tokens),
            run_with("again", Extra::Nothing),
        ],
        figures: WITH_AND_WITHOUT,
    },
    Case {
        name: "scraped",
        shows: "what a scrape of the figures each second costs: 1,000 streams, 20 events a second, without, with, and \
                without once more",
        runs: &[
            run_with("without", Extra::Nothing),
            run_with("with", Extra::Scrapes),
            run_with("again", Extra::Nothing),
        ],
        figures: WITH_AND_WITHOUT,
    },
    Case {
        name: "abuse",
        shows: "what 500 honest streams feel while one address holds, floods and probes: 50 events a second",
        runs: &[Load {
            name: "abuse",
            manner: Manner::Abuse {
                rate_per_s: 50,
                held: 1_000,
                flood_rate_per_s: 500,
                before_ms: 5_000,
                attack_ms: 6_000,
            },
            connections: 500,
            size_bytes: 128,
            transport: &PLAIN,
            extra: Extra::Nothing,
        }],
        figures: &[
            less("live_before_p99_ms", "latency p99 in calm, ms"),
            less("live_during_p99_ms", "latency p99 under attack, ms"),
            less("live_during_publish_lateness_p99_ms", "the publisher's lateness in it, p99, ms"),
            less("live_p99_ratio", "under attack over calm"),
            less("attack_server_cores", "cores of the server under attack"),
            more_of(Source::Run(0, "attack_refused"), "attack_refused", "refusals"),
        ],
    },
];

const fn ratio_of(over: usize, name: &'static str, label: &'static str, of: &'static str) -> Figure {
    Figure { name, label, source: Source::Ratio(over, 0, of), better: Better::Less, floor: name }
}

const fn more_of(source: Source, name: &'static str, label: &'static str) -> Figure {
    Figure { name, label, source, better: Better::More, floor: name }
}

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
                let runs = figure.source.runs();
                assert!(runs.iter().all(|run| *run < case.runs.len()), "{}: {}", case.name, figure.name);
                assert!(case.figures.iter().any(|other| other.name == figure.floor), "{}: {}", case.name, figure.name);
            }
        }
        assert!(find("fast").is_err());
    }
}
