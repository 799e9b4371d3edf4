//! The losses that a server tells, held against what is missing: told truthfully, not at all, or with a wrong count.

use serde_json::Value;

use crate::scenarios::{against, against_each, assert_clean, assert_fault};
use crate::support::{Manner, Run};

/// The first stream misses 3 events, and is told of so many.
const fn skips(told: Option<usize>) -> Manner {
    Manner::Skips { from: 7, count: 3, told }
}

fn counts<const N: usize>(run: &Run, names: [&str; N]) -> [u64; N] {
    let json = run.json();
    names.map(|name| json[name].as_u64().unwrap_or_else(|| panic!("{name}: {run:?}")))
}

#[test]
fn what_was_told_is_missing_is_not_lost_and_what_was_not_told_is() {
    let args = "fanout --connections 5 --rate 500/s --events 20";
    let manners = [skips(Some(3)), skips(None), skips(Some(2)), skips(Some(5))];
    let runs = against_each(manners, args);
    let names = ["lost", "told_missing", "unaccounted", "gaps", "gaps_busy", "gaps_busy_missed", "gaps_uncounted"];
    let found = runs.each_ref().map(|run| counts(run, names));
    assert_eq!(found[0], [0, 3, 0, 1, 1, 3, 0]);
    assert_eq!(found[1], [3, 0, 1, 0, 0, 0, 0]);
    assert_eq!(found[2], [1, 2, 1, 1, 1, 2, 0]);
    assert_eq!(found[3], [0, 3, 1, 1, 1, 5, 0]);
    // Told losses are a fault too: these streams read everything at once.
    assert_fault(&runs[0], "FAULT: told missing 3 of 100 deliveries");
    assert_fault(&runs[1], "FAULT: lost 3 of 100 deliveries");
    assert_fault(&runs[2], "FAULT: lost 1 of 100 deliveries");
    assert_fault(&runs[3], "FAULT: unaccounted 1 of 5 streams");
}

#[test]
fn readers_of_all_speeds_have_all_or_were_told() {
    let args = "speeds --connections 7 --events 60 --own-pace 100ms --nap 200ms";
    let manners = [Manner::Honest, skips(Some(3)), skips(None), skips(Some(4))];
    let [honest, told, silent, wrong] = against_each(manners, args);
    let json = assert_clean(&honest);
    assert_eq!((&json["deliveries"], &json["gaps"]), (&(7 * 60).into(), &0.into()), "{json}");
    let of_each = |name: &str| -> Vec<Value> {
        json["speeds"].as_array().unwrap().iter().map(|speed| speed[name].clone()).collect()
    };
    assert_eq!(of_each("speed"), ["reads at once", "1 MB/s", "200 KB/s", "50 KB/s", "stops for 200ms"]);
    assert_eq!(of_each("connections"), [2, 2, 1, 1, 1]);
    assert_eq!(of_each("due"), of_each("delivered"));

    let names = ["deliveries", "told_missing", "lost", "unaccounted", "gaps"];
    assert_clean(&told);
    assert_eq!(counts(&told, names), [417, 3, 0, 0, 1]);
    assert_eq!((silent.status, counts(&silent, names)), (1, [417, 0, 3, 1, 0]), "{silent:?}");
    assert!(silent.stderr.contains("lost silently 3 of "), "{silent:?}");
    assert_eq!((wrong.status, counts(&wrong, names)), (1, [417, 3, 0, 1, 1]), "{wrong:?}");
    assert!(wrong.stderr.contains("unaccounted 1 of "), "{wrong:?}");
}

#[test]
fn slow_readers_are_slow_until_they_read_on() {
    // 40 events of 2,000 bytes: at 10,000 bytes a second none has them all after half a second.
    let args = "speeds --connections 3 --bytes-per-s 10000 --events 40 --size 2000 --own-pace 500ms --nap 100ms";
    let json = assert_clean(&against(Manner::Honest, args));
    assert_eq!(json["deliveries"], 3 * 40);
    let few = against(Manner::Honest, "speeds --connections 4");
    assert_eq!(few.status, 2, "{few:?}");
    assert!(few.stderr.contains("4 streams are too few for 5 speeds"), "{few:?}");
}

#[test]
fn what_comes_twice_or_late_is_a_fault_at_any_speed() {
    let args = "speeds --connections 5 --events 40 --own-pace 50ms --nap 100ms";
    let [twice, late] = against_each([Manner::Repeats(3), Manner::Swaps(3)], args);
    assert_fault(&twice, "duplicated 1 of 40 deliveries");
    assert_fault(&late, "reordered 1 of 40 deliveries");
}
