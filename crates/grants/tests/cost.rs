//! The time that a check takes. Not a test: `cargo test --release -p fanfare-grants --test cost -- --ignored --nocapture`.
#![allow(clippy::print_stdout, reason = "a measurement is printed")]

mod support;

use std::{hint::black_box, time::Instant};

use fanfare_grants::{Algorithm, ApiKeys, NewApiKey};
use support::{NOW_MS, base64, lasting, of, token, tokens};

/// Prints the fastest of several rounds, in microseconds for each call.
fn measure(name: &str, mut call: impl FnMut()) {
    let round_us = |_| {
        let start = Instant::now();
        (0..200).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e6 / 200.0
    };
    let best = (0..20).map(round_us).fold(f64::INFINITY, f64::min);
    println!("{name:24} {best:8.2} us");
}

#[test]
#[ignore = "a measurement"]
fn a_check_of_each_algorithm() {
    let claim = r#","iss":"joe","sub":"42","fanfare":{"subscribe":["news","orders.*"],"publish":["orders.42"]}"#;
    for algorithm in Algorithm::ALL {
        let tokens = tokens(of(&[algorithm]));
        let good = token(algorithm, format!(r#"{{"alg":"{}"}}"#, algorithm.name()), lasting(claim));
        measure(algorithm.name(), || assert!(black_box(&tokens).check(good.as_bytes(), NOW_MS).is_ok()));
        let bytes = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => 256,
            Algorithm::Es384 => 96,
            _ => 64,
        };
        let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, base64(vec![7; bytes]));
        measure("  forged", || assert!(black_box(&tokens).check(forged.as_bytes(), NOW_MS).is_err()));
    }
}

#[test]
#[ignore = "a measurement"]
fn a_search_among_api_keys() {
    for count in [1_u32, 1_024] {
        let table = |n: u32| format!("[[key]]\nname = \"k{n}\"\nhash = \"sha256:{n:064x}\"\n");
        let keys = ApiKeys::parse(&(0..count).map(table).collect::<String>()).unwrap();
        let shown = NewApiKey::of([7; 32]).text;
        measure(&format!("{count} API keys"), || assert!(black_box(&keys).find(shown.as_bytes(), 0).is_err()));
    }
}
