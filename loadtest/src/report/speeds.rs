//! The report on readers of several speeds: a row each. Being told of a loss is no fault there, but silence is.

use crate::crowd::plan::{Group, Role};
use crate::measure::sum::{Faults, Sum};
use crate::report::Report;

/// `published`: events that were due to each connection.
pub(crate) fn say_speeds(report: &mut Report, groups: &[Group], sums: &[Sum], published: u32) {
    let mut rows = Vec::new();
    let mut unaccounted_in_all = 0;
    for (group, sum) in groups.iter().zip(sums) {
        let speed = speed(group.role);
        let connections = group.connections;
        let due = u64::from(connections) * u64::from(published);
        let Faults { lost, told_missing, duplicated, reordered } = sum.faults;
        let Sum { deliveries, unaccounted, damaged, gaps, other, .. } = sum;
        unaccounted_in_all += unaccounted;
        report.row(
            &speed,
            format!(
                "{connections} streams, due {due}: delivered {deliveries}, told missing {told_missing}, lost silently {lost}, \
                 duplicated {duplicated}, reordered {reordered}; unaccounted {unaccounted} streams; gaps {}",
                gaps.text()
            ),
        );
        let mut row = serde_json::json!({
            "speed": speed, "connections": connections, "due": due, "delivered": deliveries,
            "told_missing": told_missing, "lost": lost, "duplicated": duplicated, "reordered": reordered,
            "damaged": damaged, "other": other, "unaccounted": unaccounted,
            "gaps": gaps.total(), "gaps_busy_missed": gaps.busy_missed, "gaps_uncounted": gaps.uncounted,
        });
        gaps.reasons().iter().for_each(|(reason, count)| row[format!("gaps_{reason}")] = (*count).into());
        rows.push(row);
        let faults =
            [("lost silently", lost), ("duplicated", duplicated), ("reordered", reordered), ("damaged", *damaged)];
        for (what, count) in faults.into_iter().filter(|(_, count)| *count > 0) {
            report.fault(format!("{speed}: {what} {count} of {due} deliveries"));
        }
        if *unaccounted > 0 {
            report.fault(unaccounted_text(&format!("{speed}: "), *unaccounted, connections));
        }
        report.curve(&speed, sum);
    }
    let total = |count: fn(&Sum) -> u64| sums.iter().map(count).sum::<u64>();
    report.figure("deliveries", total(|sum| sum.deliveries));
    report.figure("told_missing", total(|sum| sum.faults.told_missing));
    report.figure("lost", total(|sum| sum.faults.lost));
    report.figure("duplicated", total(|sum| sum.faults.duplicated));
    report.figure("reordered", total(|sum| sum.faults.reordered));
    report.figure("gaps", total(|sum| sum.gaps.total()));
    report.figure("unaccounted", unaccounted_in_all);
    report.figure("speeds", rows);
    report.clean =
        "Every event reached every stream once and in order, or its stream was told that it is missing.".to_owned();
}

/// The fault of streams whose account does not hold.
pub(crate) fn unaccounted_text(prefix: &str, unaccounted: u64, connections: u32) -> String {
    format!(
        "{prefix}unaccounted {unaccounted} of {connections} streams: what they received and what they were told is missing \
         are not what was published"
    )
}

fn speed(role: Role) -> String {
    match role {
        Role::Paced { bytes_per_s } if bytes_per_s >= 1_000_000 => format!("{} MB/s", f64::from(bytes_per_s) / 1e6),
        Role::Paced { bytes_per_s } => format!("{} KB/s", f64::from(bytes_per_s) / 1e3),
        Role::Napping { nap } => format!("stops for {nap:?}"),
        _ => "reads at once".to_owned(),
    }
}
