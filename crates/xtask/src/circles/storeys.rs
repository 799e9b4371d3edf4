//! Storeys: the order of a crate's folders from the top. A file imports only from its own storey and from those below.

use std::collections::BTreeSet;

/// The storeys of one crate, from the top. A file outside of a folder counts by its own name.
type Storeys = &'static [&'static [&'static str]];

/// The crates whose folders have an order.
const CRATES: &[(&str, Storeys)] = &[
    (
        "crates/core",
        &[
            &["lib", "engine", "journal"],
            &["hub"],
            &["subscription"],
            &["feed"],
            &["shard"],
            &["order"],
            &["queue"],
            &["config", "registry"],
            &["history", "fates"],
            &["event"],
            &["policy", "sync"],
        ],
    ),
    (
        "crates/admin",
        &[
            &["lib"],
            &["server"],
            &["service"],
            &["stream"],
            &["api"],
            &["metrics"],
            &["console", "sockets"],
            &["request"],
            &["answer"],
            &["config", "control", "operate", "sampler"],
        ],
    ),
    (
        "crates/http",
        &[
            &["lib", "fuzz"],
            &["server"],
            &["fanfare"],
            &["operate"],
            &["handle"],
            &["events", "clock"],
            &["connection"],
            &["service"],
            &["admission"],
            &["request"],
            &["answer"],
            &["app"],
            &["current"],
            &["link"],
            &["tls"],
            &["ending"],
            &["figures"],
            &["limits"],
            &["config", "send", "text"],
            &["access", "traces"],
        ],
    ),
];

/// Imports of `package` that go up, and files that stand in no storey. `names` are the files, relative to the root file, and
/// `arrows` the files that each of them imports.
pub(super) fn faults(package: &str, names: &[String], arrows: &[BTreeSet<usize>]) -> Vec<String> {
    let Some((_, storeys)) = CRATES.iter().find(|(name, _)| *name == package) else { return Vec::new() };
    let mut faults = Vec::new();
    for (name, imported) in names.iter().zip(arrows) {
        let Some(storey) = storey_of(storeys, name) else {
            faults.push(format!("{package}: {name} stands in no storey of crates/xtask/src/circles/storeys.rs"));
            continue;
        };
        let is_above = |other: &&String| storey_of(storeys, other).is_some_and(|other| other < storey);
        let above = imported.iter().filter_map(|other| names.get(*other)).filter(is_above);
        faults.extend(above.map(|other| format!("{package}: {name} imports {other}, which stands above it")));
    }
    faults
}

/// The number of the storey of a file, from the top.
fn storey_of(storeys: Storeys, name: &str) -> Option<usize> {
    let folder = name.split('/').next().map(|first| first.trim_end_matches(".rs"))?;
    storeys.iter().position(|storey| storey.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str, imported: usize) -> Vec<String> {
        let names = ["hub.rs", "order/gate.rs", "event.rs"].map(str::to_owned);
        let mut arrows = vec![BTreeSet::from([1, 2]), BTreeSet::from([2]), BTreeSet::new()];
        arrows[1].insert(imported);
        faults(package, &names, &arrows)
    }

    #[test]
    fn an_import_that_goes_up_is_a_fault_and_one_that_goes_down_is_none() {
        assert_eq!(found("crates/core", 2), [""; 0]);
        assert_eq!(found("crates/core", 0), ["crates/core: order/gate.rs imports hub.rs, which stands above it"]);
        assert_eq!(found("crates/other", 0), [""; 0]);
    }

    #[test]
    fn a_file_in_no_storey_is_a_fault() {
        let fault = "crates/core: attic.rs stands in no storey of crates/xtask/src/circles/storeys.rs";
        assert_eq!(faults("crates/core", &["attic.rs".to_owned()], &[BTreeSet::new()]), [fault]);
    }
}
