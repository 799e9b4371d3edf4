//! The report on a storm: when all had caught up, the latency of the live traffic meanwhile, and the server's cost.
//!
//! Only arithmetic and words. The storm itself is in `scenario`.

use crate::crowd::plan::Role;
use crate::measure::latency::Latency;
use crate::measure::phase::{Phases, Tide};
use crate::measure::sum::Sum;
use crate::report::findings::Findings;
use crate::report::{Report, ms};
use crate::scenario::storm::{Storm, storming};

/// A generator whose processor time is nearer to that of its receiving threads than this had nothing to wait for.
const BUSY_SHARE: f64 = 0.9;

/// `receiving`: how many threads of this process receive. 0: other processes do.
pub(crate) fn say_storm(report: &mut Report, storm: &Storm, findings: &Findings<'_>, receiving: u32) {
    let Findings { plan, sums, .. } = findings;
    let back_ns = storm.tide.back_ns;
    let after_ms = |at_ns: Option<u64>| Some(at_ns?.saturating_sub(back_ns) as f64 / 1e6);
    let last_ns = replayed_last_ns(sums);
    let (all_back_ms, last_ms) = (after_ms(storm.all_back_ns), after_ms(last_ns));
    let replayed: u64 = sums.iter().map(|sum| sum.replayed).sum();
    let per_s = last_ms.filter(|last_ms| *last_ms > 0.0).map(|last_ms| replayed as f64 * 1000.0 / last_ms);

    report.row("storm", format!("{} streams back in {}", storming(plan), ms(all_back_ms)));
    report.row(
        "last replay",
        format!(
            "after {}: {replayed} of {} missed events, {:.0}/s",
            ms(last_ms),
            storm.due_again,
            per_s.unwrap_or_default()
        ),
    );
    report.figure("all_back_ms", all_back_ms);
    report.figure("last_replay_ms", last_ms);
    report.figure("replay_due", storm.due_again);
    report.figure("replayed_per_s", per_s);
    say_live(report, &storm.tide, findings);
    say_cpu(report, storm, last_ms, receiving);
    if storm.all_back_ns.is_none() {
        report.fault("not all streams came back in time".to_owned());
    }
}

/// Tells the latency of the streams that stayed, in a storm, a rush or an attack.
pub(super) fn say_live(report: &mut Report, tide: &Tide, findings: &Findings<'_>) {
    let Findings { plan, sums, published, .. } = findings;
    let stayed = plan.groups.iter().zip(sums).find(|(group, _)| group.role == Role::Steady);
    let Some(Phases { before, during }) = stayed.and_then(|(_, sum)| sum.phases.as_deref()) else { return };
    let times = |latency: &Latency| [0.5, 0.99].map(|share| latency.quantile_ms(share));
    let mut late = Phases::default();
    published.late.iter().for_each(|(due_ns, late_ns)| late.take(tide, *due_ns, *late_ns));
    for (name, figure, latency, late) in
        [("before", "before", before, &late.before), ("meanwhile", "during", during, &late.during)]
    {
        let [p50_ms, p99_ms] = times(latency);
        // The generator's own part of it.
        let late_ms = late.quantile_ms(0.99);
        let count = latency.count();
        let text =
            format!("p50 {}  p99 {}  ({count} deliveries, published late p99 {})", ms(p50_ms), ms(p99_ms), ms(late_ms));
        report.row(&format!("live {name}"), text);
        report.figure(&format!("live_{figure}_publish_lateness_p99_ms"), late_ms);
        report.figure(&format!("live_{figure}_p50_ms"), p50_ms);
        report.figure(&format!("live_{figure}_p99_ms"), p99_ms);
        report.figure(&format!("live_{figure}_deliveries"), latency.count());
    }
    let mut texts = Vec::new();
    for (name, (before_ms, during_ms)) in ["p50", "p99"].into_iter().zip(times(before).into_iter().zip(times(during))) {
        let ratio =
            before_ms.zip(during_ms).filter(|(before_ms, _)| *before_ms > 0.0).map(|(before, during)| during / before);
        texts.push(ratio.map_or(format!("{name} unknown"), |ratio| format!("{name} x {ratio:.2}")));
        report.figure(&format!("live_{name}_ratio"), ratio);
    }
    report.row("live, meanwhile / before", texts.join("  "));
    if during.count() == 0 {
        report.note("Nothing live was due meanwhile: a higher --rate would show more.".to_owned());
    }
}

/// Tells the processor time from the order to come back until all had caught up.
fn say_cpu(report: &mut Report, storm: &Storm, last_ms: Option<f64>, receiving: u32) {
    let (Some(cpu), Some(last_ms)) = (&storm.cpu, last_ms.filter(|last_ms| *last_ms > 0.0)) else { return };
    let cores = |used_ns: u64| used_ns as f64 / 1e6 / last_ms;
    let generator = cores(cpu.generator_ns);
    let server = cpu.server_ns.map(cores);
    let mut text = format!("generator {generator:.2} cores");
    if let Some(server) = server {
        text += &format!(", server {server:.2} cores");
    }
    let others = cpu.machine_ns.zip(cpu.server_ns).map(|(all_ns, server_ns)| {
        // The kernel's ticks are coarse: a little more may seem to have been used here than in all.
        cores(all_ns.saturating_sub(server_ns + cpu.generator_ns))
    });
    if let Some(others) = others {
        text += &format!(", anything else {others:.2} cores");
    }
    // The first receives for those that stay, and has little to do.
    let is_bottleneck = receiving > 1 && generator >= BUSY_SHARE * f64::from(receiving - 1);
    if is_bottleneck {
        text += "; the generator was the bottleneck: the threads that receive the replay never waited";
    }
    report.row("CPU in the storm", text);
    report.figure("storm_generator_cores", generator);
    report.figure("storm_server_cores", server);
    report.figure("storm_other_cores", others);
    report.figure("storm_generator_is_bottleneck", is_bottleneck);
}

/// `weights`: (time, PSS in bytes).
pub(crate) fn say_memory(report: &mut Report, storm: &Storm, sums: &[Sum], weights: &[(u64, u64)]) {
    let before = weights.iter().rfind(|(at_ns, _)| *at_ns <= storm.tide.left_ns);
    let until_ns = replayed_last_ns(sums).unwrap_or(u64::MAX);
    // One more than within the storm: a short one may lie between two.
    let first = weights.partition_point(|(at_ns, _)| *at_ns < storm.tide.back_ns);
    let last = weights.partition_point(|(at_ns, _)| *at_ns <= until_ns);
    let during = weights.get(first..(last + 1).min(weights.len())).unwrap_or_default();
    let peak = during.iter().map(|(_, bytes)| *bytes).max();
    let (Some((_, before)), Some(peak), Some((_, after))) = (before, peak, weights.last()) else { return };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let text = format!(
        "{:.1} MiB before, {:.1} MiB at its peak in the storm, {:.1} MiB after",
        mib(*before),
        mib(peak),
        mib(*after)
    );
    report.row("server PSS in all", text);
    report.figure("storm_before_pss_bytes", *before);
    report.figure("storm_peak_pss_bytes", peak);
    report.figure("storm_after_pss_bytes", *after);
}

fn replayed_last_ns(sums: &[Sum]) -> Option<u64> {
    sums.iter().map(|sum| sum.replayed_last_ns).max().filter(|last_ns| *last_ns > 0)
}
