//! Fanfare's targets, as the design document says them, and the verdict of a comparison on each.
//!
//! A target whose case or reference was not run is told as not measured, never as reached.

use crate::compare::peer::built_in::{FANFARE, FLOOR};
use crate::compare::results::Results;
use crate::compare::spread::number;

/// The references.
const NCHAN: &str = "nchan";
const MERCURE: &str = "mercure";

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) what: &'static str,
    case: &'static str,
    figure: &'static str,
    limit: Limit,
}

/// The bound of Fanfare's median.
#[derive(Debug)]
enum Limit {
    Most(f64, &'static str),
    /// A multiple of a server's figure, round by round.
    MostTimes(f64, &'static str),
    LeastTimes(f64, &'static str),
    /// A multiple of Fanfare's own figure in another case, round by round.
    MostTimesOwn(f64, &'static str),
    Least(f64, &'static str),
    /// A multiple of another figure of the floor in the same case, or so much more than that, round by round.
    MostTimesFloor {
        times: f64,
        floor: &'static str,
        or_more: Option<(f64, &'static str)>,
    },
    /// A ratio, or what another ratio of Fanfare in the same case strays from one in any round, although it measures
    /// the same twice.
    MostOrNoise(f64, &'static str),
    /// So much more than another figure of Fanfare in the same case, round by round.
    MostMore(f64, &'static str, &'static str),
}

const fn target(what: &'static str, case: &'static str, figure: &'static str, limit: Limit) -> Target {
    Target { what, case, figure, limit }
}

const TARGETS: &[Target] = &[
    target(
        "server CPU per delivery, 1,000 streams",
        "sparse-1000",
        "cpu_per_delivery_us",
        Limit::MostTimes(1.10, FLOOR),
    ),
    target(
        "server CPU per delivery, 1,000 streams",
        "sparse-1000",
        "cpu_per_delivery_us",
        Limit::MostTimes(1.0, NCHAN),
    ),
    target("latency p50, sparse", "sparse-1000", "latency_p50_ms", Limit::MostTimes(1.2, FLOOR)),
    target(
        "server CPU per delivery, 10,000 streams",
        "sparse-10000",
        "cpu_per_delivery_us",
        Limit::MostTimes(1.15, FLOOR),
    ),
    target(
        "server CPU per delivery, 10,000 streams",
        "sparse-10000",
        "cpu_per_delivery_us",
        Limit::MostTimes(1.0, NCHAN),
    ),
    target(
        "publish to the last of 10,000 subscribers",
        "sparse-10000",
        "complete_p50_ms",
        Limit::MostTimes(1.20, FLOOR),
    ),
    target("publisher's answer with 10,000 streams", "sparse-10000", "publish_answer_p50_ms", Limit::Most(2.0, "ms")),
    target(
        "publisher's answer with 10,000 streams",
        "sparse-10000",
        "publish_answer_p50_ms",
        Limit::MostTimesOwn(2.0, "few"),
    ),
    target("deliveries a second, flat out", "flat-out", "deliveries_per_s", Limit::LeastTimes(4.0, FLOOR)),
    target("deliveries a second, flat out", "flat-out", "deliveries_per_s", Limit::LeastTimes(8.0, NCHAN)),
    target("deliveries a second, flat out", "flat-out", "deliveries_per_s", Limit::LeastTimes(1.5, "axum")),
    target("memory per idle stream", "memory", "open_pss_per_connection_bytes", Limit::Most(2048.0, "B")),
    target("memory per stream after broadcasts", "memory", "after_pss_per_connection_bytes", Limit::Most(2048.0, "B")),
    target(
        "p99 of the others when 10 % never read, over without them",
        "slow",
        "latency_p99_ratio",
        Limit::Most(1.2, ""),
    ),
    target("server CPU per delivery, TLS", "transports", "tls_cpu", over_floor(1.15, Some((0.6, "us")))),
    target("server CPU per delivery, HTTP/2", "transports", "h2_cpu", over_floor(1.10, None)),
    target("server CPU per delivery, TLS and HTTP/2", "transports", "tls_h2_cpu", over_floor(1.20, Some((0.8, "us")))),
    target(
        "server CPU per delivery, TLS and HTTP/2, 4 streams a connection",
        "transports",
        "tls_h2_4_cpu",
        over_floor(0.35, None),
    ),
    target(
        "server CPU per delivery, TLS and HTTP/2, 100 streams a connection",
        "transports",
        "tls_h2_100_cpu",
        over_floor(0.15, None),
    ),
    target("server CPU per delivery, TLS and HTTP/2", "transports", "tls_h2_cpu", Limit::MostTimes(0.5, NCHAN)),
    target("server CPU per delivery, TLS and HTTP/2", "transports", "tls_h2_cpu", Limit::MostTimes(0.5, MERCURE)),
    target("memory per stream, TLS", "transports-memory", "tls_memory", more_than_plain(2304.0)),
    target("memory per stream, TLS and HTTP/2", "transports-memory", "tls_h2_memory", more_than_plain(2560.0)),
    target(
        "memory of each further stream of a connection",
        "transports-memory",
        "further_memory",
        Limit::Most(1229.0, "B"),
    ),
    target("memory per stream, TLS and HTTP/2", "transports-memory", "tls_h2_memory", Limit::MostTimes(0.1, NCHAN)),
    target("memory per stream, TLS and HTTP/2", "transports-memory", "tls_h2_memory", Limit::MostTimes(0.1, MERCURE)),
    target(
        "deliveries a second, flat out, TLS and HTTP/2 over plain",
        "transports-flat-out",
        "tls_h2_rate_ratio",
        Limit::Least(0.6, ""),
    ),
    target(
        "p99 of 500 streams while 2,000 clients shake hands, over before",
        "handshakes",
        "live_p99_ratio",
        Limit::Most(2.0, ""),
    ),
    target(
        "full handshakes a second and core, ECDSA",
        "handshakes",
        "handshakes_per_s_and_core",
        Limit::Least(2500.0, ""),
    ),
    target("p99 of 500 honest streams under attack, over calm", "abuse", "live_p99_ratio", Limit::Most(1.2, "")),
    target(
        "server CPU per delivery with tokens, over without",
        "tokens",
        "cpu_ratio",
        Limit::MostOrNoise(1.03, "cpu_noise"),
    ),
    target("p99 with tokens, over without", "tokens", "p99_ratio", Limit::MostOrNoise(1.05, "p99_noise")),
    target(
        "server CPU per delivery with a scrape each second, over without",
        "scraped",
        "cpu_ratio",
        Limit::MostOrNoise(1.03, "cpu_noise"),
    ),
    target(
        "p99 with a scrape each second, over without",
        "scraped",
        "p99_ratio",
        Limit::MostOrNoise(1.05, "p99_noise"),
    ),
];

const fn over_floor(times: f64, or_more: Option<(f64, &'static str)>) -> Limit {
    Limit::MostTimesFloor { times, floor: "plain_cpu", or_more }
}

const fn more_than_plain(bytes: f64) -> Limit {
    Limit::MostMore(bytes, "plain_memory", "B")
}

/// Whether a target was reached.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reached {
    Yes,
    No,
    /// The run has no figure for it.
    Unmeasured,
}

/// The verdict of a comparison on a target.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Verdict {
    /// Empty: it is about all cases.
    pub(crate) case: &'static str,
    pub(crate) what: &'static str,
    /// The target in words: "at most 1.10 x floor".
    pub(crate) target: String,
    /// The median over the rounds, which the target bounds.
    pub(crate) value: Option<f64>,
    pub(crate) reached: Reached,
    /// The finding in words: "1.05, reached".
    pub(crate) measured: String,
    /// All of it in one line.
    pub(crate) text: String,
}

impl Target {
    fn judge(&self, results: &Results) -> Verdict {
        let own = (self.case, FANFARE, self.figure);
        let (words, value, limit, is_least) = match self.limit {
            Limit::Most(most, unit) => (format!("at most {} {unit}", number(most)), results.median(own), most, false),
            Limit::MostTimes(most, peer) => {
                (format!("at most {most:.2} x {peer}"), results.ratio(own, (self.case, peer, self.figure)), most, false)
            }
            Limit::LeastTimes(least, peer) => (
                format!("at least {least:.1} x {peer}"),
                results.ratio(own, (self.case, peer, self.figure)),
                least,
                true,
            ),
            Limit::MostTimesOwn(most, case) => (
                format!("at most {most:.1} x that in {case}"),
                results.ratio(own, (case, FANFARE, self.figure)),
                most,
                false,
            ),
            Limit::Least(least, unit) => {
                (format!("at least {} {unit}", number(least)), results.median(own), least, true)
            }
            Limit::MostTimesFloor { times, floor, or_more } => {
                let more = or_more.map_or(String::new(), |(most, unit)| format!(", or {} {unit} more", number(most)));
                let words = format!("at most {times:.2} x {FLOOR}, plain{more}");
                (words, results.ratio(own, (self.case, FLOOR, floor)), times, false)
            }
            Limit::MostOrNoise(most, noise) => {
                let noise = results.spread((self.case, FANFARE, noise));
                let strays = noise.map_or(1.0, |noise| noise.max.max(1.0 / noise.min));
                let words = format!("at most {most:.2}, or the {strays:.2} that a repeat strays");
                (words, results.median(own), most.max(strays), false)
            }
            Limit::MostMore(most, than, unit) => {
                let words = format!("at most {} {unit} more than plain", number(most));
                (words, results.difference(own, (self.case, FANFARE, than)), most, false)
            }
        };
        let target = words.trim_end().to_owned();
        let is_near = self.is_near(results);
        let is_reached = |value| is_near || if is_least { value >= limit } else { value <= limit };
        let mut verdict = verdict(self.case, self.what, target, value, is_reached, limit);
        self.reserve(results, &mut verdict);
        verdict
    }

    /// Whether it lies so little above the floor that the ratio does not count.
    fn is_near(&self, results: &Results) -> bool {
        let Limit::MostTimesFloor { floor, or_more: Some((most, _)), .. } = self.limit else { return false };
        let more = results.difference((self.case, FANFARE, self.figure), (self.case, FLOOR, floor));
        more.is_some_and(|more| more <= most)
    }

    /// Fewer events cost less: a figure of a server that had a fault proves nothing.
    fn reserve(&self, results: &Results, verdict: &mut Verdict) {
        if verdict.value.is_none() {
            return;
        }
        let (other_case, reference) = match self.limit {
            Limit::Most(..) | Limit::Least(..) | Limit::MostOrNoise(..) | Limit::MostMore(..) => (self.case, None),
            Limit::MostTimesFloor { .. } => (self.case, Some(FLOOR)),
            Limit::MostTimes(_, peer) | Limit::LeastTimes(_, peer) => (self.case, Some(peer)),
            Limit::MostTimesOwn(_, case) => (case, None),
        };
        let own = [self.case, other_case].map(|case| results.damage_in(case, FANFARE));
        if let Some(damage) = own.iter().find(|damage| !damage.is_none()) {
            let why = if damage.has_loss() { "events were lost" } else { "there was a fault" };
            verdict.say(format!("{}, not counted: {why}", number(verdict.value.unwrap_or(f64::NAN))));
            verdict.reached = Reached::No;
            return;
        }
        if let Some(peer) = reference
            && let damage = results.damage_in(self.case, peer)
            && !damage.is_none()
        {
            let what = if damage.has_loss() { "lost events" } else { "had a fault" };
            verdict.say(format!("{}, but {peer} {what}", verdict.measured));
        }
    }
}

impl Verdict {
    fn say(&mut self, measured: String) {
        self.text = format!("{}: target: {}: {measured}", self.what, self.target);
        self.measured = measured;
    }
}

/// The verdicts on all targets of the cases in this comparison, measured or not.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    let of_cases = TARGETS.iter().filter(|target| results.has_case(target.case)).map(|target| target.judge(results));
    let what = "every event reaches every stream once and in order";
    let none = "nothing lost, duplicated or reordered".to_owned();
    let whole = verdict("", what, none, results.damage(FANFARE).map(|count| count as f64), |count| count == 0.0, 0.0);
    of_cases.chain([whole]).collect()
}

fn verdict(
    case: &'static str,
    what: &'static str,
    target: String,
    value: Option<f64>,
    is_reached: impl Fn(f64) -> bool,
    limit: f64,
) -> Verdict {
    let (reached, measured) = match value {
        None => (Reached::Unmeasured, "not measured".to_owned()),
        Some(value) if is_reached(value) => (Reached::Yes, format!("{}, reached", number(value))),
        Some(value) if limit == 0.0 => (Reached::No, format!("{}, missed", number(value))),
        Some(value) => {
            let off_percent = (value / limit - 1.0).abs() * 100.0;
            (Reached::No, format!("{}, missed by {} %", number(value), number(off_percent)))
        }
    };
    let text = format!("{what}: target: {target}: {measured}");
    Verdict { case, what, target, value, reached, measured, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::case;

    #[test]
    fn every_target_is_about_a_figure_of_its_case() {
        for target in TARGETS {
            let mut cases = vec![target.case];
            if let Limit::MostTimesOwn(_, other) = target.limit {
                cases.push(other);
            }
            for name in cases {
                let case = case::find(name).unwrap();
                assert!(case.figures.iter().any(|figure| figure.name == target.figure), "{}: {}", name, target.figure);
            }
            if let Limit::MostTimesFloor { floor: other, .. }
            | Limit::MostMore(_, other, _)
            | Limit::MostOrNoise(_, other) = target.limit
            {
                let figures = case::find(target.case).unwrap().figures;
                assert!(figures.iter().any(|figure| figure.name == other), "{}: {other}", target.case);
            }
        }
    }

    #[test]
    fn a_verdict_says_by_how_much() {
        let text = |value, limit: f64| {
            verdict("few", "answer", "at most 2 ms".to_owned(), value, |value| value <= limit, limit).text
        };
        assert_eq!(text(Some(1.5), 2.0), "answer: target: at most 2 ms: 1.50, reached");
        assert_eq!(text(Some(3.0), 2.0), "answer: target: at most 2 ms: 3.00, missed by 50.0 %");
        assert_eq!(text(Some(3.0), 0.0), "answer: target: at most 2 ms: 3.00, missed");
        assert_eq!(text(None, 2.0), "answer: target: at most 2 ms: not measured");
    }
}
