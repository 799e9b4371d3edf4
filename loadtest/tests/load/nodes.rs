//! Several nodes that share one order of events: all of them are used, and a loss at any of them is seen.

use crate::scenarios::{assert_clean, assert_fault};
use crate::support::{Manner, Nodes, run, serve};

fn against<const N: usize>(nodes: &Nodes<N>, args: &str) -> crate::support::Run {
    run(&format!("{args} {} --quiet 3s --json", nodes.flags()))
}

#[test]
fn streams_are_spread_over_all_nodes_and_one_publisher_goes_round_them() {
    let nodes = Nodes::<3>::start(Manner::Honest);
    let run = against(&nodes, "fanout --connections 6 --threads 2 --rate 500/s --events 30");
    let json = assert_clean(&run);
    assert_eq!((&json["deliveries"], &json["nodes"]), (&180.into(), &3.into()));
    assert_eq!(nodes.taken(), [(2, 10); 3]);
    for name in ["latency_same_node_p50_ms", "latency_other_nodes_p99_ms", "publish_answer_p50_ms"] {
        assert!(json[name].as_f64().unwrap() > 0.0, "{name}: {json}");
    }
}

#[test]
fn each_publisher_keeps_to_its_node() {
    let nodes = Nodes::<2>::start(Manner::Honest);
    let json = assert_clean(&against(&nodes, "flat-out --connections 4 --events 200 --publishers 4"));
    assert_eq!(json["deliveries"], 800);
    let [(_, one), (_, other)] = nodes.taken();
    assert!(one > 0 && other > 0 && one + other == 200, "{one} + {other}");
}

#[test]
fn the_same_server_under_two_names_is_two_nodes() {
    let address = serve(Manner::Routes);
    let names = format!("--url http://{address} --nodes http://localhost:{}", address.port());
    let args =
        "--preset nchan --channels 3 --connections 9 --publishers 2 --rate 500/s --events 60 --processes 2 --json";
    assert_eq!(assert_clean(&run(&format!("channels {args} {names}")))["deliveries"], 180);
}

#[test]
fn who_comes_back_comes_to_another_node() {
    let nodes = Nodes::<2>::start(Manner::Resumes);
    let args = "storm --preset nchan --connections 7 --stay 3 --rate 100/s --missed 5 --before 100ms --away 100ms --after 100ms";
    let json = assert_clean(&against(&nodes, args));
    assert_eq!((&json["reconnects"], &json["lost"], &json["storm_lost"]), (&4.into(), &0.into(), &0.into()), "{json}");
    // Of the four that left, two were at each.
    let [(one, _), (other, _)] = nodes.taken();
    assert_eq!((one + other, one.abs_diff(other)), (7 + 4, 1));
}

#[test]
fn nodes_that_know_nothing_of_each_other_lose() {
    let (one, other) = (serve(Manner::Honest), serve(Manner::Honest));
    let args = "fanout --connections 4 --rate 500/s --events 20 --quiet 3s --json";
    let apart = run(&format!("{args} --url http://{one} --nodes http://{other}"));
    assert_fault(&apart, "lost 40 of 80 deliveries");
}

#[test]
fn what_one_node_does_wrong_is_seen() {
    let nodes = Nodes::<2>::start(Manner::Loses(7));
    assert_fault(&against(&nodes, "fanout --connections 4 --rate 500/s --events 20"), "lost 1 of 80 deliveries");
    let nodes = Nodes::<2>::start(Manner::Swaps(3));
    assert_fault(&against(&nodes, "fanout --connections 4 --rate 500/s --events 20"), "reordered 1 of 80 deliveries");
    let gone = run(&format!(
        "fanout --url http://{} --nodes http://127.0.0.1:9 --connections 4 --rate 500/s --events 20",
        serve(Manner::Honest)
    ));
    assert_fault(&gone, "cannot connect to 127.0.0.1:9");
}
