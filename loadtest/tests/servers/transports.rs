//! Streams and publishes over HTTP/2 and TLS, against the real Fanfare, alone and behind nginx.

use serde_json::Value;

use crate::site::{Fanfare, Front, Relay};
use crate::started::loadtest;

/// The exit status, the report if there is one, and the words on stderr.
fn run(args: &str) -> (i32, Value, String) {
    let output =
        loadtest(&args.split_whitespace().collect::<Vec<_>>()).args(["--json", "--quiet", "5s"]).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), json, String::from_utf8(output.stderr).unwrap())
}

/// Runs without a fault, and gives the report.
fn clean(args: &str) -> Value {
    let (status, json, said) = run(args);
    assert_eq!((status, said.as_str(), &json["faults"]), (0, "", &serde_json::json!([])), "{json}");
    json
}

#[test]
fn so_many_streams_share_an_http_2_connection_and_miss_nothing() {
    let fanfare = Fanfare::start();
    let relay = Relay::start(fanfare.address);
    let json = clean(&format!(
        "fanout --url http://{} --http 2 --streams-per-connection 4 --connections 22 --threads 1 --rate 200/s --events 50",
        relay.address
    ));
    assert_eq!((&json["deliveries"], &json["connections"]), (&(22 * 50).into(), &22.into()), "{json}");
    assert_eq!((&json["transport"], &json["streams_per_connection"]), (&"HTTP/2 without TLS".into(), &4.into()));
    // Six for the streams, and one for the publisher, which stays.
    assert_eq!((relay.accepted(), &json["publish_reconnects"]), (7, &0.into()), "{json}");
}

#[test]
fn every_scenario_has_http_2() {
    let fanfare = Fanfare::start();
    let at = format!("--url http://{} --http 2 --streams-per-connection 3", fanfare.address);
    let json = clean(&format!("fanout {at} --connections 10 --processes 2 --rate 200/s --events 20 --size 40000"));
    assert_eq!(json["deliveries"], 10 * 20, "{json}");
    let json = clean(&format!("channels {at} --channels 4 --connections 12 --rate 200/s --events 40"));
    assert_eq!(json["deliveries"], 3 * 40, "{json}");
    let json = clean(&format!("targeted {at} --connections 5 --rate 200/s --events 40"));
    assert_eq!(json["deliveries"], 40, "{json}");
    let json = clean(&format!("flat-out {at} --connections 0 --publishers 2 --batch 100 --events 2000"));
    assert_eq!((&json["published"], &json["publish_reconnects"]), (&2000.into(), &0.into()), "{json}");
    let json = clean(&format!("churn {at} --connections 12 --churn 50/s --rate 100/s --duration 500ms"));
    assert!(json["reconnects"].as_u64().unwrap() > 0, "{json}");
    let storm = "storm --connections 20 --stay 4 --missed 50 --before 300ms --away 100ms --after 300ms --rate 100/s";
    let json = clean(&format!("{storm} {at}"));
    assert_eq!((&json["storm_replayed"], &json["reconnects"]), (&json["replay_due"], &16.into()), "{json}");
    assert!(json["storm_replayed"].as_u64().unwrap() >= 16 * 50, "{json}");
    clean(&format!("speeds {at} --connections 10 --events 300 --nap 200ms --own-pace 200ms"));
}

#[test]
fn windows_that_stay_shut_hold_up_nobody_else() {
    let fanfare = Fanfare::start();
    let json = clean(&format!(
        "slow --url http://{} --http 2 --streams-per-connection 4 --connections 16 --stuck 25% --slow 25% \
         --rate 200/s --events 200 --size 4000",
        fanfare.address
    ));
    assert_eq!((&json["deliveries"], &json["lost"]), (&(8 * 200).into(), &0.into()), "{json}");
    // A slow stream takes 4,096 bytes a second. More is only there if its window let more in than it reads.
    assert!(json["slow_deliveries"].as_u64().unwrap() < 4 * 10, "{json}");
}

#[test]
fn streams_and_publishes_go_over_tls_in_both_versions() {
    let fanfare = Fanfare::start();
    let front = Front::start(fanfare.address);
    let at = format!("--tls-ca {} --connections 20 --rate 200/s --events 50", front.authority());
    let [both, old] = [front.both, front.old].map(|address| format!("https://localhost:{}", address.port()));
    for (url, http, transport) in [
        (&both, "--http 1.1", "HTTP/1.1 over TLS"),
        (&old, "--http 1.1 --processes 2", "HTTP/1.1 over TLS"),
        (&both, "--http 2", "HTTP/2 over TLS"),
        (&both, "--http 2 --streams-per-connection 8", "HTTP/2 over TLS"),
    ] {
        let json = clean(&format!("fanout --url {url} {http} {at}"));
        assert_eq!((&json["deliveries"], &json["transport"]), (&(20 * 50).into(), &transport.into()), "{json}");
        assert_eq!(json["publish_reconnects"], 0, "{http}: {json}");
    }
    for http in ["1.1", "2"] {
        let json = clean(&format!(
            "flat-out --url {both} --http {http} --tls-ca {} --connections 0 --batch 50 --events 1000",
            front.authority()
        ));
        assert_eq!(json["published"], 1000, "{json}");
    }
}

#[test]
fn a_connection_that_takes_no_more_requests_is_replaced() {
    let fanfare = Fanfare::start();
    let front = Front::start(fanfare.address);
    let at = format!("--url https://localhost:{} --tls-ca {}", front.tired.port(), front.authority());
    for http in ["--http 1.1", "--http 2 --streams-per-connection 16"] {
        let json = clean(&format!("fanout {at} {http} --connections 40 --rate 200/s --events 55"));
        assert_eq!((&json["deliveries"], &json["publish_reconnects"]), (&(40 * 55).into(), &5.into()), "{json}");
    }
}

#[test]
fn a_server_that_cannot_be_trusted_or_does_not_agree_is_an_error() {
    let fanfare = Fanfare::start();
    let front = Front::start(fanfare.address);
    let (trusted, other) = (front.authority(), front.other_authority());
    let (both, old) = (front.both.port(), front.old.port());
    let unknown =
        "the certificate of localhost is not accepted: invalid peer certificate: UnknownIssuer (--tls-ca names";
    let name = "the certificate of 127.0.0.1 is not accepted: invalid peer certificate: certificate not valid for name";
    let alpn = "the target does not agree to HTTP/2 over TLS (ALPN)";
    for (args, words) in [
        (format!("--url https://localhost:{both} --tls-ca {other}"), unknown),
        (format!("--url https://localhost:{both}"), unknown),
        (format!("--url https://127.0.0.1:{both} --tls-ca {trusted}"), name),
        (format!("--url https://localhost:{old} --tls-ca {trusted} --http 2"), alpn),
        (format!("--url https://{} --tls-ca {trusted}", fanfare.address), "the TLS handshake with 127.0.0.1 failed"),
        (format!("--url http://127.0.0.1:{old} --http 2"), "stream 1 of 1: HTTP/2: "),
    ] {
        let (status, json, said) = run(&format!("fanout --connections 1 --rate 9/s --events 1 {args}"));
        assert_eq!((status, &json, said.lines().count()), (1, &Value::Null, 1), "{args}: {said}");
        assert!(said.contains(words), "{args}: {said}");
        // A publisher finds the same.
        let (status, _, said) = run(&format!("flat-out --connections 0 --events 1 {args}"));
        let words = words.strip_prefix("stream 1 of 1: ").unwrap_or(words);
        assert!(status == 1 && said.contains(words), "{args}: {said}");
    }
    let none = front.no_authority();
    let (status, _, said) =
        run(&format!("fanout --connections 1 --rate 9/s --events 1 --url https://localhost:{both} --tls-ca {none}"));
    assert_eq!((status, said), (2, format!("fanfare-loadtest: --tls-ca {none} has no certificate\n")));
}

#[test]
fn a_server_that_allows_fewer_streams_on_a_connection_says_how_many() {
    let fanfare = Fanfare::start();
    let (status, _, said) = run(&format!(
        "fanout --url http://{} --http 2 --streams-per-connection 5000 --connections 2 --rate 9/s --events 1",
        fanfare.address
    ));
    let words = "streams on a connection, fewer than --streams-per-connection 5000";
    assert!(status == 1 && said.contains(words), "{said}");
}
