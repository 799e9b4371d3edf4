//! An attacker beside honest streams, against the floor, which refuses nobody.

use serde_json::Value;

use crate::certificates::Certificates;
use crate::started::{Floor, loadtest};

/// On a busy machine an attacker, who yields to all others, may have no turn.
const RUNS_MAX: usize = 5;

/// The exit status, the report if there is one, and the words on stderr.
fn run(args: &str) -> (i32, Value, String) {
    let args: Vec<&str> = args.split_whitespace().collect();
    let small = ["--connections", "20", "--rate", "200/s", "--before", "500ms", "--attack", "2s", "--held", "30"];
    let output = loadtest(&["abuse", "--preset", "floor", "--json"]).args(small).args(args).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), json, String::from_utf8(output.stderr).unwrap())
}

fn is_served(attack: &Value, kind: &str) -> bool {
    attack[kind]["statuses"]["200"].as_u64().is_some_and(|count| count > 0)
}

#[test]
fn honest_streams_and_what_the_attacker_was_given_are_told() {
    let floor = Floor::start();
    let (status, json, said) = run(&format!("--url http://{} --pid {}", floor.address, floor.child.id()));
    assert_eq!((status, said.as_str(), &json["faults"]), (0, "", &serde_json::json!([])), "{json}");
    assert_eq!((&json["lost"], &json["closed"]), (&0.into(), &0.into()), "{json}");
    for name in ["live_before_p99_ms", "live_during_p99_ms", "live_p99_ratio", "attack_server_cores"] {
        assert!(json[name].as_f64().unwrap() > 0.0, "{name}: {json}");
    }
    let attack = &json["attack"];
    // The floor lets everybody do everything: a socket is held, and a `GET` is a stream.
    assert_eq!((&attack["sockets"]["open_max"], &attack["sockets"]["refused"]), (&30.into(), &0.into()), "{json}");
    for kind in ["streams", "requests", "http2"] {
        assert!(is_served(attack, kind), "{kind}: {json}");
    }
    assert!((1..=64).contains(&attack["bodies"]["open_max"].as_u64().unwrap()), "{json}");
}

#[test]
fn the_attack_goes_over_what_the_streams_go_over() {
    let certificates = Certificates::make();
    let floor = Floor::start_tls(&certificates);
    let (port, authority) = (floor.address.port(), certificates.file("authority.crt"));
    let over = format!("--url https://localhost:{port} --tls-ca {authority} --http 2 --kinds streams,http2");
    let served = |(status, json, said): (i32, Value, String)| {
        assert_eq!((status, said.as_str()), (0, ""), "{json}");
        let attack = &json["attack"];
        assert_eq!(attack.as_object().unwrap().keys().collect::<Vec<_>>(), ["streams", "http2"], "{json}");
        is_served(attack, "streams") && is_served(attack, "http2")
    };
    assert!((0..RUNS_MAX).any(|_| served(run(&over))), "no handshake of the attacker was over in any run");
}
