//! Changes of counters for each second, between two looks at the figures.

use std::time::Duration;

use fanfare_http::Figures;
use serde_json::{Map, Value, json};

/// A counter, by its name in the answer.
type Counter = (&'static str, fn(&Figures) -> u64);

const COUNTERS: [Counter; 13] = [
    ("publishes", |figures| sum(&figures.publishes)),
    ("events", |figures| figures.events),
    ("event_bytes", |figures| figures.event_bytes),
    ("deliveries", |figures| figures.deliveries.written),
    ("delivered_bytes", |figures| figures.deliveries.written_bytes),
    ("dropped", |figures| figures.deliveries.dropped),
    ("repaired", |figures| figures.deliveries.repaired),
    ("lost", |figures| figures.deliveries.lost),
    ("gaps", |figures| sum(&figures.gaps)),
    ("opened", |figures| sum(&figures.opened)),
    ("closed", |figures| sum(&figures.closed)),
    ("requests", |figures| figures.requests),
    ("refusals", |figures| sum(&figures.refusals)),
];

fn sum<T>(counts: &[(T, u64)]) -> u64 {
    counts.iter().map(|(_, count)| count).sum()
}

/// The rates between `before` and `now`, with `between` as the time that has passed.
pub(crate) fn rates(before: &Figures, now: &Figures, between: Duration) -> Value {
    let seconds = between.as_secs_f64().max(0.001);
    let rate = |counter: fn(&Figures) -> u64| {
        // Far below 2^53, so nothing is rounded away. Two decimals are what a person reads.
        #[expect(clippy::cast_precision_loss)]
        let change = counter(now).saturating_sub(counter(before)) as f64;
        json!((change / seconds * 100.0).round() / 100.0)
    };
    COUNTERS.into_iter().map(|(name, counter)| (name.to_owned(), rate(counter))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_change_for_each_second_and_never_below_0() {
        let before = Figures { events: 10, requests: 5, ..Figures::default() };
        let now = Figures { events: 15, requests: 2, ..Figures::default() };
        let rates = rates(&before, &now, Duration::from_millis(2_000));
        assert_eq!((&rates["events"], &rates["requests"], &rates["lost"]), (&json!(2.5), &json!(0.0), &json!(0.0)));
    }
}
