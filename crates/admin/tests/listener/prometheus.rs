//! A real Prometheus scrapes the listener, with native histograms, and answers queries.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

use fanfare_admin::{Admin, AdminToken};
use serde_json::Value;

use crate::support::{
    client::Client,
    listener::Listener,
    parts::{program, repository_file},
    until,
};

/// A Prometheus with a directory of its own. It ends with this.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(directory: &Path, target: &str, token: &str, features: &[&str]) -> Self {
        let config = directory.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n- job_name: fanfare\n  \
            authorization: {{credentials: {token}}}\n  static_configs: [{{targets: ['{target}']}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        // Prometheus does not say which port it has. Between these two lines somebody else could take it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(features)
            .stdout(Stdio::null())
            .stderr(File::create(directory.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut prometheus = Self { child, address };
        until("Prometheus answers", || {
            assert!(
                prometheus.child.try_wait().unwrap().is_none(),
                "{}",
                std::fs::read_to_string(directory.join("log")).unwrap()
            );
            std::net::TcpStream::connect(address).is_ok()
        });
        prometheus
    }

    /// The results of a query at this moment.
    fn query(&self, query: &str) -> Vec<Value> {
        let query = query.replace('+', "%2B").replace(' ', "%20").replace('"', "%22");
        let mut client = Client::open(self.address);
        client.send(format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: localhost\r\n\r\n"));
        let answer = String::from_utf8(client.until_closed()).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// The number that a query gives once it gives one.
    fn number(&self, query: &str) -> f64 {
        let mut found = None;
        until(query, || {
            found = self.query(query).first().and_then(|result| result["value"][1].as_str()?.parse().ok());
            found.is_some()
        });
        found.unwrap()
    }
}

fn listener() -> Listener {
    let token = Some(AdminToken::new("correct-horse").unwrap());
    Listener::with(Admin { token, channel_metrics_max: 10, ..Admin::default() })
}

#[test]
fn prometheus_takes_native_histograms() {
    let (listener, directory) = (listener(), tempfile::tempdir().unwrap());
    let target = listener.url().replace("http://", "");
    let prometheus =
        Prometheus::start(directory.path(), &target, "correct-horse", &["--enable-feature=native-histograms"]);
    assert_eq!(prometheus.number("up").to_bits(), 1.0_f64.to_bits());
    assert_eq!(prometheus.number("fanfare_deliveries_written_total").to_bits(), 55.0_f64.to_bits());
    assert_eq!(prometheus.number("fanfare_channel_connections{channel=\"news\"}").to_bits(), 3.0_f64.to_bits());
    // Functions of native histograms, which have no series `_bucket`.
    assert_eq!(prometheus.number("histogram_count(fanfare_publish_to_socket_seconds)").to_bits(), 3.0_f64.to_bits());
    let sum = prometheus.number("histogram_sum(fanfare_publish_to_socket_seconds)");
    assert!((sum - 0.000_21).abs() < 1e-9, "{sum}");
    let median = prometheus.number("histogram_quantile(0.5, fanfare_publish_to_socket_seconds)");
    let bounds = 2_f64.powf(-57.0 / 4.0)..=2_f64.powi(-14);
    assert!(bounds.contains(&median), "{median} is not in the bucket of {bounds:?}");
    assert_eq!(prometheus.number("histogram_count(fanfare_fan_out_seconds)").to_bits(), 0.0_f64.to_bits());
}

#[test]
fn prometheus_takes_classic_histograms() {
    let (listener, directory) = (listener(), tempfile::tempdir().unwrap());
    let target = listener.url().replace("http://", "");
    let prometheus = Prometheus::start(directory.path(), &target, "correct-horse", &[]);
    assert_eq!(prometheus.number("up").to_bits(), 1.0_f64.to_bits());
    assert_eq!(prometheus.number("fanfare_event_bytes_total").to_bits(), 2_140.0_f64.to_bits());
    assert_eq!(prometheus.number("fanfare_publish_to_socket_seconds_bucket{le=\"+Inf\"}").to_bits(), 3.0_f64.to_bits());
    let median = prometheus.number("histogram_quantile(0.5, fanfare_publish_to_socket_seconds_bucket)");
    assert!(median > 0.0 && median <= 2_f64.powi(-14), "{median}");
}

#[test]
fn prometheus_without_the_token_sees_that_it_is_refused() {
    let (listener, directory) = (listener(), tempfile::tempdir().unwrap());
    let target = listener.url().replace("http://", "");
    let prometheus = Prometheus::start(directory.path(), &target, "wrong", &[]);
    assert_eq!(prometheus.number("up").to_bits(), 0.0_f64.to_bits());
    assert!(prometheus.query("fanfare_ready").is_empty());
}

#[test]
fn every_query_of_the_dashboard_for_grafana_finds_something() {
    let (listener, directory) = (listener(), tempfile::tempdir().unwrap());
    let target = listener.url().replace("http://", "");
    let prometheus = Prometheus::start(directory.path(), &target, "correct-horse", &[]);
    let dashboard: Value = serde_json::from_str(&repository_file("packaging/grafana/fanfare.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut queries = 0;
    for target in targets {
        let query = target["expr"].as_str().unwrap();
        let query = query.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$instance", ".*");
        prometheus.number(&query.replace("$job", ".*"));
        queries += 1;
    }
    assert!(queries > 40, "{queries}");
}

#[test]
fn every_alarm_of_the_guide_is_a_query() {
    let (listener, directory) = (listener(), tempfile::tempdir().unwrap());
    let target = listener.url().replace("http://", "");
    let prometheus = Prometheus::start(directory.path(), &target, "correct-horse", &[]);
    let guide = repository_file("docs/guide/admin.md");
    let rows =
        guide.lines().skip_while(|line| *line != "| query | says |").skip(2).take_while(|line| line.starts_with("| `"));
    let queries: Vec<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(queries.len(), 5);
    for query in queries {
        // The left side has a number, and the right side decides whether that is worth an alarm.
        let (left, _) = query.split_once(['=', '>']).unwrap();
        prometheus.number(left.trim());
        assert!(prometheus.query(query).is_empty(), "{query}");
    }
}
