//! What a `fanout` run found, and how it is told: each figure by its name, each fault on a line of its own.
//!
//! Only arithmetic and words; the run itself is in `fanout.rs`.

use crate::args::FanoutArgs;
use crate::measure::ledger::{Faults, Ledger};
use crate::measure::process::Memory;
use crate::publisher::Published;
use crate::report::{Report, ms};

/// What made the run end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Complete,
    Quiet,
    Timeout,
    AllClosed,
}

/// What the server's process has used: before the streams, with them open and idle, and after the broadcasts.
pub(crate) struct Usage {
    pub(crate) memory_before: Memory,
    pub(crate) memory_open: Memory,
    pub(crate) memory_after: Memory,
    pub(crate) cpu_us: u64,
}

/// Everything that a run leaves behind.
pub(crate) struct Findings {
    pub(crate) end: End,
    pub(crate) published: Published,
    pub(crate) ledger: Ledger,
    /// How many streams the target closed, and what to say of them.
    pub(crate) closed: u32,
    pub(crate) closed_fault: Option<String>,
    pub(crate) usage: Option<Usage>,
}

impl Findings {
    pub(crate) fn report(self, args: &FanoutArgs) -> Report {
        let mut report = describe(args);
        say_deliveries(&mut report, &self.ledger, &self.published);
        say_faults(&mut report, args, self.end, &self.ledger, &self.published);
        report.figure("closed", self.closed);
        report.row("closed streams", self.closed.to_string());
        self.closed_fault.into_iter().for_each(|fault| report.fault(fault));
        if let Some(usage) = self.usage {
            say_usage(&mut report, &usage, self.ledger.deliveries, args.streams.connections);
        }
        report
    }
}

fn describe(args: &FanoutArgs) -> Report {
    let (connections, rate) = (args.streams.connections, args.rate.events_per_s());
    let (events, size) = (args.events, args.size);
    let title = format!("fanout: {connections} streams, {events} events of {size} B at {rate}/s");
    let mut report = Report::new("fanout", title);
    report.figure("connections", connections);
    report.figure("events", events);
    report.figure("size_bytes", size);
    report.figure("rate_per_s", rate);
    report
}

fn say_deliveries(report: &mut Report, ledger: &Ledger, published: &Published) {
    let took_s = ledger.last_delivery_ns.saturating_sub(published.first_due_ns) as f64 / 1e9;
    let per_s = if took_s > 0.0 { ledger.deliveries as f64 / took_s } else { 0.0 };
    report.row("deliveries", format!("{} in {took_s:.3} s, {per_s:.0}/s", ledger.deliveries));
    report.figure("published", published.events);
    report.figure("deliveries", ledger.deliveries);
    report.figure("took_s", took_s);
    report.figure("deliveries_per_s", per_s);

    let distributions = [
        ("latency", "latency", &ledger.latency),
        ("publish answer", "publish_answer", &published.answer),
        ("publish lateness", "publish_lateness", &published.lateness),
    ];
    for (row, figure, latency) in distributions {
        let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
        let mut texts = Vec::new();
        for (quantile, share) in quantiles {
            let time_ms = latency.quantile_ms(share);
            texts.push(format!("{quantile} {}", ms(time_ms)));
            report.figure(&format!("{figure}_{}_ms", quantile.replace('.', "")), time_ms);
        }
        report.row(row, texts.join("  "));
    }
    let spread_ms = ledger.spread_ms();
    let (median_ms, max_ms) = (spread_ms.map(|spread| spread.0), spread_ms.map(|spread| spread.1));
    report.row("spread", format!("median {}  max {}", ms(median_ms), ms(max_ms)));
    report.figure("spread_median_ms", median_ms);
    report.figure("spread_max_ms", max_ms);

    let per_read = (ledger.reads > 0).then(|| ledger.deliveries as f64 / ledger.reads as f64);
    report.row("events per read", per_read.map_or("none".to_owned(), |per_read| format!("{per_read:.2}")));
    report.figure("events_per_read", per_read);
}

fn say_faults(report: &mut Report, args: &FanoutArgs, end: End, ledger: &Ledger, published: &Published) {
    let Faults { lost, duplicated, reordered } = ledger.faults(published.events);
    let (damaged, other, reconnects) = (ledger.damaged, ledger.other, published.reconnects);
    report.row("checked", format!("lost {lost}, duplicated {duplicated}, reordered {reordered}, damaged {damaged}"));
    report.row("other events", other.to_string());
    report.row("reconnects", format!("{reconnects} of the publisher; streams are never reconnected"));
    let counts = [
        ("lost", lost),
        ("duplicated", duplicated),
        ("reordered", reordered),
        ("damaged", damaged),
        ("other", other),
        ("publish_reconnects", u64::from(reconnects)),
    ];
    counts.into_iter().for_each(|(name, count)| report.figure(name, count));

    let of = u64::from(published.events) * u64::from(args.streams.connections);
    if published.events < args.events && end != End::AllClosed {
        let timeout = args.streams.timeout;
        report.fault(format!("published only {} of {} events within {timeout:?}", published.events, args.events));
    }
    if lost > 0 {
        let why = match end {
            End::Complete => "every open stream had the last event".to_owned(),
            End::Quiet => format!("given up after {:?} of silence", args.quiet),
            End::Timeout => format!("given up at the --timeout of {:?}", args.streams.timeout),
            End::AllClosed => "all streams were closed".to_owned(),
        };
        report.fault(format!("lost {lost} of {of} deliveries ({why})"));
    }
    for (what, count) in [("duplicated", duplicated), ("reordered", reordered), ("damaged", damaged)] {
        if count > 0 {
            report.fault(format!("{what} {count} of {of} deliveries"));
        }
    }
}

fn say_usage(report: &mut Report, usage: &Usage, deliveries: u64, connections: u32) {
    let cpu_us = (deliveries > 0).then(|| usage.cpu_us as f64 / deliveries as f64);
    let text = cpu_us.map_or("none".to_owned(), |cpu_us| format!("{cpu_us:.3} us per delivery"));
    report.row("server CPU", format!("{text} ({} ms in all)", usage.cpu_us / 1000));
    report.figure("cpu_us", usage.cpu_us);
    report.figure("cpu_per_delivery_us", cpu_us);
    let moments = [("open", usage.memory_open), ("after", usage.memory_after)];
    let mut texts = Vec::new();
    for (name, memory) in moments {
        let (pss_bytes, rss_bytes) = memory.growth_since(usage.memory_before, connections);
        texts.push(format!("{name} {pss_bytes:.0} B"));
        report.figure(&format!("{name}_pss_per_connection_bytes"), pss_bytes);
        report.figure(&format!("{name}_rss_per_connection_bytes"), rss_bytes);
    }
    report.row("server PSS", format!("{} per connection", texts.join(", ")));
}
