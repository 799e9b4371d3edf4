//! The floor over TLS and HTTP/2: every subscriber gets every event once and in order, however streams share
//! connections.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::certificates::Certificates;
use crate::started::{Floor, PATIENCE, loadtest};

/// Runs without a fault, and gives the report.
fn clean(args: &str) -> Value {
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = loadtest(&args).args(["--preset", "floor", "--json", "--quiet", "5s"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!((output.status.code(), &json["faults"]), (Some(0), &serde_json::json!([])), "{json}");
    json
}

/// Two floors, and the flags that reach them in each way, with TLS and without.
fn each_transport() -> (Certificates, [Floor; 2], Vec<String>) {
    let certificates = Certificates::make();
    let (plain, sealed) = (Floor::start(), Floor::start_tls(&certificates));
    let plain_at = format!("--url http://{}", plain.address);
    let port = sealed.address.port();
    let sealed_at = format!("--url https://localhost:{port} --tls-ca {}", certificates.file("authority.crt"));
    let shared = "--http 2 --streams-per-connection 4";
    let all = [
        format!("{plain_at} --http 2"),
        format!("{plain_at} {shared}"),
        sealed_at.clone(),
        format!("{sealed_at} --http 2"),
        format!("{sealed_at} {shared}"),
    ];
    (certificates, [plain, sealed], all.into())
}

#[test]
fn every_event_reaches_every_stream_over_each_transport() {
    let (_certificates, _floors, all) = each_transport();
    for at in all {
        let json = clean(&format!("fanout {at} --connections 22 --rate 200/s --events 50"));
        assert_eq!(json["deliveries"], 22 * 50, "{at}: {json}");
        let json = clean(&format!("fanout {at} --connections 5 --rate 50/s --events 20 --size 200000"));
        assert_eq!(json["deliveries"], 5 * 20, "{at}: {json}");
        let json = clean(&format!("flat-out {at} --connections 10 --publishers 2 --events 500"));
        assert_eq!((&json["deliveries"], &json["publish_reconnects"]), (&5000.into(), &0.into()), "{at}: {json}");
    }
}

#[test]
fn streams_that_leave_or_do_not_read_hold_up_nobody_over_each_transport() {
    let (_certificates, _floors, all) = each_transport();
    for at in all {
        let json = clean(&format!("churn {at} --connections 12 --churn 50/s --rate 100/s --duration 500ms"));
        assert!(json["reconnects"].as_u64().unwrap() > 0, "{at}: {json}");
        let slow = "slow --connections 16 --stuck 25% --slow 25% --rate 200/s --events 200 --size 4000";
        let json = clean(&format!("{slow} {at}"));
        assert_eq!(json["deliveries"], 8 * 200, "{at}: {json}");
    }
}

#[test]
fn who_does_not_speak_tls_is_closed_and_disturbs_nobody() {
    let (certificates, _floors, all) = each_transport();
    let floor = Floor::start_tls(&certificates);
    let mut stranger = TcpStream::connect(floor.address).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert, then the end, which the kernel may tell as a reset.
    let _ = stranger.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    clean(&format!("fanout {} --connections 3 --rate 200/s --events 5", all[2]));
}

#[test]
fn a_certificate_that_does_not_do_is_an_error() {
    let certificates = Certificates::make();
    let [cert, key, other] = ["server.crt", "server.key", "other.key"].map(|name| certificates.file(name));
    for (args, status, words) in [
        (vec!["--tls-cert", &cert], 2, "--tls-key"),
        (vec!["--tls-cert", "/nowhere.crt", "--tls-key", &key], 1, "fanfare-loadtest: /nowhere.crt: "),
        (vec!["--tls-cert", &cert, "--tls-key", &cert], 1, "server.crt: "),
        (vec!["--tls-cert", &cert, "--tls-key", &other], 1, "with this certificate and key: "),
    ] {
        let output = loadtest(&["floor"]).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(status) && said.contains(words), "{said}");
    }
}
