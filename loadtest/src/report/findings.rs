//! The findings of a run in words: each figure by its name, each fault on a line of its own.
//!
//! Only arithmetic and words. The run itself is in `scenario`.

use std::time::Duration;

use crate::args::EVENTS_MAX;
use crate::args::values::Rate;
use crate::crowd::live::Counts;
use crate::crowd::plan::{Group, Plan, Role};
use crate::measure::latency::Latency;
use crate::measure::span::Extent;
use crate::measure::sum::{Faults, Sum};
use crate::publish::publisher::Published;
use crate::report::speeds::{say_speeds, unaccounted_text};
use crate::report::usage::{Usage, say_usage};
use crate::report::{Report, ms};
use crate::wire::limits::ID_BYTES_MAX;

/// The reason why the run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Complete,
    Quiet,
    Timeout,
    AllClosed,
}

/// The parts of a run's command that its findings repeat.
pub(crate) struct Asked {
    pub(crate) scenario: &'static str,
    /// `None`: as fast as the target answers.
    pub(crate) pace: Option<Rate>,
    /// Events in one request. `None`: each event is a request.
    pub(crate) batch: Option<u32>,
    /// The number of events. `None`: the time, or the most that there can be.
    pub(crate) events: Option<u32>,
    /// The silence after which the run is given up.
    pub(crate) quiet: Duration,
    /// Late readers and their speeds are the subject.
    pub(crate) has_speeds: bool,
}

/// Everything that a run leaves behind.
pub(crate) struct Findings<'a> {
    pub(crate) asked: Asked,
    pub(crate) plan: &'a Plan,
    /// How many events there were to be, if that was said.
    pub(crate) planned: Option<u32>,
    pub(crate) end: End,
    pub(crate) published: Published,
    /// A sum for each group.
    pub(crate) sums: Vec<Sum>,
    pub(crate) counts: Counts,
    pub(crate) stream_faults: Vec<String>,
    pub(crate) usage: Option<Usage>,
}

impl Findings<'_> {
    pub(crate) fn report(&self) -> Report {
        let mut report = self.describe();
        self.say_published(&mut report);
        if self.asked.has_speeds {
            say_speeds(&mut report, &self.plan.groups, &self.sums, self.published.events);
        } else {
            report.clean = self.clean();
            self.say_groups(&mut report);
        }
        let Counts { closed, closed_behind, back, refused_again, .. } = self.counts;
        report.row("streams", format!("{closed} closed by the target, {back} opened again"));
        report.figure("closed", closed);
        report.figure("reconnects", back);
        report.figure("refused_again", refused_again);
        if self.has_role(Role::is_behind) {
            // No fault: a server may cut off who holds it up.
            report.row("late readers", format!("{closed_behind} closed by the target"));
            report.figure("behind_closed", closed_behind);
        }
        let deliveries = self.sums.iter().map(|sum| sum.deliveries).sum();
        if let Some(usage) = &self.usage {
            let left_out = if self.has_role(|role| role == Role::Stuck) {
                ", events for stuck streams are not among them"
            } else {
                ""
            };
            say_usage(&mut report, usage, deliveries, self.published.events, self.plan.connections(), left_out);
        }
        self.stream_faults.iter().for_each(|fault| report.fault(fault.clone()));
        report
    }

    fn say_groups(&self, report: &mut Report) {
        for (number, sum) in self.sums.iter().enumerate() {
            let group = self.plan.groups[number];
            if group.connections > 0 && group.role != Role::Stuck {
                self.say_deliveries(report, prefix(number, group), sum);
                self.say_faults(report, number, sum);
            }
        }
    }

    fn has_role(&self, is_it: impl Fn(Role) -> bool) -> bool {
        self.plan.groups.iter().any(|group| group.connections > 0 && is_it(group.role))
    }

    /// The statement of a run without a fault, and no more than it has shown.
    fn clean(&self) -> String {
        if self.plan.connections() == 0 {
            return "Every event was acknowledged.".to_owned();
        }
        if self.has_role(Role::is_behind) {
            return "Every stream that reads at once received every event once and in order.".to_owned();
        }
        if self.has_role(|role| matches!(role, Role::Churn { .. })) {
            return "Every stream that stayed received every event, and each visitor everything between its first and its \
                    last, once and in order."
                .to_owned();
        }
        "Every event reached every stream that reads, once and in order.".to_owned()
    }

    fn describe(&self) -> Report {
        let (name, events, size) = (self.asked.scenario, self.published.events, self.plan.terms.size_bytes);
        let pace = match self.asked.pace {
            Some(rate) => format!("at {}/s", rate.events_per_s()),
            None => "as fast as they were answered".to_owned(),
        };
        let batches = self.asked.batch.map_or(String::new(), |batch| format!(" in batches of {batch}"));
        let connections = self.plan.connections();
        let nodes = self.plan.targets.len();
        let on_nodes = if nodes > 1 { format!(" on {nodes} nodes") } else { String::new() };
        let title = format!("{name}: {connections} streams{on_nodes}, {events} events of {size} B {pace}{batches}");
        let mut report = Report::new(name, title);
        report.figure("connections", connections);
        report.figure("nodes", nodes);
        report.transport(&self.plan.transport);
        report.figure("size_bytes", size);
        report.figure("addressees", self.plan.terms.addressees);
        report.figure("publishers", self.plan.terms.publishers);
        report.figure("batch", self.asked.batch);
        report.figure("rate_per_s", self.asked.pace.map(|rate| rate.events_per_s()));
        report
    }

    fn say_published(&self, report: &mut Report) {
        let Published { events, reconnects, .. } = self.published;
        let took_s = self.published.ended_ns.saturating_sub(self.published.first_due_ns) as f64 / 1e9;
        let per_s = if took_s > 0.0 { f64::from(events) / took_s } else { 0.0 };
        report.row("published", format!("{events} in {took_s:.3} s, {per_s:.0}/s"));
        report.figure("published", events);
        report.figure("published_per_s", per_s);
        if self.asked.batch.is_some() {
            // A line that is not acknowledged ends the run without a result.
            let batches = self.published.answer.count();
            report
                .row("acknowledged", format!("all of {events} sent, in {batches} batches: none failed, none unknown"));
            report.figure("batches", batches);
        }
        say_times(report, "publish answer", "publish_answer", &self.published.answer);
        say_times(report, "publish lateness", "publish_lateness", &self.published.lateness);
        report.figure("publish_reconnects", reconnects);
        if reconnects > 0 {
            report.row("publishers", format!("connected {reconnects} times again"));
        }
        if self.planned.is_none() && self.asked.events.is_none() && events >= EVENTS_MAX {
            report.row("limit", format!("stopped at the limit of {EVENTS_MAX} events"));
        }
        if let Some(planned) = self.planned
            && events < planned
            && self.end != End::AllClosed
        {
            let timeout = self.plan.deadline.timeout();
            report.fault(format!("published only {events} of {planned} events within {timeout:?}"));
        }
    }

    fn say_deliveries(&self, report: &mut Report, prefix: &'static str, sum: &Sum) {
        let row = |name: &str| format!("{prefix}{name}");
        let figure = |name: &str| format!("{}{name}", prefix.replace(' ', "_"));
        let took_s = sum.last_delivery_ns.saturating_sub(self.published.first_due_ns) as f64 / 1e9;
        let per_s = if took_s > 0.0 { sum.deliveries as f64 / took_s } else { 0.0 };
        report.row(&row("deliveries"), format!("{} in {took_s:.3} s, {per_s:.0}/s", sum.deliveries));
        report.figure(&figure("deliveries"), sum.deliveries);
        report.figure(&figure("took_s"), took_s);
        report.figure(&figure("deliveries_per_s"), per_s);
        say_times(report, &row("latency"), &figure("latency"), &sum.latency);
        if let Some(crossing) = &sum.crossing {
            say_times(report, &row("same node"), &figure("latency_same_node"), &crossing.same_node);
            say_times(report, &row("other nodes"), &figure("latency_other_nodes"), &crossing.other_nodes);
        }
        let extents = [("spread", sum.spans.spread()), ("complete", sum.spans.complete())];
        for (name, extent) in extents {
            let (median_ms, max_ms) = extent.map(|Extent { median_ms, max_ms }| (median_ms, max_ms)).unzip();
            report.row(&row(name), format!("median {}  max {}", ms(median_ms), ms(max_ms)));
            report.figure(&figure(&format!("{name}_p50_ms")), median_ms);
            report.figure(&figure(&format!("{name}_max_ms")), max_ms);
        }
        let per_read = (sum.reads > 0).then(|| sum.deliveries as f64 / sum.reads as f64);
        report.row(&row("events per read"), per_read.map_or("none".to_owned(), |per_read| format!("{per_read:.2}")));
        report.figure(&figure("events_per_read"), per_read);
        if sum.replayed > 0 {
            report.row(&row("replayed"), sum.replayed.to_string());
        }
        report.figure(&figure("replayed"), sum.replayed);
        report.curve(&format!("{prefix}streams"), sum);
    }

    fn say_faults(&self, report: &mut Report, number: usize, sum: &Sum) {
        let group = self.plan.groups[number];
        let prefix = prefix(number, group);
        let Faults { lost, told_missing, duplicated, reordered } = sum.faults;
        let Sum { damaged, other, unaccounted, .. } = *sum;
        let lost_word = if group.role.is_behind() { "jumped over" } else { "lost" };
        let checked = format!(
            "{lost_word} {lost}, told missing {told_missing}, duplicated {duplicated}, reordered {reordered}, damaged {damaged}; \
             unaccounted {unaccounted} streams; gaps {}; other events {other}",
            sum.gaps.text()
        );
        report.row(&format!("{prefix}checked"), checked);
        let counts = [
            ("lost", lost),
            ("told_missing", told_missing),
            ("unaccounted", unaccounted),
            ("duplicated", duplicated),
            ("reordered", reordered),
            ("damaged", damaged),
            ("gaps", sum.gaps.total()),
            ("gaps_busy_missed", sum.gaps.busy_missed),
            ("gaps_uncounted", sum.gaps.uncounted),
            ("other", other),
        ];
        let figure = |name: &str| format!("{}{name}", prefix.replace(' ', "_"));
        counts.into_iter().for_each(|(name, count)| report.figure(&figure(name), count));
        let reasons = sum.gaps.reasons();
        reasons.into_iter().for_each(|(reason, count)| report.figure(&figure(&format!("gaps_{reason}")), count));
        if group.role.is_behind() {
            let jumped = lost + told_missing;
            if jumped > 0 {
                report
                    .note(format!("Slow readers missed {jumped} events that lie before the last that they have read."));
            }
            // Not a fault: these make their server drop. `gaps` counts whether it says so.
            report.row(&format!("{prefix}unread"), format!("{} when the run was over", sum.unread));
            report.figure(&format!("{}unread", prefix.replace(' ', "_")), sum.unread);
            return;
        }
        say_unheard(report, prefix, group, sum);
        let of = sum.deliveries + lost + told_missing;
        if lost > 0 {
            let why = match self.end {
                _ if !group.role.is_awaited() => "between the first and the last event of a stream".to_owned(),
                End::Complete => "although all deliveries came".to_owned(),
                End::Quiet => format!("given up after {:?} of silence", self.asked.quiet),
                End::Timeout => format!("given up at the --timeout of {:?}", self.plan.deadline.timeout()),
                End::AllClosed => "all streams were closed".to_owned(),
            };
            report.fault(format!("{prefix}lost {lost} of {of} deliveries ({why})"));
        }
        // Told or not: these read all at once, so nothing had to be missing.
        let counts = [
            ("told missing", told_missing),
            ("duplicated", duplicated),
            ("reordered", reordered),
            ("damaged", damaged),
        ];
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            report.fault(format!("{prefix}{what} {count} of {of} deliveries"));
        }
        // With a silent loss that is said already.
        if unaccounted > 0 && lost == 0 {
            report.fault(unaccounted_text(prefix, unaccounted, group.connections));
        }
    }
}

/// Tells the faults that no sequence number shows: visits that received nothing, and streams that could not say where
/// they had been.
fn say_unheard(report: &mut Report, prefix: &str, group: Group, sum: &Sum) {
    let Sum { silent, long_ids, .. } = *sum;
    if matches!(group.role, Role::Churn { .. }) {
        report.figure(&format!("{}silent", prefix.replace(' ', "_")), silent);
    }
    if silent > 0 {
        report.fault(format!("{silent} visits received nothing, although events were published all the time"));
    }
    if long_ids > 0 {
        report.fault(format!(
            "{long_ids} streams came back without Last-Event-ID: they had ids of more than {ID_BYTES_MAX} bytes"
        ));
    }
}

/// The first part of the names of a group's figures. The first group is the subject of the run and has none.
fn prefix(number: usize, group: Group) -> &'static str {
    match group.role {
        _ if number == 0 => "",
        Role::Steady => "steady ",
        Role::Storm => "storm ",
        Role::Returning => "returning ",
        Role::Stuck => "stuck ",
        Role::Slow { .. } => "slow ",
        Role::Churn { .. } => "visitors ",
        Role::Paced { .. } => "paced ",
        Role::Napping { .. } => "napping ",
    }
}

fn say_times(report: &mut Report, row: &str, figure: &str, latency: &Latency) {
    let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
    let mut texts = Vec::new();
    for (quantile, share) in quantiles {
        let time_ms = latency.quantile_ms(share);
        texts.push(format!("{quantile} {}", ms(time_ms)));
        report.figure(&format!("{figure}_{}_ms", quantile.replace('.', "")), time_ms);
    }
    report.row(row, texts.join("  "));
}
