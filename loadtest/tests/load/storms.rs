//! A storm against a server that replays missed events, and against those that do not, say so, or repeat themselves.

use serde_json::Value;

use crate::scenarios::{against, against_each, assert_clean, assert_fault};
use crate::support::Manner;

const ARGS: &str = "storm --connections 10 --stay 2 --missed 50 --rate 200/s --away-rate 20/s \
                    --before 200ms --away 100ms --after 300ms";

/// Each has the events that it missed. Some may have one more, because they left too early for it.
fn assert_replayed(json: &Value) {
    assert_eq!(json["storm_replayed"], json["replay_due"], "{json}");
    assert!((8 * 50..=8 * 51).contains(&json["replay_due"].as_u64().unwrap()), "{json}");
}

#[test]
fn a_storm_is_replayed_once_and_in_order() {
    let json = assert_clean(&against(Manner::Resumes, ARGS));
    assert_replayed(&json);
    assert_eq!((&json["reconnects"], &json["storm_unaccounted"]), (&8.into(), &0.into()), "{json}");
    // Streams that came back go on with live events.
    assert!(json["storm_deliveries"].as_u64().unwrap() > 8 * (50 + 4), "{json}");
    for name in ["all_back_ms", "last_replay_ms", "replayed_per_s", "live_before_p99_ms", "live_during_deliveries"] {
        assert!(json[name].as_f64().is_some(), "{name}: {json}");
    }
    assert!(json["live_before_deliveries"].as_u64().unwrap() >= 2 * 20, "{json}");
}

#[test]
fn a_storm_that_is_not_replayed_is_a_fault() {
    let manners = [
        Manner::RefusesLater("503 Service Unavailable"),
        Manner::LongIds,
        Manner::Forgets,
        Manner::Rewinds,
        Manner::Expires { kept: 10, is_told: true },
        Manner::Expires { kept: 10, is_told: false },
    ];
    let [refused, long, forgetful, rewound, expired, silent] = against_each(manners, ARGS);
    assert_fault(&refused, "8 streams could not be opened again; the first: the target answered 503");
    assert_eq!(refused.json()["lost"], 0, "those who stayed lost nothing");
    assert_fault(&long, "8 streams came back without Last-Event-ID: they had ids of more than 128 bytes");
    assert_fault(&forgetful, "storm lost ");
    assert_eq!(forgetful.json()["lost"], 0, "those who stayed lost nothing");
    assert_fault(&rewound, "storm duplicated 8 of ");

    // 40 of 50 each, and for some also events that were published just before they were there again.
    let is_about = |count: &Value| (8 * 40..8 * 45).contains(&count.as_u64().unwrap());
    assert_fault(&expired, "storm told missing 3");
    let json = expired.json();
    assert!(is_about(&json["storm_told_missing"]), "{json}");
    assert_eq!([&json["storm_lost"], &json["storm_unaccounted"]], [0, 0], "{json}");
    assert_eq!([&json["storm_gaps_expired"], &json["storm_gaps_uncounted"]], [8, 8], "{json}");
    assert_fault(&silent, "storm lost 3");
    let json = silent.json();
    assert!(is_about(&json["storm_lost"]), "{json}");
    assert_eq!([&json["storm_told_missing"], &json["storm_unaccounted"]], [0, 8], "{json}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_is_weighed_before_in_and_after_a_storm() {
    let json = assert_clean(&against(Manner::Resumes, &format!("{ARGS} --pid {}", std::process::id())));
    for name in ["storm_before_pss_bytes", "storm_peak_pss_bytes", "storm_after_pss_bytes", "storm_server_cores"] {
        assert!(json[name].as_f64().unwrap() >= 0.0, "{name}: {json}");
    }
}

#[test]
fn several_processes_storm_as_one() {
    let json = assert_clean(&against(Manner::Resumes, &format!("{ARGS} --processes 3 --threads 1")));
    assert_replayed(&json);
    assert_eq!(json["storm_generator_is_bottleneck"], false);
    assert!(json["live_before_deliveries"].as_u64().unwrap() >= 2 * 20, "{json}");
}

#[test]
fn in_a_storm_some_have_to_leave() {
    let nobody = against(Manner::Resumes, "storm --connections 500");
    assert_eq!(nobody.status, 2, "{nobody:?}");
    assert!(nobody.stderr.contains("all of the 500 streams would stay"), "{nobody:?}");
}
