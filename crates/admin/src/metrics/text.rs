//! The text format 0.0.4 of Prometheus, which `prometheus-client` does not write. It differs from OpenMetrics in the names of counters,
//! which have their `_total` in each line, in units, which have no line, and in the end, which has none either.

use std::fmt::{self, Write as _};

use crate::metrics::{
    buckets,
    family::{Family, Kind, Number, Series},
};

pub(crate) fn encode(families: &[Family]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for family in families {
        let name = family.full_name();
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", family.help)?;
        for series in &family.series {
            encode_series(&mut text, &name, series)?;
        }
    }
    Ok(text)
}

fn encode_series(text: &mut String, name: &str, series: &Series) -> fmt::Result {
    let labels: Vec<_> = series.labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    match &series.value {
        Number::Whole(number) => writeln!(text, "{name}{labels} {number}"),
        Number::Float(number) => writeln!(text, "{name}{labels} {number}"),
        // No histogram has labels.
        Number::Times(times) => {
            let mut below = 0;
            for (upper, count) in buckets::classic(&times.buckets) {
                below += count;
                let upper = if upper.is_finite() { upper.to_string() } else { "+Inf".to_owned() };
                writeln!(text, "{name}_bucket{{le=\"{upper}\"}} {below}")?;
            }
            writeln!(text, "{name}_sum {}\n{name}_count {below}", times.sum)
        }
    }
}

/// Names of channels have no control characters, so a line break is escaped for nobody but whoever changes that.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use fanfare_http::Histogram;

    use super::*;

    #[test]
    fn lines_are_those_of_the_format() {
        let times = Histogram { buckets: vec![(0, 2), (1, 1)], sum: 3.5 };
        let families = [
            Family::counter("a", "An a.").by("x", [("q\"\\\n", 3_u64)]),
            Family::gauge("b", "A b.").bytes().with(0.5),
            Family::histogram("c", "A c.", &times),
        ];
        let text = encode(&families).unwrap();
        assert!(
            text.starts_with("# HELP a_total An a.\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\"} 3\n"),
            "{text}"
        );
        assert!(
            text.contains("# TYPE b_bytes gauge\nb_bytes 0.5\n# HELP c_seconds A c.\n# TYPE c_seconds histogram\n")
        );
        assert!(
            text.contains(
                "c_seconds_bucket{le=\"0.5\"} 0\nc_seconds_bucket{le=\"1\"} 2\nc_seconds_bucket{le=\"2\"} 3\n"
            )
        );
        assert!(text.ends_with("c_seconds_bucket{le=\"+Inf\"} 3\nc_seconds_sum 3.5\nc_seconds_count 3\n"), "{text}");
    }
}
