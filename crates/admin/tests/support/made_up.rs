//! [`MadeUp`]: the operator's side of a server, with figures that a test makes up and changes.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, UNIX_EPOCH},
};

use fanfare_admin::Operate;
use fanfare_http::{
    Account, Channel, ChannelAccount, ClientId, Connection, ConnectionFate, ConnectionQuery, ConnectionSort, Doing,
    EventId, Explanation, Figures, Histogram, Pattern, Policy, PublishError, Target, Totals, Transport, Verdict, Whose,
    core::{
        GapReason,
        engine::{Amount, CloseReason},
    },
};
use tokio::sync::watch;

/// What the server has and what was done to it.
pub(crate) struct World {
    pub(crate) figures: Figures,
    pub(crate) connections: Vec<Connection>,
    pub(crate) channels: Vec<(Channel, ChannelAccount)>,
    pub(crate) explanation: Verdict,
    pub(crate) can_purge: bool,
    /// Streams that were told to end stay in the list.
    pub(crate) has_endless_streams: bool,
    /// How often the figures were read.
    pub(crate) looks: usize,
    /// Questions to the shards: those in progress, and the most that there were.
    pub(crate) questions: usize,
    pub(crate) questions_max: usize,
}

/// Cheap to clone. All clones are one world.
#[derive(Clone)]
pub(crate) struct MadeUp {
    world: Arc<Mutex<World>>,
    /// While it is held, no question is answered.
    is_held: watch::Sender<bool>,
}

pub(crate) fn event_id(n: u64) -> EventId {
    EventId::new(1_796_023_882_123, n)
}

pub(crate) fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

/// A connection with this number and this lag.
pub(crate) fn connection(number: u64, client: &str, lag: u64) -> Connection {
    Connection {
        connection: number,
        client: ClientId::new(client).unwrap(),
        channels: vec![channel("news")],
        patterns: vec![Pattern::new("orders.*").unwrap()],
        shard: 0,
        policy: Policy::Repair,
        doing: Doing::Live,
        transport: Transport::Http1,
        peer: Some(([192, 0, 2, 7], 50_312).into()),
        holder: None,
        opened: UNIX_EPOCH + Duration::from_millis(1_796_023_882_123 - number),
        age: Duration::from_secs(61),
        expires: None,
        silent: Duration::from_millis(1_200),
        account: Account { matched: 12 + lag, replayed: 2, written: 14, position: event_id(3), ..Account::default() },
        waiting_bytes: usize::try_from(lag).unwrap() * 100,
        place: (0, 0),
    }
}

fn figures() -> Figures {
    let times = Histogram { buckets: vec![(-56, 2), (-55, 1)], sum: 0.000_21 };
    Figures {
        uptime: Duration::from_secs(86_400),
        connections: vec![(Transport::Http1, 3), (Transport::Http2, 1)],
        opened: vec![(Transport::Http1, 9), (Transport::Http2, 1), (Transport::Program, 2)],
        closed: vec![(CloseReason::ClientGone, 7), (CloseReason::WriteTimeout, 1)],
        channels: 2,
        clients: 4,
        sockets: 6,
        requests: 48,
        publishes: vec![("published", 20), ("draining", 0)],
        events: 20,
        event_bytes: 2_140,
        deliveries: Totals {
            matched: 52,
            replayed: 4,
            written: 55,
            written_bytes: 6_800,
            dropped: 1,
            repaired: 1,
            lost: 0,
            ..Totals::default()
        },
        gaps: GapReason::ALL.into_iter().zip([0, 0, 1, 0]).collect(),
        refusals: vec![("not-granted".to_owned(), 2)],
        ring_bytes: 120,
        ring_bytes_max: 64 << 20,
        history_events: 20,
        history_bytes: 2_140,
        history_bytes_max: 256 << 20,
        history_targets: 2,
        history_targets_max: 100_000,
        inboxes: vec![Amount { messages: 3, bytes: 300 }, Amount::default()],
        inbox_max: Amount { messages: 1_024, bytes: 16 << 20 },
        order_waits: times.clone(),
        to_socket: times,
        ..Figures::default()
    }
}

impl MadeUp {
    pub(crate) fn new() -> Self {
        let account = ChannelAccount {
            connections: 3,
            matched: 36,
            written: 34,
            queued: 2,
            position: event_id(3),
            ..ChannelAccount::default()
        };
        let world = World {
            figures: figures(),
            connections: vec![connection(7, "ann", 0), connection(8, "bob", 5), connection(9, "bob", 2)],
            channels: vec![
                (channel("a/b c"), ChannelAccount { connections: 1, ..ChannelAccount::default() }),
                (channel("news"), account),
                (channel("orders.1"), ChannelAccount { connections: 2, ..ChannelAccount::default() }),
            ],
            explanation: Verdict::Written {
                from: UNIX_EPOCH + Duration::from_secs(1),
                to: UNIX_EPOCH + Duration::from_secs(2),
            },
            can_purge: true,
            has_endless_streams: false,
            looks: 0,
            questions: 0,
            questions_max: 0,
        };
        Self { world: Arc::new(Mutex::new(world)), is_held: watch::Sender::new(false) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Leaves questions without an answer, or gives the answers.
    pub(crate) fn hold(&self, is_held: bool) {
        self.is_held.send_replace(is_held);
    }

    /// A question to the shards, which ends when it is dropped, also without its answer.
    async fn question(&self) {
        struct Asked<'a>(&'a MadeUp);
        impl Drop for Asked<'_> {
            fn drop(&mut self) {
                self.0.world().questions -= 1;
            }
        }
        {
            let mut world = self.world();
            world.questions += 1;
            world.questions_max = world.questions_max.max(world.questions);
        }
        let asked = Asked(self);
        let _ = self.is_held.subscribe().wait_for(|is_held| !is_held).await;
        drop(asked);
    }

    fn explanation(&self, event: EventId) -> Explanation {
        let world = self.world();
        let fates = world.connections.iter().map(|connection| ConnectionFate {
            connection: connection.connection,
            client: connection.client.clone(),
            opened: connection.opened,
            closed: Some((connection.opened, CloseReason::ClientGone)),
            verdict: world.explanation.clone(),
        });
        let targets = Some(vec![Target::All, Target::Channel(channel("news"))]);
        Explanation { event, targets, trace: None, verdict: world.explanation.clone(), connections: fates.collect() }
    }
}

/// The value that a list is ordered by, most first.
fn value(sort: ConnectionSort, connection: &Connection) -> u64 {
    match sort {
        ConnectionSort::Number => 0,
        ConnectionSort::Lag => connection.account.lag(),
        ConnectionSort::Bytes => connection.waiting_bytes.try_into().unwrap(),
    }
}

impl Operate for MadeUp {
    fn figures(&self) -> Figures {
        let mut world = self.world();
        world.looks += 1;
        world.figures.clone()
    }

    async fn connections(&self, query: ConnectionQuery) -> Vec<Connection> {
        self.question().await;
        let mut found: Vec<_> = self.world().connections.clone();
        found.retain(|connection| query.client.as_ref().is_none_or(|client| connection.client == *client));
        found.retain(|connection| query.channel.as_ref().is_none_or(|channel| connection.channels.contains(channel)));
        for connection in &mut found {
            connection.place = (value(query.sort, connection), connection.connection);
        }
        let order = |(value, number): (u64, u64)| (std::cmp::Reverse(value), number);
        found.sort_by_key(|connection| order(connection.place));
        found.retain(|connection| query.after.is_none_or(|after| order(connection.place) > order(after)));
        found.truncate(query.limit);
        found
    }

    async fn connection(&self, connection: u64) -> Option<Connection> {
        self.question().await;
        self.world().connections.iter().find(|one| one.connection == connection).cloned()
    }

    fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        let world = self.world();
        let behind = world.channels.iter().filter(|(channel, _)| after.is_none_or(|after| channel > after));
        behind.take(limit).cloned().collect()
    }

    fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        let mut channels = self.world().channels.clone();
        channels.sort_by_key(|(_, account)| std::cmp::Reverse(account.connections));
        channels.truncate(limit);
        channels
    }

    fn channel(&self, channel: &Channel) -> (Option<ChannelAccount>, usize, usize) {
        let found = self.world().channels.iter().find(|(other, _)| other == channel).map(|(_, account)| *account);
        if found.is_some() { (found, 20, 2_140) } else { (None, 0, 0) }
    }

    fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)> {
        let world = self.world();
        let mut clients: Vec<_> = world.connections.iter().map(|connection| connection.client.clone()).collect();
        clients.sort();
        clients.dedup();
        clients.retain(|client| after.is_none_or(|after| client > after));
        clients.truncate(limit);
        let of = |client: &ClientId| world.connections.iter().filter(|connection| connection.client == *client).count();
        clients.iter().map(|client| (client.clone(), of(client))).collect()
    }

    async fn disconnect(&self, whose: Whose) -> usize {
        self.question().await;
        let mut world = self.world();
        let mut rest = world.connections.clone();
        rest.retain(|connection| match &whose {
            Whose::Connection(number) => connection.connection != *number,
            Whose::Client(client) => connection.client != *client,
            Whose::Channel(channel) => !connection.channels.contains(channel),
        });
        let ended = world.connections.len() - rest.len();
        if !world.has_endless_streams {
            world.connections = rest;
        }
        ended
    }

    async fn purge(&self, channel: &Channel) -> Result<usize, PublishError> {
        self.question().await;
        let can_purge = self.world().can_purge;
        if can_purge { Ok(self.channel(channel).1) } else { Err(PublishError::Journal) }
    }

    async fn explain(&self, event: EventId, _: &ClientId) -> Explanation {
        self.question().await;
        self.explanation(event)
    }

    async fn explain_connection(&self, event: EventId, connection: u64) -> Option<Explanation> {
        self.question().await;
        let is_known = self.world().connections.iter().any(|one| one.connection == connection);
        is_known.then(|| self.explanation(event))
    }
}
