//! The report on a rush: how long the handshakes took and what they cost the server, or what an attacker was given, and
//! what the standing streams felt.
//!
//! Only arithmetic and words. The rush itself is in `scenario`.

use std::time::Duration;

use crate::crowd::newcomers::Arrived;
use crate::report::attack::say_attack;
use crate::report::findings::Findings;
use crate::report::storm::say_live;
use crate::report::{Report, ms};
use crate::scenario::rush::{Outcome, Rush, Visit};

pub(crate) fn say_rush(report: &mut Report, rush: &Rush, findings: &Findings<'_>) {
    let Some((outcome, took)) = rush.outcome.as_ref().zip(rush.took()) else {
        report.fault(match rush.visit {
            Visit::Newcomers(newcomers) => format!("not all of {newcomers} newcomers had connected in time"),
            Visit::Attack(_) => "the attack was not over in time".to_owned(),
        });
        return;
    };
    match outcome {
        Outcome::Arrived(arrived) => say_arrived(report, rush, arrived, took),
        Outcome::Attacked(attacked) => say_attack(report, attacked, rush.server_cores()),
    }
    let cores = rush.generator_cores();
    report.row("generator meanwhile", cores.map_or("unknown".to_owned(), |cores| format!("{cores:.2} cores")));
    report.figure("rush_generator_cores", cores);
    if findings.plan.connections() > 0 {
        say_live(report, &rush.tide, findings);
    }
}

fn say_arrived(report: &mut Report, rush: &Rush, arrived: &Arrived, took: Duration) {
    let handshakes = arrived.handshake.count();
    let took_ms = took.as_secs_f64() * 1e3;
    let per_s = handshakes as f64 * 1e3 / took_ms;
    let [p50_ms, p99_ms] = [0.5, 0.99].map(|share| arrived.handshake.quantile_ms(share));
    let text = format!("{handshakes} in {}, {per_s:.0}/s: p50 {}  p99 {}", ms(Some(took_ms)), ms(p50_ms), ms(p99_ms));
    report.row("handshakes", text);
    report.figure("handshakes", handshakes);
    report.figure("handshakes_took_ms", took_ms);
    report.figure("handshakes_per_s", per_s);
    report.figure("handshake_p50_ms", p50_ms);
    report.figure("handshake_p99_ms", p99_ms);
    let cpu_us = rush.server_us().map(|us| us / handshakes as f64).filter(|us| us.is_finite() && *us > 0.0);
    let per_s_and_core = cpu_us.map(|us| 1e6 / us);
    if let Some((cpu_us, per_s_and_core)) = cpu_us.zip(per_s_and_core) {
        report.row("server, each", format!("{cpu_us:.0} us of CPU: {per_s_and_core:.0} handshakes a second and core"));
    }
    report.figure("cpu_per_handshake_us", cpu_us);
    report.figure("handshakes_per_s_and_core", per_s_and_core);
    if let Some(first) = &arrived.refused_first {
        let newcomers = rush.visit.connections();
        let refused = u64::from(newcomers) - handshakes;
        report.fault(format!("{refused} of {newcomers} newcomers could not connect; the first: {first}"));
    }
}
