//! The scenarios: their subscribers, their addressees, and their course. The run itself is `load.rs`.

pub(crate) mod idle;
pub(crate) mod load;
pub(crate) mod progress;
pub(crate) mod rolling;
pub(crate) mod rush;
pub(crate) mod script;
pub(crate) mod storm;

use std::time::Duration;

use self::load::Load;
use self::rolling::Rolling;
use self::rush::{Rush, Visit};
use self::script::{Part, Script};
use self::storm::Storm;
use crate::args::rolling::RollingArgs;
use crate::args::streams::StreamArgs;
use crate::args::{
    AbuseArgs, AmountArgs, BATCH_BYTES_MAX, ChannelsArgs, ChurnArgs, FanoutArgs, FlatOutArgs, HandshakesArgs,
    PublishArgs, SlowArgs, SoakArgs, SpeedsArgs, StormArgs, TargetedArgs,
};
use crate::attack::Attack;
use crate::attack::kind::Kind;
use crate::crowd::plan::{AWAY_CHANNEL, Group, Role};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::publish::backlog::Backlog;
use crate::report::Report;
use crate::site::Site;
use crate::wire::dialect::Address;

/// Silence after which streams that come back after a while have lost what has not come.
const RETURNING_QUIET: Duration = Duration::from_secs(15);

/// Streams on one channel that all read, at a fixed rate. Every other scenario departs from this one.
fn steady<'a>(name: &'static str, args: &'a FanoutArgs) -> Load<'a> {
    Load {
        name,
        streams: &args.streams,
        publish: &args.publish,
        pace: Some(args.rate.rate),
        amount: args.rate.amount,
        groups: vec![Group { role: Role::Steady, connections: args.streams.connections }],
        address: Address::Channel,
        addressees: 1,
        batch: None,
        returning_max: args.streams.connecting_max,
        script: Script::new(Part::Plain),
    }
}

/// Most of the connections are steady, and so many of some other role.
fn with(role: Role, others: u32, of: u32) -> Result<Vec<Group>, Failure> {
    if others >= of {
        return Err(Failure::NobodySteady);
    }
    Ok(vec![Group { role: Role::Steady, connections: of - others }, Group { role, connections: others }])
}

pub(crate) fn fanout(args: &FanoutArgs) -> Result<Report, Failure> {
    steady("fanout", args).run()
}

pub(crate) fn channels(args: &ChannelsArgs) -> Result<Report, Failure> {
    Load { addressees: args.channels, ..steady("channels", &args.fanout) }.run()
}

pub(crate) fn targeted(args: &TargetedArgs) -> Result<Report, Failure> {
    let addressees = args.clients.unwrap_or(args.fanout.streams.connections);
    Load { address: Address::Client, addressees, ..steady("targeted", &args.fanout) }.run()
}

pub(crate) fn flat_out(args: &FlatOutArgs) -> Result<Report, Failure> {
    if let Some(batch) = args.batch {
        let size_bytes = args.publish.size;
        if !args.streams.knows_batches() {
            return Err(Failure::NoBatches);
        }
        if u64::from(batch) * u64::from(size_bytes) > BATCH_BYTES_MAX {
            return Err(Failure::BatchTooLarge { batch, size_bytes, bytes_max: BATCH_BYTES_MAX });
        }
    }
    let load = Load {
        name: "flat-out",
        streams: &args.streams,
        publish: &args.publish,
        pace: None,
        amount: args.amount,
        groups: vec![Group { role: Role::Steady, connections: args.streams.connections }],
        address: Address::Channel,
        addressees: 1,
        batch: args.batch,
        returning_max: args.streams.connecting_max,
        script: Script::new(Part::Plain),
    };
    load.run()
}

pub(crate) fn slow(args: &SlowArgs) -> Result<Report, Failure> {
    let connections = args.fanout.streams.connections;
    let (stuck, slow) = (args.stuck.of(connections), args.slow.of(connections));
    let mut groups = with(Role::Stuck, stuck + slow, connections)?;
    groups[1].connections = stuck;
    groups.push(Group { role: Role::Slow { bytes_per_s: args.slow_bytes_per_s }, connections: slow });
    Load { groups, ..steady("slow", &args.fanout) }.run()
}

pub(crate) fn churn(args: &ChurnArgs) -> Result<Report, Failure> {
    let connections = args.fanout.streams.connections;
    let visitors = args.visitors.of(connections);
    let life = Duration::from_secs_f64(f64::from(visitors) / args.churn.events_per_s());
    Load { groups: with(Role::Churn { life }, visitors, connections)?, ..steady("churn", &args.fanout) }.run()
}

pub(crate) fn storm(args: &StormArgs) -> Result<Report, Failure> {
    let connections = args.streams.connections;
    let stay = args.stay.of(connections);
    if stay == connections {
        return Err(Failure::NobodyLeaves(connections));
    }
    let backlog = Backlog::new(args.away_rate, args.missed);
    let storm = Storm::new(args.before, args.away, args.after, args.publish.quiet, backlog);
    let load = Load {
        name: "storm",
        streams: &args.streams,
        publish: &args.publish,
        pace: Some(args.rate),
        amount: AmountArgs { events: None, duration: Some(args.before + args.away + args.after) },
        groups: with(Role::Storm, connections - stay, connections)?,
        address: Address::Channel,
        addressees: AWAY_CHANNEL + 1,
        batch: None,
        returning_max: args.returning_max.unwrap_or(connections),
        script: Script::new(Part::Storm(Box::new(storm))),
    };
    load.run()
}

pub(crate) fn handshakes(args: &HandshakesArgs) -> Result<Report, Failure> {
    let connections = args.streams.connections;
    if !args.streams.transport()?.is_tls {
        return Err(Failure::NoHandshakes);
    }
    let load = Load {
        name: "handshakes",
        streams: &args.streams,
        publish: &args.publish,
        pace: Some(args.rate),
        amount: AmountArgs { events: None, duration: Some(args.before + args.after) },
        groups: vec![Group { role: Role::Steady, connections }],
        address: Address::Channel,
        addressees: 1,
        batch: None,
        returning_max: args.streams.connecting_max,
        script: Script::new(Part::Rush(Box::new(Rush::new(Visit::Newcomers(args.newcomers), args.before, args.after)))),
    };
    load.run()
}

pub(crate) fn abuse(args: &AbuseArgs) -> Result<Report, Failure> {
    let attack = Attack {
        kinds: if args.kinds.is_empty() { Kind::ALL.to_vec() } else { args.kinds.clone() },
        addresses: args.attackers,
        held: args.held,
        per_s: args.flood_rate.events_per_s(),
        time: args.attack,
    };
    let load = Load {
        name: "abuse",
        streams: &args.streams,
        publish: &args.publish,
        pace: Some(args.rate),
        amount: AmountArgs { events: None, duration: Some(args.before + args.attack) },
        groups: vec![Group { role: Role::Steady, connections: args.streams.connections }],
        address: Address::Channel,
        addressees: 1,
        batch: None,
        returning_max: args.streams.connecting_max,
        script: Script::new(Part::Rush(Box::new(Rush::new(Visit::Attack(attack), args.before, Duration::ZERO)))),
    };
    load.run()
}

pub(crate) fn speeds(args: &SpeedsArgs) -> Result<Report, Failure> {
    let mut roles = vec![Role::Steady];
    roles.extend(args.bytes_per_s.iter().map(|bytes_per_s| Role::Paced { bytes_per_s: *bytes_per_s }));
    roles.push(Role::Napping { nap: args.nap });
    let (connections, speeds) = (args.streams.connections, roles.len() as u32);
    if connections < speeds {
        return Err(Failure::TooFewForSpeeds { connections, speeds });
    }
    // The first ones have the remainder.
    let share = |at: u32| connections / speeds + u32::from(at < connections % speeds);
    let groups = roles.into_iter().zip(0..).map(|(role, at)| Group { role, connections: share(at) }).collect();
    let load = Load {
        name: "speeds",
        streams: &args.streams,
        publish: &args.publish,
        pace: None,
        amount: AmountArgs { events: Some(args.events), duration: None },
        groups,
        address: Address::Channel,
        addressees: 1,
        batch: None,
        returning_max: args.streams.connecting_max,
        script: Script::new(Part::Speeds { own_pace: args.own_pace }),
    };
    load.run()
}

pub(crate) fn rolling(args: &RollingArgs) -> Result<Report, Failure> {
    let interrupt = Interrupt::catch().map_err(Failure::Signals)?;
    // nginx takes two for each stream, and what is started here inherits the limit.
    rlimit::increase_nofile_limit(u64::MAX).map_err(Failure::Limit)?;
    let site = Site::start(args.fanfare.as_deref(), &args.fanfare_args)?;
    let url = site.url().parse().map_err(|_| Failure::Bug)?;
    let load = Load {
        name: "rolling",
        streams: &StreamArgs::to(url, args.connections, args.threads, args.timeout),
        publish: &PublishArgs::alone(RETURNING_QUIET),
        pace: Some(args.rate),
        amount: AmountArgs { events: None, duration: Some(args.before + 2 * args.pause) },
        groups: vec![Group { role: Role::Returning, connections: args.connections }],
        address: Address::Channel,
        addressees: 1,
        batch: None,
        returning_max: args.connections,
        script: Script::new(Part::Rolling(Box::new(Rolling::new(args, site, interrupt)))),
    };
    load.run()
}

pub(crate) fn soak(args: &SoakArgs) -> Result<Report, Failure> {
    if args.fanout.publish.pid.is_empty() {
        return Err(Failure::SoakPid);
    }
    let script = Script::new(Part::Soak { growth_max: args.growth_max });
    Load { script, ..steady("soak", &args.fanout) }.run()
}
