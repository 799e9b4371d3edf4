//! Tabs of a real browser with 50 streams over one HTTP/2 connection with TLS, which publish and load pages over the same one. Every
//! stream gets every event once and in order, also when a tab is closed, and when the server drains and another one takes its place.

mod clients;
mod support;

use std::sync::Arc;

use clients::{Break, Engine, Gate, Program};
use rustls::ClientConfig;
use serde_json::{Value, json};
use support::{
    journal::{Mood, Script},
    server::{Server, Way, config},
    tls::{Authority, Secure},
};

/// Of one tab, as tabs.js has it, and of all.
const STREAMS_OF_TAB: usize = 10;
const STREAMS: usize = 50;

fn publish(server: &Server, trust: &Arc<ClientConfig>, numbers: std::ops::Range<usize>) {
    let mut publisher = Secure::open(server.address, trust);
    for number in numbers {
        publisher.send(format!("POST /channels/tabs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{number}"));
        publisher.until("HTTP/1.1 202 ");
    }
}

/// Each of so many streams has seen all numbers below `end`.
fn numbers(streams: usize, end: usize) -> Value {
    let seen: Vec<_> = (0..end).map(|number| number.to_string()).collect();
    json!(vec![seen; streams])
}

#[track_caller]
fn assert_share_a_connection(engine: Engine) {
    let (authority, script) = (Authority::new(), Script::new(Mood::Takes));
    let trust = Arc::new(authority.client());
    let server = || Server::start_secure_behind(Way::H2, config(Way::H2), authority.acceptor(), &script);
    let first = server();
    let gate = Gate::start(first.address);
    let mut tabs = Program::tabs(engine, &format!("https://{}", gate.address));
    assert_eq!(tabs.json()["all"], numbers(STREAMS, 40));
    assert_eq!(tabs.json()["others"], numbers(STREAMS - STREAMS_OF_TAB, 60));
    let protocols = tabs.json();
    for kind in ["page", "fetch"] {
        let protocols = protocols[kind].as_array().unwrap();
        assert!(!protocols.is_empty() && protocols.iter().all(|protocol| protocol == "h2"), "{kind}: {protocols:?}");
    }
    assert_eq!(gate.passed(), 1, "all of it over one connection");

    assert_eq!(first.drain().cut, 0);
    gate.shut(Break::End);
    let second = server();
    publish(&second, &trust, 60..70);
    gate.lead_to(second.address);
    gate.open();
    publish(&second, &trust, 70..80);
    assert_eq!(tabs.json()["back"], numbers(STREAMS - STREAMS_OF_TAB, 80));
    tabs.succeeded();
}

#[test]
fn tabs_of_chromium_share_a_connection_and_miss_nothing() {
    assert_share_a_connection(Engine::Chromium);
}

#[test]
fn tabs_of_firefox_share_a_connection_and_miss_nothing() {
    assert_share_a_connection(Engine::Firefox);
}
