//! The load generator tells the truth about a server that keeps the contract, and about each way to break it.

use crate::support::{Manner, Run, fanout, run, run_with_descriptors, serve};

/// Fails with exactly this line on stderr, and prints no result.
fn assert_fails(run: &Run, line: &str) {
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(run.stderr.contains(line), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
}

#[test]
fn an_honest_server_is_reported_without_a_fault() {
    for manner in [Manner::Honest, Manner::Plain] {
        let run = fanout(manner, "--json");
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
        let json = run.json();
        for (name, count) in [("deliveries", 100), ("published", 20), ("lost", 0), ("duplicated", 0), ("reordered", 0)]
        {
            assert_eq!(json[name], count, "{name}: {run:?}");
        }
        for (name, count) in [("damaged", 0), ("other", 0), ("closed", 0), ("publish_reconnects", 0)] {
            assert_eq!(json[name], count, "{name}: {run:?}");
        }
        assert_eq!(json["faults"], serde_json::json!([]));
        // 20 events at 500/s take 38 ms at least.
        assert!(json["took_s"].as_f64().unwrap() >= 0.038, "{run:?}");
        for name in ["latency_p50_ms", "latency_p999_ms", "spread_max_ms", "publish_answer_p99_ms", "events_per_read"] {
            assert!(json[name].as_f64().unwrap() > 0.0, "{name}: {run:?}");
        }
    }
}

#[test]
fn large_events_are_followed_over_many_reads() {
    let run = fanout(Manner::Honest, "--json --size 300000");
    assert_eq!((run.status, &run.json()["deliveries"]), (0, &100.into()), "{run:?}");
}

#[test]
fn text_says_each_fault_on_its_own_line() {
    let run = fanout(Manner::Loses(7), "--quiet 2s");
    assert_eq!(run.status, 1, "{run:?}");
    let fault = "FAULT: lost 1 of 100 deliveries (given up after 2s of silence)";
    assert!(run.stdout.lines().any(|line| line == fault), "{run:?}");
}

#[test]
fn json_says_a_loss_on_stderr_too() {
    let run = fanout(Manner::Loses(7), "--json --quiet 2s");
    assert_eq!((run.status, &run.json()["lost"]), (1, &1.into()), "{run:?}");
    assert!(run.stderr.contains("FAULT: lost 1 of 100"), "{run:?}");
}

#[test]
fn the_last_event_may_be_the_lost_one() {
    let run = fanout(Manner::Loses(19), "--json --quiet 2s");
    assert_eq!((run.status, &run.json()["lost"]), (1, &1.into()), "{run:?}");
    assert!(run.stderr.contains("given up after 2s of silence"), "{run:?}");
}

#[test]
fn what_comes_twice_late_or_damaged_is_counted() {
    let counts = ["lost", "duplicated", "reordered", "damaged"];
    let cases = [
        (Manner::Repeats(3), [0, 1, 0, 0]),
        (Manner::Repeats(19), [0, 1, 0, 0]),
        (Manner::Swaps(3), [0, 0, 1, 0]),
        (Manner::Damages(3), [1, 0, 0, 1]),
    ];
    // Side by side: each run spends most of its time in being sure that nothing more comes.
    std::thread::scope(|scope| {
        for (manner, expected) in cases {
            scope.spawn(move || {
                let run = fanout(manner, "--json");
                let json = run.json();
                assert_eq!(counts.map(|name| json[name].as_u64().unwrap()), expected, "{manner:?}: {run:?}");
                assert_eq!(run.status, 1, "{manner:?}: {run:?}");
            });
        }
    });
}

#[test]
fn streams_that_end_midway_are_a_fault_and_end_the_run() {
    let run = fanout(Manner::ClosesBefore(10), "--json");
    assert_eq!((run.status, &run.json()["closed"]), (1, &5.into()), "{run:?}");
    assert!(run.stderr.contains("5 of 5 streams were closed; the first: ended by the target"), "{run:?}");
}

#[test]
fn a_publisher_whose_connection_is_closed_connects_again() {
    let run = fanout(Manner::ClosesPublisher, "--json");
    assert_eq!((run.status, &run.json()["publish_reconnects"]), (0, &19.into()), "{run:?}");
}

#[test]
fn a_publisher_whose_connection_is_closed_without_a_word_connects_again() {
    let address = serve(Manner::ClosesPublisherSilently);
    let run = run(&format!("fanout --url http://{address} --connections 2 --rate 20/s --events 5 --json"));
    assert_eq!((run.status, &run.json()["publish_reconnects"]), (0, &4.into()), "{run:?}");
}

#[test]
fn a_target_that_refuses_is_told_in_one_line() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let refused = run(&format!("fanout --url http://{nobody} --connections 2 --rate 10/s --events 2"));
    assert_fails(&refused, &format!("cannot connect to {nobody}: Connection refused"));
    let not_found = fanout(Manner::RefusesStreams("404 Not Found"), "");
    assert_fails(&not_found, "of 5: the target answered 404 instead of 200");
    assert_fails(&fanout(Manner::Page, ""), "content-type \"text/html\" instead of text/event-stream");
    assert_fails(&fanout(Manner::ClosesStreams, ""), "closed 5 of 5 streams before the first event");
    let refused = fanout(Manner::RefusesPublishes("405 Method Not Allowed"), "");
    assert_fails(&refused, "publishing event 1: the target answered 405: no such channel");
}

#[test]
fn a_target_that_never_answers_is_left_at_the_timeout() {
    assert_fails(&fanout(Manner::Mute, "--timeout 400ms"), "only 0 of 5 streams were open after 400ms");
    // Its streams are open and its first publish is under way long before.
    assert_fails(&fanout(Manner::MuteToPublishers, "--timeout 4s"), "publishing event 1: no answer within");
}

#[test]
fn a_run_that_does_not_fit_is_refused_before_it_begins() {
    let run = |more: &str| run(&format!("fanout --url http://127.0.0.1:9 {more}"));
    for (more, line) in [
        ("--connections 1 --rate 1/s --events 1000", "longer than --timeout"),
        ("--connections 1 --rate 0/s --events 1", "a rate is a number"),
        ("--connections 0 --rate 1/s --events 1", "0 is not in"),
        ("--connections 1 --rate 1/s --events 1 --size 10", "10 is not in"),
    ] {
        let run = run(more);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(line), "{run:?}");
    }
}

#[cfg(unix)]
#[test]
fn too_few_descriptors_are_told_with_how_many_would_do() {
    let fanout = "fanout --url http://127.0.0.1:9 --connections 32 --threads 1 --rate 10/s --events 2";
    let run = run_with_descriptors(100, fanout);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("100 file descriptors hold 31 connections, not 32: raise the hard limit"), "{run:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_is_weighed() {
    let pid = std::process::id();
    let json = fanout(Manner::Honest, &format!("--json --pid {pid}")).json();
    for name in ["cpu_per_delivery_us", "open_pss_per_connection_bytes", "after_pss_per_connection_bytes"] {
        assert!(json[name].is_f64(), "{name}: {json}");
    }
    let address = serve(Manner::Honest);
    let idle = run(&format!("idle --url http://{address} --connections 50 --hold 100ms --pid {pid} --json"));
    assert_eq!((idle.status, &idle.json()["closed"]), (0, &0.into()), "{idle:?}");
    assert!(idle.json()["opened_rss_per_connection_bytes"].is_f64(), "{idle:?}");
    let nobody = run(&format!("idle --url http://{address} --connections 1 --hold 1 --pid 4194305"));
    assert_fails(&nobody, "cannot weigh process 4194305");
}
