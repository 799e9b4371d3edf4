//! A comparison over TLS and HTTP/2, as small as can be: the servers that are started here speak all of it, and one
//! that was given takes part in what it speaks.

use serde_json::Value;

use crate::certificates::Certificates;
use crate::compare::{compare, json};
use crate::started::Floor;

const TRANSPORTS: &str = "--cases=transports,transports-memory,transports-flat-out,handshakes";

/// (case/run, server) of each trial.
fn trials(json: &Value) -> Vec<(String, String)> {
    let text = |trial: &Value, name: &str| trial[name].as_str().unwrap().to_owned();
    let all = json["trials"].as_array().unwrap().iter();
    all.map(|trial| (format!("{}/{}", text(trial, "case"), text(trial, "run")), text(trial, "peer"))).collect()
}

fn figure<'a>(json: &'a Value, case: &str, name: &str) -> &'a Value {
    let find = |all: &'a Value, name: &str| all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    find(&find(&json["cases"], case)["figures"], name)
}

#[test]
fn the_floor_and_nchan_are_compared_over_tls_and_http_2() {
    let output = compare(&["--peers=floor,nchan", TRANSPORTS, "--scale=0.02", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}; `cargo xtask test` installs what is missing");
    let json = json(&output);
    assert_eq!(trials(&json).len(), (6 + 5 + 2 + 2) * 2, "{json}");
    for trial in json["trials"].as_array().unwrap() {
        assert_eq!(trial["faults"], serde_json::json!([]), "{trial}");
        let transport = match trial["run"].as_str().unwrap() {
            "plain" => "HTTP/1.1 without TLS",
            "tls" => "HTTP/1.1 over TLS",
            "h2" => "HTTP/2 without TLS",
            _ => "HTTP/2 over TLS",
        };
        assert_eq!(trial["outcome"]["figures"]["transport"], transport, "{trial}");
    }
    // The floor of the ratios is the plain one, whatever the run goes over.
    let rows = figure(&json, "transports", "tls_h2_cpu")["rows"].as_array().unwrap();
    let plain = &figure(&json, "transports", "plain_cpu")["rows"][0]["spread"]["median"];
    let ratio = rows[1]["spread"]["median"].as_f64().unwrap() / plain.as_f64().unwrap();
    assert!((rows[1]["ratio_to_floor"]["median"].as_f64().unwrap() / ratio - 1.0).abs() < 1e-9, "{rows:?}");
    let further = &figure(&json, "transports-memory", "further_memory")["rows"][0]["spread"]["median"];
    assert!(further.is_f64(), "{further}");
    let rate = &figure(&json, "handshakes", "handshakes_per_s_and_core")["rows"][0]["spread"]["median"];
    // Of so few handshakes the clock of the processor may tell nothing. A trial has no figure then.
    let alone =
        json["trials"].as_array().unwrap().iter().find(|trial| trial["run"] == "alone" && trial["peer"] == "floor");
    let measured = &alone.unwrap()["outcome"]["figures"]["handshakes_per_s_and_core"];
    assert_eq!(rate.as_f64(), measured.as_f64(), "{measured}");
    assert!(measured.as_f64().is_none_or(|measured| measured > 1.0), "{measured}");
    let nchan = json["peers"][1]["configuration"].as_str().unwrap();
    assert!(nchan.contains("ssl_certificate") && nchan.contains("http2"), "{nchan}");
}

#[test]
fn a_given_server_takes_part_in_what_it_speaks() {
    let certificates = Certificates::make();
    let (plain, sealed) = (Floor::start(), Floor::start_tls(&certificates));
    let (port, authority) = (sealed.address.port(), certificates.file("authority.crt"));
    let output = compare(&[
        "--peers=floor",
        &format!("--peer=plain,url=http://{},preset=floor,pid={}", plain.address, plain.child.id()),
        &format!("--peer=tls-h2,url=https://localhost:{port},http=2,tls-ca={authority},preset=floor"),
        "--cases=few,transports",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = json(&output);
    let of = |peer: &str| {
        let all = trials(&json).into_iter().filter(|trial| trial.1 == peer);
        all.map(|trial| trial.0).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("plain"), "few/fanout transports/plain");
    assert_eq!(of("tls-h2"), "transports/tls-h2 transports/tls-h2-4 transports/tls-h2-100");
    let rows = |name| figure(&json, "transports", name)["rows"].as_array().unwrap().len();
    assert_eq!([rows("plain_cpu"), rows("tls_cpu"), rows("tls_h2_cpu")], [2, 1, 2], "{json}");
    assert!(json["command"].to_string().contains("tls-ca=authority.crt,"), "{}", json["command"]);
}
