//! Batches: acknowledged lines are counted, and a line without acknowledgement ends the run.

use crate::scenarios::{against, against_each, assert_clean, assert_fault};
use crate::support::{Manner, Nodes, run, serve};

#[test]
fn a_batch_is_as_many_publishes_as_it_has_lines() {
    let args = "flat-out --connections 3 --events 250 --publishers 2 --batch 20";
    let json = assert_clean(&against(Manner::Routes, args));
    assert_eq!((&json["published"], &json["deliveries"]), (&250.into(), &750.into()), "{json}");
    assert_eq!((&json["batches"], &json["batch"]), (&13.into(), &20.into()), "{json}");
    assert!(json["published_per_s"].as_f64().unwrap() > 0.0, "{json}");
    assert_fault(&against(Manner::Loses(7), args), "lost 1 of 750 deliveries");
}

#[test]
fn publishing_can_be_measured_without_a_stream() {
    let address = serve(Manner::Honest);
    let args = format!("flat-out --url http://{address} --connections 0 --publishers 2 --batch 50");
    let counted = run(&format!("{args} --events 1000"));
    assert_eq!((counted.status, counted.stderr.as_str()), (0, ""), "{counted:?}");
    assert!(counted.stdout.contains("all of 1000 sent, in 20 batches: none failed, none unknown"), "{counted:?}");
    let page = tempfile::NamedTempFile::new().unwrap();
    let path = page.path().display();
    let json =
        assert_clean(&run(&format!("{args} --duration 100ms --json --pid {} --html {path}", std::process::id())));
    assert!(json["published"].as_u64().unwrap() > 0 && json["cpu_per_publish_us"].is_f64(), "{json}");
    assert!(std::fs::read_to_string(page.path()).unwrap().contains("Every event was acknowledged."));
}

#[test]
fn a_line_that_is_not_acknowledged_ends_the_run() {
    let args = "flat-out --connections 0 --events 100 --batch 10";
    let [failed, miscounted, silent] =
        against_each([Manner::FailsLine(3), Manner::Miscounts, Manner::CountsNothing], args);
    let text = "publishing event 1: of a batch of 10, 9 were published, 1 failed, 0 of them unknown; the first, line 4: no room";
    assert_fault(&failed, text);
    assert_fault(&miscounted, "of a batch of 10, 9 were published, 0 failed");
    assert_fault(&silent, "the answer does not say how many of its batch were published");
    let refused = against(Manner::RefusesPublishes("503 Service Unavailable"), args);
    assert_fault(&refused, "publishing event 1: the target answered 503");
    for run in [failed, miscounted, silent, refused] {
        assert_eq!(run.stdout, "", "{run:?}");
    }
}

#[test]
fn batches_go_round_the_nodes() {
    let nodes = Nodes::<3>::start(Manner::Routes);
    let args = "flat-out --connections 6 --events 180 --batch 20 --json";
    let json = assert_clean(&run(&format!("{args} {}", nodes.flags())));
    assert_eq!(json["deliveries"], 6 * 180);
    assert_eq!(nodes.taken(), [(2, 3); 3]);
}

#[test]
fn a_batch_that_cannot_be_sent_is_refused_before_it_begins() {
    for (args, line) in [
        ("--preset nchan --batch 10", "batches are published with --preset fanfare only"),
        ("--batch 10000 --size 1000000", "a batch of 10000 times 1000000 bytes is larger than"),
        ("--batch 0", "0 is not in 1..=10000"),
    ] {
        let run = run(&format!("flat-out --url http://127.0.0.1:9 --connections 0 --events 10 {args}"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(line), "{run:?}");
    }
}
