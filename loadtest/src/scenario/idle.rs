//! Scenario `idle`: the memory of an open stream in the server while nothing is published.

use crate::args::IdleArgs;
use crate::crowd::Crowd;
use crate::crowd::descriptors::Need;
use crate::crowd::plan::{Group, Plan, Role};
use crate::failure::Failure;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::servers::Servers;
use crate::measure::terms::Terms;
use crate::report::Report;
use crate::scenario::progress::Progress;
use crate::wire::dialect::{Address, Dialect, Form};
use crate::wire::target::{CONNECTIONS_PER_SOURCE, Target};

/// Terms of a run without publishes. Any event is somebody else's.
const TERMS: Terms = Terms { run: 0, size_bytes: 0, addressees: 1, publishers: 1, interval_ns: 0, nodes: 1, batch: 1 };

pub(crate) fn run(args: &IdleArgs) -> Result<Report, Failure> {
    let streams = &args.streams;
    let transport = streams.transport()?;
    let targets: Vec<_> = streams.urls().map(Target::resolve).collect::<Result<_, _>>()?;
    let servers = Servers::new(&args.pid).expect("--pid is required");
    let plan = Plan {
        dialect: Dialect::new(&streams.parts(), Address::Channel, Form::Single),
        address: Address::Channel,
        terms: Terms { nodes: targets.len() as u32, ..TERMS },
        targets,
        transport,
        clock: Clock::start(),
        deadline: Deadline::after(streams.timeout),
        per_source: CONNECTIONS_PER_SOURCE,
        connecting_max: streams.connecting_max,
        returning_max: streams.connecting_max,
        groups: vec![Group { role: Role::Steady, connections: streams.connections }],
        has_phases: false,
        repeats: false,
    };
    let (threads, processes) = (streams.threads(), streams.processes());
    Need::of(&plan, threads, processes, 0).ensure()?;
    let progress = Progress::new(streams.connections);

    let before = servers.memory()?;
    let mut crowd = Crowd::start(plan, threads, processes)?;
    crowd.opened(|counts| progress.opening(counts))?;
    let opened = servers.memory()?;
    crowd.hold(args.hold)?;
    let held = servers.memory()?;
    progress.finish();

    let connections = streams.connections;
    let mut report = Report::new("idle", format!("idle: {connections} streams held for {:?}", args.hold));
    report.clean = "All streams stayed open.".to_owned();
    report.figure("connections", connections);
    report.transport(&crowd.plan.transport);
    report.figure("hold_s", args.hold.as_secs_f64());
    for (row, name, memory) in [("after opening", "opened", opened), ("after holding", "held", held)] {
        let (pss_bytes, rss_bytes) = memory.growth_since(before, connections);
        let text = format!("PSS {pss_bytes:.0} B, RSS {rss_bytes:.0} B per connection");
        report.row(row, text);
        report.figure(&format!("{name}_pss_per_connection_bytes"), pss_bytes);
        report.figure(&format!("{name}_rss_per_connection_bytes"), rss_bytes);
    }
    report.figure("closed", crowd.counts().closed);
    crowd.stream_faults().into_iter().for_each(|fault| report.fault(fault));
    crowd.close(vec![0])?;
    Ok(report)
}
