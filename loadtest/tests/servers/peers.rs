//! Servers that are not ours are told as they are: a plain Node broker delivers everything to readers that read, and
//! says nothing of its losses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::certificates::Certificates;

/// Ends with the test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // The program may have ended by itself. Then there is nothing to end.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// The broker, and its URL.
fn start(tls: &[String]) -> (Node, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/node.mjs");
    let spawned = Command::new("node").args([script, "0"]).args(tls).stdout(Stdio::piped()).spawn();
    let mut node = Node(spawned.expect("node is missing: install Debian's nodejs, or from nodejs.org"));
    let mut line = String::new();
    BufReader::new(node.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
    (node, url)
}

fn run(args: &str) -> (i32, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_fanfare-loadtest")).args(args.split(' ')).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}")))
}

#[test]
fn a_node_broker_delivers_to_those_that_read_and_forgets_those_that_leave() {
    let (node, url) = start(&[]);
    let at = format!("--url {url} --preset floor --json --quiet 3s --pid {}", node.0.id());
    let (status, json) = run(&format!("fanout --connections 100 --rate 200/s --events 100 {at}"));
    assert_eq!((status, &json["deliveries"], &json["lost"]), (0, &10_000.into(), &0.into()), "{json}");
    assert!(json["cpu_per_delivery_us"].as_f64().unwrap() > 0.0, "{json}");
    let (status, json) = run(&format!("flat-out --connections 50 --events 500 --publishers 3 {at}"));
    assert_eq!((status, &json["deliveries"]), (0, &25_000.into()), "{json}");
    let (status, json) = run(&format!("churn --connections 40 --churn 50/s --rate 100/s --duration 1s {at}"));
    assert_eq!((status, &json["visitors_lost"]), (0, &0.into()), "{json}");
    // The broker knows no channels, so the streams that stay get the others' events as well: that is damage.
    let storm = "storm --connections 20 --stay 2 --missed 50 --before 300ms --away 100ms --after 300ms --rate 100/s";
    let (status, json) = run(&format!("{storm} {at}"));
    assert_eq!((status, &json["lost"], &json["storm_replayed"]), (1, &0.into(), &0.into()), "{json}");
    assert!(json["damaged"].as_u64().unwrap() >= 2 * 50, "{json}");
    // 18 streams missed 50 events, and some perhaps one more while they came back.
    let lost = json["storm_lost"].as_u64().unwrap();
    assert!((18 * 50..=18 * 52).contains(&lost), "{json}");
}

#[test]
fn a_node_broker_delivers_over_tls_in_both_versions() {
    let certificates = Certificates::make();
    let (_node, url) = start(&["server.crt", "server.key"].map(|name| certificates.file(name)));
    // Its certificate is for a name.
    let (url, authority) = (url.replace("127.0.0.1", "localhost"), certificates.file("authority.crt"));
    let at = format!("--url {url} --tls-ca {authority} --preset floor --json --quiet 3s");
    for http in ["--http 1.1", "--http 2", "--http 2 --streams-per-connection 20"] {
        let (status, json) = run(&format!("fanout --connections 60 --rate 100/s --events 50 {http} {at}"));
        assert_eq!((status, &json["deliveries"], &json["lost"]), (0, &3000.into(), &0.into()), "{http}: {json}");
    }
}
