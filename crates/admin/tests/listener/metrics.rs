//! `/metrics`: its formats, its numbers, and what is said of it elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
};

use fanfare_admin::Admin;
use serde_json::Value;

use crate::support::{
    listener::Listener,
    parts::{program, repository_file},
};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

fn scrape(listener: &Listener, accept: &str) -> String {
    let answer = listener.client().request("GET", "/metrics", &[("accept", accept)], b"");
    assert_eq!(answer.status, 200);
    answer.text()
}

/// The value of each series, by the text before it.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| line.rsplit_once(' ').unwrap_or_else(|| panic!("no series: {line}")));
    series.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The names and types that a text declares.
fn declared(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

#[test]
fn the_numbers_are_those_of_the_figures() {
    let text = scrape(&Listener::new(), "*/*");
    let series = series(&text);
    for (name, value) in [
        ("fanfare_connections{transport=\"http1\"}", 3.0),
        ("fanfare_connections{transport=\"https2\"}", 0.0),
        ("fanfare_connections_opened_total{transport=\"program\"}", 2.0),
        ("fanfare_connections_closed_total{reason=\"client-gone\"}", 7.0),
        ("fanfare_publishes_total{outcome=\"published\"}", 20.0),
        ("fanfare_deliveries_written_total", 55.0),
        ("fanfare_delivered_bytes_total", 6_800.0),
        ("fanfare_gaps_total{reason=\"restart\"}", 1.0),
        ("fanfare_refusals_total{rule=\"not-granted\"}", 2.0),
        ("fanfare_inbox_messages{shard=\"0\"}", 3.0),
        ("fanfare_inbox_bytes{shard=\"1\"}", 0.0),
        ("fanfare_ring_limit_bytes", 67_108_864.0),
        ("fanfare_uptime_seconds", 86_400.0),
        ("fanfare_ready", 1.0),
        ("fanfare_journal_shared", 0.0),
        ("fanfare_journal_info{journal=\"memory\"}", 1.0),
        ("fanfare_publish_to_socket_seconds_bucket{le=\"0.00006103515625\"}", 2.0),
        ("fanfare_publish_to_socket_seconds_bucket{le=\"0.000244140625\"}", 3.0),
        ("fanfare_publish_to_socket_seconds_bucket{le=\"+Inf\"}", 3.0),
        ("fanfare_publish_to_socket_seconds_count", 3.0),
        ("fanfare_publish_to_socket_seconds_sum", 0.000_21),
        ("fanfare_fan_out_seconds_count", 0.0),
    ] {
        assert_eq!(series.get(name).map(|value| value.to_bits()), Some(f64::to_bits(value)), "{name}");
    }
    assert!(series.contains_key(&format!("fanfare_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))));
    assert!(series["process_resident_memory_bytes"] > 1_000_000.0);
    assert!(series["process_open_fds"] > 3.0 && series["process_max_fds"] > series["process_open_fds"]);
    assert!(series["process_start_time_seconds"] > 1_700_000_000.0);
}

#[test]
fn both_texts_have_the_same_series() {
    let listener = Listener::new();
    let open_metrics = scrape(&listener, OPEN_METRICS);
    assert!(open_metrics.ends_with("# EOF\n"));
    assert!(open_metrics.contains(
        "# TYPE fanfare_event_bytes counter\n# UNIT fanfare_event_bytes bytes\nfanfare_event_bytes_total 2140\n"
    ));
    // A bound may be written in two ways: 0.00006103515625 is 6.103515625e-5.
    let names = |text: &str| -> BTreeSet<String> {
        let name = |series: &String| match series.split_once("{le=\"") {
            Some((name, bound)) => format!("{name}{:e}", bound.trim_end_matches("\"}").parse::<f64>().unwrap()),
            None => series.clone(),
        };
        series(text).keys().map(name).collect()
    };
    assert_eq!(names(&open_metrics), names(&scrape(&listener, "text/plain")));
}

#[test]
fn the_format_is_the_one_that_is_asked_for() {
    let listener = Listener::new();
    for (accept, kind) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ] {
        let answer = listener.client().request("GET", "/metrics", &[("accept", accept)], b"");
        assert_eq!(answer.field("content-type"), Some(kind));
    }
}

#[test]
fn promtool_finds_no_fault() {
    let text = scrape(&Listener::with(Admin { channel_metrics_max: 10, ..Admin::default() }), "*/*");
    let mut promtool = Command::new(program("promtool"));
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn no_label_has_a_value_that_a_client_decides() {
    let listener = Listener::new();
    let labels = |text: &str| -> BTreeSet<String> {
        let labels =
            series(text).into_keys().filter_map(|name| Some(name.split_once('{')?.1.split_once('=')?.0.to_owned()));
        labels.collect()
    };
    let fixed = ["journal", "le", "outcome", "reason", "rule", "shard", "transport", "version"].map(str::to_owned);
    assert_eq!(labels(&scrape(&listener, "*/*")), BTreeSet::from(fixed.clone()));
    let some = Listener::with(Admin { channel_metrics_max: 2, ..Admin::default() });
    let text = scrape(&some, "*/*");
    assert_eq!(labels(&text), fixed.into_iter().chain(["channel".to_owned()]).collect());
    let of_channels =
        |name: &str| text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        of_channels("fanfare_channel_connections{"),
        ["fanfare_channel_connections{channel=\"a/b c\"} 1", "fanfare_channel_connections{channel=\"news\"} 3"],
        "the first two"
    );
}

#[test]
fn a_name_with_quotes_breaks_no_line() {
    let listener = Listener::with(Admin { channel_metrics_max: 1, ..Admin::default() });
    let mean = crate::support::made_up::channel("a\\\"} 1 # {x=\"");
    listener.made_up.world().channels = vec![(mean, fanfare_http::ChannelAccount::default())];
    for accept in ["*/*", OPEN_METRICS] {
        let text = scrape(&listener, accept);
        assert!(text.contains("fanfare_channel_connections{channel=\"a\\\\\\\"} 1 # {x=\\\"\"} 0\n"), "{text}");
    }
}

/// The rows of the guide, as they follow from what a scrape declares.
fn rows(text: &str) -> Vec<String> {
    let row = |declared: &str| {
        let (name, help) = declared.strip_prefix("# HELP ")?.split_once(' ')?;
        let kind = text.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")))?;
        let label = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once('='));
        let label = label.map_or("–".to_owned(), |(label, _)| format!("`{label}`"));
        Some(format!("| `{name}` | {kind} | {label} | {help} |"))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_guide_lists_every_metric_and_no_other() {
    let listener = Listener::with(Admin { channel_metrics_max: 1, ..Admin::default() });
    let rows = rows(&scrape(&listener, "*/*"));
    assert!(rows.len() > 50, "{rows:?}");
    let guide = repository_file("docs/guide/admin.md");
    let table = guide.lines().skip_while(|line| *line != "| name | type | label | what |").skip(2);
    let listed: Vec<_> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(listed, rows, "the table has to be:\n{}", rows.join("\n"));
}

#[test]
fn the_dashboard_for_grafana_asks_for_metrics_that_there_are() {
    let text = scrape(&Listener::with(Admin { channel_metrics_max: 1, ..Admin::default() }), "*/*");
    let known: BTreeSet<String> = declared(&text)
        .into_iter()
        .flat_map(|(name, kind)| match kind.as_str() {
            "histogram" => ["", "_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
            _ => vec![name],
        })
        .collect();
    let dashboard: Value = serde_json::from_str(&repository_file("packaging/grafana/fanfare.json")).unwrap();
    let mut asked = BTreeSet::new();
    expressions(&dashboard, &mut |expression| {
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        asked.extend(
            words.filter(|word| word.starts_with("fanfare_") || word.starts_with("process_")).map(str::to_owned),
        );
    });
    assert!(asked.len() > 20, "{asked:?}");
    assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Every query of a dashboard.
fn expressions(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if matches!(name.as_str(), "expr" | "query" | "definition") => take(text),
                    _ => expressions(value, take),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, take)),
        _ => {}
    }
}
