//! Each scenario against a server that keeps its side, and against one that does not.

use crate::support::{Manner, Run, run, run_and_look, run_with_descriptors, serve};
use serde_json::Value;

pub(crate) fn against(manner: Manner, args: &str) -> Run {
    let (scenario, rest) = args.split_once(' ').unwrap();
    run(&format!("{scenario} --url http://{} --quiet 3s --json {rest}", serve(manner)))
}

/// Runs the same against each of these, side by side, because most of the time is spent in waiting.
pub(crate) fn against_each<const N: usize>(manners: [Manner; N], args: &str) -> [Run; N] {
    std::thread::scope(|scope| {
        let runs = manners.map(|manner| scope.spawn(move || against(manner, args)));
        runs.map(|run| run.join().unwrap())
    })
}

pub(crate) fn assert_clean(run: &Run) -> Value {
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let json = run.json();
    assert_eq!(json["faults"], serde_json::json!([]));
    json
}

pub(crate) fn assert_fault(run: &Run, fault: &str) {
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains(fault), "{run:?}");
}

#[test]
fn each_channel_reaches_the_streams_that_follow_it_and_no_others() {
    let args = "channels --preset nchan --channels 3 --connections 7 --rate 500/s --events 30";
    let json = assert_clean(&against(Manner::Routes, args));
    // Channels 0, 1 and 2 have 3, 2 and 2 streams, and 10 events each.
    assert_eq!((&json["deliveries"], &json["published"]), (&70.into(), &30.into()));
    assert_fault(&against(Manner::Honest, args), "damaged 140 of 70 deliveries");
}

#[test]
fn each_client_is_reached_by_its_id() {
    let args = "targeted --preset nchan --connections 6 --rate 500/s --events 30";
    assert_eq!(assert_clean(&against(Manner::Routes, args))["deliveries"], 30);
    let shared = "targeted --preset nchan --clients 2 --connections 6 --rate 500/s --events 30";
    assert_eq!(assert_clean(&against(Manner::Routes, shared))["deliveries"], 90);
}

#[test]
fn flat_out_publishes_as_fast_as_it_is_answered() {
    let json = assert_clean(&against(Manner::Honest, "flat-out --connections 3 --events 200 --publishers 3"));
    assert_eq!((&json["deliveries"], &json["published"]), (&600.into(), &200.into()));
    let json = assert_clean(&against(Manner::Honest, "flat-out --connections 2 --duration 2s"));
    let published = json["published"].as_u64().unwrap();
    assert!(published > 10 && json["deliveries"] == 2 * published, "{json}");
    assert_fault(&against(Manner::Loses(7), "flat-out --connections 3 --events 50"), "lost 1 of 150 deliveries");
}

#[test]
fn who_does_not_read_is_not_waited_for() {
    let args = "slow --connections 10 --stuck 20% --slow 20% --slow-bytes-per-s 2000 --rate 500/s --events 40";
    let json = assert_clean(&against(Manner::Honest, args));
    assert_eq!(json["deliveries"], 6 * 40);
    // 400 ms of 2,000 bytes a second are some events, but by far not all.
    let slow = json["slow_deliveries"].as_u64().unwrap();
    assert!(slow < 2 * 40 && json["slow_unread"] == 2 * 40 - slow, "{json}");
    assert_eq!((&json["slow_lost"], &json["behind_closed"]), (&0.into(), &0.into()), "{json}");
    let all =
        run(&format!("slow --url http://{} --connections 4 --stuck 100% --rate 9/s --events 1", serve(Manner::Mute)));
    assert_eq!(all.status, 2, "{all:?}");
    assert!(all.stderr.contains("at least one stream has to be left"), "{all:?}");
}

#[test]
fn late_readers_that_are_closed_are_counted() {
    let args = "slow --connections 8 --stuck 25% --slow 25% --slow-bytes-per-s 655360 --rate 500/s --events 40";
    let json = against(Manner::ClosesBefore(20), args).json();
    assert_eq!((&json["closed"], &json["behind_closed"]), (&4.into(), &4.into()), "{json}");
}

#[test]
fn a_visitor_that_hears_nothing_is_a_fault() {
    let args = "churn --connections 10 --visitors 50% --churn 10/s --rate 300/s --duration 1200ms";
    let [mute, honest] = against_each([Manner::MuteToLater, Manner::Honest], args);
    assert_eq!(assert_clean(&honest)["visitors_silent"], 0);
    assert_fault(&mute, "visits received nothing, although events were published all the time");
    let json = mute.json();
    // The first lives are spread over half a second, so each has a second one that ends in time.
    assert!((5..=10).contains(&json["visitors_silent"].as_u64().unwrap()), "{json}");
    assert_eq!(json["visitors_lost"], 0);
}

#[test]
fn visitors_that_are_closed_or_refused_are_faults_and_not_the_end() {
    let args = "churn --connections 10 --visitors 50% --churn 50/s --rate 300/s --duration 900ms";
    let [closing, refusing] =
        against_each([Manner::ClosesLater, Manner::RefusesLater("503 Service Unavailable")], args);
    assert_fault(&closing, "streams were closed; the first: ended by the target");
    let json = closing.json();
    assert!(json["closed"].as_u64().unwrap() > 10, "they come again: {json}");
    assert_eq!((&json["deliveries"], &json["lost"]), (&(5 * 270).into(), &0.into()), "{json}");

    assert_fault(&refusing, "5 streams could not be opened again; the first: the target answered 503 instead of 200");
    assert_eq!(refusing.json()["deliveries"], 5 * 270);
}

#[test]
fn who_comes_and_goes_has_everything_in_between() {
    let args = "churn --connections 20 --visitors 50% --churn 100/s --rate 300/s --duration 600ms";
    let json = assert_clean(&against(Manner::Honest, args));
    assert_eq!(json["deliveries"], 10 * 180);
    assert!(json["reconnects"].as_u64().unwrap() > 10, "{json}");
    assert!(json["visitors_deliveries"].as_u64().unwrap() > 100, "{json}");
}

#[test]
fn a_soak_weighs_the_server_and_needs_time() {
    let pid = std::process::id();
    let args = "soak --connections 2 --rate 50/s --duration 300ms";
    assert_fault(&against(Manner::Honest, &format!("{args} --pid {pid}")), "the soak was too short");
    let blind = against(Manner::Honest, args);
    assert_eq!(blind.status, 2, "{blind:?}");
    assert!(blind.stderr.contains("a soak needs --pid"), "{blind:?}");
}

#[test]
fn several_processes_receive_as_one() {
    let args = "fanout --connections 9 --processes 2 --threads 2 --rate 500/s --events 40";
    let json = assert_clean(&against(Manner::Honest, args));
    assert_eq!((&json["deliveries"], &json["lost"]), (&360.into(), &0.into()));
    assert!(json["latency_p50_ms"].as_f64().unwrap() > 0.0, "{json}");
    assert_fault(&against(Manner::Loses(7), args), "lost 1 of 360 deliveries");
    assert_fault(
        &against(Manner::ClosesBefore(20), args),
        "9 of 9 streams were closed; the first: ended by the target",
    );
    let refused = against(Manner::RefusesStreams("404 Not Found"), args);
    assert_fault(&refused, "of 9: the target answered 404 instead of 200");
}

#[cfg(target_os = "linux")]
#[test]
fn several_processes_fail_as_one_and_leave_nothing_behind() {
    let address = serve(Manner::RefusesStreams("404 Not Found"));
    let args = format!("fanout --url http://{address} --connections 9 --processes 3 --rate 500/s --events 40");
    let (refused, left) = run_and_look(&args);
    assert_eq!((refused.status, refused.stderr.lines().count(), left), (1, 1, 0), "{refused:?}");

    let args = "fanout --url http://127.0.0.1:9 --connections 80 --processes 2 --threads 1 --rate 10/s --events 2";
    let crowded = run_with_descriptors(100, args);
    assert_eq!((crowded.status, crowded.stderr.lines().count()), (2, 1), "{crowded:?}");
    assert!(crowded.stderr.contains("100 file descriptors hold 31 connections, not 40"), "{crowded:?}");
}

#[test]
fn with_a_pace_the_duration_is_so_many_events() {
    let args = "fanout --connections 2 --rate 100/s --duration 200ms";
    let json = assert_clean(&against(Manner::Dawdles, args));
    assert_eq!((&json["published"], &json["deliveries"]), (&20.into(), &40.into()), "{json}");
    assert!(json["took_s"].as_f64().unwrap() > 0.35, "{json}");
}

#[test]
fn the_page_says_what_the_table_says() {
    let page = tempfile::NamedTempFile::new().unwrap();
    let path = page.path().display();
    let args = format!("fanout --connections 3 --rate 500/s --events 20 --header X-Key:secret --html {path}");
    assert_clean(&against(Manner::Honest, &args));
    let html = std::fs::read_to_string(page.path()).unwrap();
    assert!(html.contains("fanout: 3 streams, 20 events of 128 B at 500/s"), "{html}");
    assert!(html.contains("Every event reached every stream") && html.contains("<svg"), "{html}");
    let directory = page.path().parent().unwrap().display().to_string();
    assert!(html.contains("<span>fanfare-loadtest</span> <span>fanout</span>"), "{html}");
    assert!(
        html.contains("X-Key:</span> <span>...")
            && !html.contains("secret")
            && !html.contains(&format!("{directory}/")),
        "{html}"
    );
    assert_fault(&against(Manner::Loses(7), &args), "lost 1 of 60");
    let html = std::fs::read_to_string(page.path()).unwrap();
    assert!(html.contains("lost 1 of 60 deliveries") && !html.contains("Every event reached"), "{html}");
    let nowhere = against(Manner::Honest, "fanout --connections 1 --rate 500/s --events 2 --html /nowhere/page.html");
    assert_fault(&nowhere, "cannot write /nowhere/page.html");
}

#[test]
fn a_run_needs_a_bound_that_it_can_keep() {
    let url = "--url http://127.0.0.1:9 --connections 1";
    for (args, line) in [
        ("fanout --rate 10/s", "--events <M>|--duration <TIME>"),
        ("fanout --rate 10/s --duration 2m", "the run takes 120s, longer than --timeout 60s"),
        ("fanout --rate 10/s --duration 60s", "the run takes 60s, longer than --timeout 60s"),
        ("fanout --rate 1000000/s --duration 50s", "that is 50000000 events; a run has at most 1000000"),
        ("flat-out", "--events <M>|--duration <TIME>"),
    ] {
        let run = run(&format!("{args} {url}"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(line), "{run:?}");
    }
}
