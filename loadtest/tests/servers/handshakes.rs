//! A crowd that shakes hands at once, beside standing streams and alone, against the floor.

use serde_json::Value;

use crate::certificates::Certificates;
use crate::site::Relay;
use crate::started::{Floor, loadtest};

/// A crowd may be through before a publisher that stands still publishes again.
const RUNS_MAX: usize = 5;

/// The exit status, the report if there is one, and the words on stderr.
fn run(args: &str) -> (i32, Value, String) {
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = loadtest(&["handshakes", "--preset", "floor", "--json"]).args(args).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), json, String::from_utf8(output.stderr).unwrap())
}

/// A floor with TLS, and the flags that lead to it.
fn floor() -> (Certificates, Floor, String) {
    let certificates = Certificates::make();
    let floor = Floor::start_tls(&certificates);
    let (port, authority) = (floor.address.port(), certificates.file("authority.crt"));
    let at = format!("--url https://localhost:{port} --tls-ca {authority} --pid {}", floor.child.id());
    (certificates, floor, at)
}

#[test]
fn the_standing_streams_and_the_handshakes_are_told() {
    let (_certificates, _floor, at) = floor();
    for http in ["--http 1.1", "--http 2 --streams-per-connection 4", "--processes 2"] {
        let args = "--connections 20 --newcomers 60 --rate 500/s --before 500ms --after 300ms";
        let mut runs = (0..RUNS_MAX).map(|_| run(&format!("{args} {http} {at}")));
        let is_live = |(_, json, _): &(i32, Value, String)| json["live_during_deliveries"] != 0;
        let (status, json, said) = runs.find(is_live).expect("the publisher stood still in every crowd");
        assert_eq!((status, said.as_str(), &json["faults"]), (0, "", &serde_json::json!([])), "{json}");
        assert_eq!((&json["handshakes"], &json["lost"]), (&60.into(), &0.into()), "{json}");
        for name in ["live_before_p50_ms", "live_before_p99_ms", "live_during_p99_ms", "live_p99_ratio"] {
            assert!(json[name].as_f64().unwrap() > 0.0, "{name}: {json}");
        }
        for name in ["handshake_p50_ms", "handshake_p99_ms", "handshakes_per_s", "handshakes_took_ms"] {
            assert!(json[name].as_f64().unwrap() > 0.0, "{name}: {json}");
        }
        assert!(json["live_before_deliveries"].as_u64().unwrap() >= 20 * 200, "{json}");
    }
}

#[test]
fn handshakes_alone_say_what_each_costs_the_server() {
    let (_certificates, _floor, at) = floor();
    let (status, json, said) = run(&format!("--connections 0 --newcomers 200 --before 300ms --after 300ms {at}"));
    assert_eq!((status, said.as_str(), &json["handshakes"]), (0, "", &200.into()), "{json}");
    let cpu_us = json["cpu_per_handshake_us"].as_f64().unwrap();
    assert!(cpu_us > 20.0, "{json}");
    assert!((json["handshakes_per_s_and_core"].as_f64().unwrap() * cpu_us - 1e6).abs() < 1.0, "{json}");
    assert_eq!(json["live_p99_ratio"], Value::Null, "{json}");
}

#[test]
fn newcomers_that_are_not_let_in_are_a_fault() {
    let (certificates, floor, _) = floor();
    let relay = Relay::start_for(floor.address, 30);
    let (port, authority) = (relay.address.port(), certificates.file("authority.crt"));
    let args = "--connections 5 --newcomers 60 --rate 200/s --before 300ms --after 300ms";
    let (status, json, said) = run(&format!("{args} --url https://localhost:{port} --tls-ca {authority}"));
    let words = "of 60 newcomers could not connect; the first: the TLS handshake with localhost failed";
    assert!(status == 1 && said.contains(words), "{said}");
    // The streams, the publisher, and perhaps a first look have taken some of the 30.
    assert!((20..30).contains(&json["handshakes"].as_u64().unwrap()), "{json}");
    assert_eq!(json["lost"], 0, "{json}");
}

#[test]
fn without_tls_there_are_no_handshakes() {
    let (status, _, said) = run("--url http://127.0.0.1:9");
    assert_eq!((status, said.as_str()), (2, "fanfare-loadtest: there are handshakes with https:// only\n"));
}
