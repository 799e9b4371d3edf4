//! The subscribers of a run, how each behaves, and the orders to all of them.
//!
//! Everything here can travel to another process. No sockets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::clock::{Clock, Deadline};
use crate::measure::ledger::{Due, Ledger};
use crate::measure::phase::Tide;
use crate::measure::terms::Terms;
use crate::wire::dialect::{Address, Dialect, Names};
use crate::wire::target::Target;
use crate::wire::transport::Transport;

/// The receive buffer of those that read little or nothing, in bytes: the kernel's smallest.
const RECEIVE_BUFFER_BYTES_MIN: u32 = 4096;
/// Buffer of a napping stream: full at once when it naps, and not in the way when it reads.
const NAPPING_BUFFER_BYTES: u32 = 64 << 10;

/// The channel of the streams that leave in a storm. The others follow the first, 0.
pub(crate) const AWAY_CHANNEL: u32 = 1;

/// The behaviour of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Reads everything at once and stays.
    Steady,
    /// The same, but leaves and comes back with `Last-Event-ID` when it is ordered to.
    Storm,
    /// Reads everything at once, and comes back with `Last-Event-ID` as browsers do: whenever its stream ends, after the
    /// time that it was told.
    Returning,
    /// Reads the head and nothing more.
    Stuck,
    /// Reads this much and no more.
    Slow { bytes_per_s: u32 },
    /// Stays for this long, leaves, and comes back as a new connection.
    Churn { life: Duration },
    /// Reads this much a second, and all at once when it is ordered to read on.
    Paced { bytes_per_s: u32 },
    /// Reads at once for a while, then not at all for this long, and so on, until it is ordered to read on.
    Napping { nap: Duration },
}

impl Role {
    /// Every event must reach it, and the run waits until it has.
    pub(crate) fn is_awaited(self) -> bool {
        self.due() == Due::All
    }

    /// The events that have to reach it.
    fn due(self) -> Due {
        match self {
            Self::Steady | Self::Storm | Self::Returning | Self::Paced { .. } | Self::Napping { .. } => Due::All,
            Self::Stuck | Self::Slow { .. } => Due::AsFarAsRead,
            Self::Churn { .. } => Due::WhileThere,
        }
    }

    /// Whether it holds its server up on purpose: the server may drop events for it, or close it.
    pub(crate) fn is_behind(self) -> bool {
        matches!(self, Self::Stuck | Self::Slow { .. })
    }

    /// The receive buffer of its socket, or `None` if the kernel decides. It holds one read and little more, so that
    /// its server feels how it reads.
    pub(crate) fn receive_buffer_bytes(self) -> Option<u32> {
        match self {
            Self::Steady | Self::Storm | Self::Returning | Self::Churn { .. } => None,
            Self::Stuck | Self::Slow { .. } => Some(RECEIVE_BUFFER_BYTES_MIN),
            Self::Paced { bytes_per_s } => Some((bytes_per_s / 16).clamp(RECEIVE_BUFFER_BYTES_MIN, 1 << 20)),
            Self::Napping { .. } => Some(NAPPING_BUFFER_BYTES),
        }
    }
}

/// A number of connections with one behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) role: Role,
    pub(crate) connections: u32,
}

/// The common settings of all subscribers of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// One server, or the nodes of a hub, in the order of their numbers.
    pub(crate) targets: Vec<Target>,
    pub(crate) transport: Transport,
    pub(crate) dialect: Dialect,
    pub(crate) address: Address,
    pub(crate) terms: Terms,
    pub(crate) clock: Clock,
    pub(crate) deadline: Deadline,
    /// Connections from one source address, on loopback.
    pub(crate) per_source: u32,
    /// Connections that are opened at once, in each process.
    pub(crate) connecting_max: u32,
    /// Connections that come back at once.
    pub(crate) returning_max: u32,
    pub(crate) groups: Vec<Group>,
    /// Latencies are also kept by the phases of a storm or a rush.
    pub(crate) has_phases: bool,
    /// A publish that fails is sent again, with the same `Idempotency-Key`.
    pub(crate) repeats: bool,
}

/// The share of one thread: it takes every `of`th connection.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) of: u32,
}

/// An order to all subscribers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    Run,
    /// In a storm or a rush: all are there.
    There(Tide),
    /// The streams of a storm leave.
    Away(Tide),
    /// The streams of a storm come back, or the rush begins.
    Back(Tide),
    /// The streams of a storm have all that they had missed, or the rush is over.
    CaughtUp(Tide),
    /// Late readers read all from now on.
    ReadOn,
    /// The run is over, after this many events in each series.
    End(Vec<u32>),
}

impl Order {
    /// Within a storm or a rush: when its phases began.
    pub(crate) fn tide(&self) -> Option<Tide> {
        match self {
            Self::There(tide) | Self::Away(tide) | Self::Back(tide) | Self::CaughtUp(tide) => Some(*tide),
            Self::Run | Self::ReadOn | Self::End(_) => None,
        }
    }
}

impl Plan {
    pub(crate) fn connections(&self) -> u32 {
        self.groups.iter().map(|group| group.connections).sum()
    }

    /// The connections of a part: their numbers, and the numbers of their groups.
    pub(crate) fn part(&self, part: Part) -> Vec<(u32, usize)> {
        let groups = self.groups.iter().enumerate();
        let all = groups.flat_map(|(number, group)| (0..group.connections).map(move |_| number));
        let numbered = (0_u32..).zip(all);
        numbered.filter(|(connection, _)| self.is_part(*connection, part)).collect()
    }

    fn is_part(&self, connection: u32, Part { number, of }: Part) -> bool {
        if !self.has_storm() || of == 1 {
            return connection % of == number;
        }
        // The streams that stay in a storm have the first thread alone: their reads wait for nobody's replay.
        match connection.checked_sub(self.groups[0].connections) {
            None => number == 0,
            Some(away) => number == 1 + away % (of - 1),
        }
    }

    /// The most connections that one of so many processes, with so many threads each, has to hold.
    pub(crate) fn largest_share(&self, threads: u32, processes: u32) -> u32 {
        let (connections, of) = (self.connections(), threads * processes);
        if self.has_storm() {
            let share = |process| {
                (process * threads..(process + 1) * threads)
                    .map(|number| self.part(Part { number, of }).len() as u32)
                    .sum()
            };
            return (0..processes).map(share).max().unwrap_or(0);
        }
        // The first parts are larger by one, if any are.
        threads * (connections / of) + threads.min(connections % of)
    }

    /// The most connections for so many streams on so many threads.
    pub(crate) fn held(&self, streams: u32, threads: u32) -> u32 {
        let groups = threads * self.groups.len() as u32 * self.terms.nodes;
        self.transport.connections(streams, groups)
    }

    /// The place of a connection within its group, from 0 to 1.
    pub(crate) fn place(&self, connection: u32, group: usize) -> f64 {
        let first: u32 = self.groups[..group].iter().map(|group| group.connections).sum();
        f64::from(connection - first) / f64::from(self.groups[group].connections)
    }

    /// An empty ledger for each group.
    pub(crate) fn ledgers(&self) -> Vec<Ledger> {
        let has_phases = |group: &Group| self.has_phases && group.role == Role::Steady;
        let ledger = |group: &Group| {
            let ledger = Ledger::new(self.terms, group.role.due());
            if has_phases(group) { ledger.with_phases() } else { ledger }
        };
        self.groups.iter().map(ledger).collect()
    }

    pub(crate) fn has_storm(&self) -> bool {
        self.groups.iter().any(|group| group.role == Role::Storm)
    }

    /// The number of the channel, or of the client, that a connection listens to.
    pub(crate) fn addressee(&self, connection: u32) -> u32 {
        // The streams that leave in a storm have a channel of their own. Those that stay are the first group.
        if !self.has_storm() {
            connection % self.terms.addressees
        } else if connection >= self.groups[0].connections {
            AWAY_CHANNEL
        } else {
            0
        }
    }

    /// The request of a connection to a node.
    pub(crate) fn request(&self, connection: u32, node: u32, last_event_id: &[u8]) -> Vec<u8> {
        let names = names(self.address, self.addressee(connection), connection);
        self.dialect.subscribe_request(&self.target(node).authority, names, last_event_id)
    }

    pub(crate) fn target(&self, node: u32) -> &Target {
        &self.targets[node as usize]
    }

    /// The number of deliveries that the connections that are waited for will have had in the end.
    pub(crate) fn deliveries(&self, published: &[u32]) -> u64 {
        let publishers = self.terms.publishers as usize;
        let per_addressee: Vec<u64> =
            published.chunks(publishers).map(|series| series.iter().map(|count| u64::from(*count)).sum()).collect();
        let mut first = 0;
        let mut deliveries = 0;
        for group in &self.groups {
            let connections = first..first + group.connections;
            first = connections.end;
            if group.role.is_awaited() {
                deliveries += connections.map(|one| per_addressee[self.addressee(one) as usize]).sum::<u64>();
            }
        }
        deliveries
    }
}

/// The names in a request about this addressee. If this is a channel, the client has the number of the connection.
pub(crate) fn names(address: Address, addressee: u32, connection: u32) -> Names {
    match address {
        Address::Channel => Names { channel: addressee, client: connection },
        Address::Client => Names { channel: 0, client: addressee },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dialect::{Form, Parts, Preset};
    use crate::wire::transport::Version;

    fn plan() -> Plan {
        let (headers, subscribe_token, publish_token) = (Vec::new(), None, None);
        let (preset, subscribe, publish, body) = (Preset::Fanfare, None, None, None);
        let parts = Parts { preset, subscribe, publish, body, headers, subscribe_token, publish_token };
        Plan {
            targets: vec![Target {
                address: "127.0.0.1:1".parse().unwrap(),
                authority: "h".to_owned(),
                host: "h".to_owned(),
            }],
            transport: Transport { version: Version::Http1, is_tls: false, tls_ca: None, streams_per_connection: 1 },
            dialect: Dialect::new(&parts, Address::Channel, Form::Single),
            address: Address::Channel,
            terms: Terms { run: 1, size_bytes: 80, addressees: 2, publishers: 2, interval_ns: 0, nodes: 1, batch: 1 },
            clock: Clock::start(),
            deadline: Deadline::after(Duration::from_secs(1)),
            per_source: 1,
            connecting_max: 1,
            returning_max: 1,
            groups: vec![
                Group { role: Role::Steady, connections: 3 },
                Group { role: Role::Stuck, connections: 2 },
                Group { role: Role::Paced { bytes_per_s: 1 }, connections: 2 },
            ],
            has_phases: false,
            repeats: false,
        }
    }

    #[test]
    fn every_connection_is_in_one_part() {
        let plan = plan();
        assert_eq!(plan.part(Part { number: 0, of: 2 }), [(0, 0), (2, 0), (4, 1), (6, 2)]);
        assert_eq!(plan.part(Part { number: 1, of: 2 }), [(1, 0), (3, 1), (5, 2)]);
        assert_eq!(plan.connections(), 7);
    }

    #[test]
    fn the_largest_share_is_that_of_the_first_process() {
        let plan = plan();
        for (threads, processes) in [(1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (7, 1), (1, 7)] {
            let of = threads * processes;
            let parts = (0..threads).map(|number| plan.part(Part { number, of }).len() as u32);
            assert_eq!(plan.largest_share(threads, processes), parts.sum::<u32>(), "{threads} x {processes}");
        }
    }

    #[test]
    fn who_stays_in_a_storm_has_a_thread_and_a_channel_apart() {
        let stay = Group { role: Role::Steady, connections: 2 };
        let plan = Plan { groups: vec![stay, Group { role: Role::Storm, connections: 5 }], ..plan() };
        assert_eq!(plan.part(Part { number: 0, of: 3 }), [(0, 0), (1, 0)]);
        assert_eq!(plan.part(Part { number: 1, of: 3 }), [(2, 1), (4, 1), (6, 1)]);
        assert_eq!(plan.part(Part { number: 2, of: 3 }), [(3, 1), (5, 1)]);
        assert_eq!(plan.part(Part { number: 0, of: 1 }).len(), 7);
        assert_eq!((plan.largest_share(3, 1), plan.largest_share(1, 3), plan.largest_share(2, 2)), (7, 3, 4));
        assert_eq!([0, 1, 2, 6].map(|connection| plan.addressee(connection)), [0, 0, 1, 1]);
    }

    #[test]
    fn a_place_is_within_the_group() {
        let plan = plan();
        assert_eq!([(0, 0), (3, 1), (4, 1), (5, 2)].map(|(one, group)| plan.place(one, group)), [0.0, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn deliveries_are_those_that_are_waited_for() {
        // Connections 0, 2, 6 are awaited on the first channel, 1 and 5 on the second.
        assert_eq!(plan().deliveries(&[10, 1, 100, 0]), 3 * 11 + 2 * 100);
    }
}
