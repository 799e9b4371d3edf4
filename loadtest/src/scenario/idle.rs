//! Scenario `idle`: what an open stream costs the server in memory while nothing is published.

use crate::args::IdleArgs;
use crate::crowd::Crowd;
use crate::crowd::descriptors;
use crate::failure::Failure;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::ledger::Expected;
use crate::measure::process::Process;
use crate::report::Report;
use crate::wire::target::Target;

pub(crate) fn run(args: &IdleArgs) -> Result<Report, Failure> {
    let streams = &args.streams;
    descriptors::ensure(streams.connections)?;
    let target = Target::resolve(&streams.url)?;
    let process = Process::new(args.pid);

    let before = process.memory()?;
    let deadline = Deadline::after(streams.timeout);
    let mut crowd = Crowd::open(streams, &target, Expected::NOTHING, Clock::start(), deadline)?;
    let opened = process.memory()?;
    crowd.hold(args.hold)?;
    let held = process.memory()?;

    let connections = streams.connections;
    let mut report = Report::new("idle", format!("idle: {connections} streams held for {:?}", args.hold));
    report.figure("connections", connections);
    report.figure("hold_s", args.hold.as_secs_f64());
    for (row, name, memory) in [("after opening", "opened", opened), ("after holding", "held", held)] {
        let (pss_bytes, rss_bytes) = memory.growth_since(before, connections);
        let text = format!("PSS {pss_bytes:.0} B, RSS {rss_bytes:.0} B per connection");
        report.row(row, text);
        report.figure(&format!("{name}_pss_per_connection_bytes"), pss_bytes);
        report.figure(&format!("{name}_rss_per_connection_bytes"), rss_bytes);
    }
    report.figure("closed", crowd.closed);
    if let Some(fault) = crowd.closed_fault() {
        report.fault(fault);
    }
    crowd.close()?;
    Ok(report)
}
