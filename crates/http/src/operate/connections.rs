//! [`Connection`]: a stream as operators see it. [`ConnectionQuery`]: which of them, and in which order.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use fanfare_core::{
    Account, Channel, ClientId, Pattern, Policy,
    engine::{Doing, ListOrder, ListQuery, Listed, Whose},
};

use super::operator::Operator;
use crate::figures::streams::{StreamSeat, Transport};

/// The most connections of one list.
const LIMIT_MAX: usize = 1_000;

/// A stream as operators see it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The number, as in the first lines of the stream.
    pub connection: u64,
    /// The client.
    pub client: ClientId,
    /// The channels that it follows by name.
    pub channels: Vec<Channel>,
    /// The patterns that it follows.
    pub patterns: Vec<Pattern>,
    /// The number of its shard.
    pub shard: usize,
    /// The behaviour of its ring when full.
    pub policy: Policy,
    /// What it gets next.
    pub doing: Doing,
    /// What carries it.
    pub transport: Transport,
    /// The address of the client. None for a stream of the program.
    pub peer: Option<SocketAddr>,
    /// The name of the grant, if the stream has one.
    pub holder: Option<String>,
    /// The time at which it opened.
    pub opened: SystemTime,
    /// Time since then.
    pub age: Duration,
    /// The time at which it ends with its grant.
    pub expires: Option<SystemTime>,
    /// Time since the last byte left, or since bytes began to wait.
    pub silent: Duration,
    /// The figures of its events.
    pub account: Account,
    /// Bytes that wait.
    pub waiting_bytes: usize,
    /// The place in the list, for [`ConnectionQuery::after`].
    pub place: (u64, u64),
}

/// Which connections, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// Only those of this client.
    pub client: Option<ClientId>,
    /// Only those that follow this channel, by its name or by a pattern.
    pub channel: Option<Channel>,
    /// The order.
    pub sort: ConnectionSort,
    /// Only those behind this place: that of the last connection of the page before.
    pub after: Option<(u64, u64)>,
    /// At most this many. 0 counts as 100, and more than 1,000 as 1,000.
    pub limit: usize,
}

/// The order of a list of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionSort {
    /// By number: oldest first.
    #[default]
    Number,
    /// Most events behind first.
    Lag,
    /// Most waiting bytes first.
    Bytes,
}

impl Operator {
    /// The connections that a query asks for. Shards look at a few of theirs at a time, between their deliveries.
    ///
    /// [`Operator`] has an example.
    pub async fn connections(&self, query: ConnectionQuery) -> Vec<Connection> {
        let ConnectionQuery { client, channel, sort, after, limit } = query;
        let order = match sort {
            ConnectionSort::Number => ListOrder::Number,
            ConnectionSort::Lag => ListOrder::Lag,
            ConnectionSort::Bytes => ListOrder::Bytes,
        };
        let whose = client.map(Whose::Client).into_iter().chain(channel.map(Whose::Channel)).collect();
        let limit = if limit == 0 { 100 } else { limit.min(LIMIT_MAX) };
        let listed = self.app.hub.list(&ListQuery { whose, order, after, limit }).await;
        listed.into_iter().map(|listed| self.connection_of(listed)).collect()
    }

    /// One connection, if it is open.
    pub async fn connection(&self, connection: u64) -> Option<Connection> {
        let whose = vec![Whose::Connection(connection)];
        let listed = self.app.hub.list(&ListQuery { whose, limit: 1, ..ListQuery::default() }).await;
        listed.into_iter().next().map(|listed| self.connection_of(listed))
    }

    fn connection_of(&self, listed: Listed) -> Connection {
        let seat = listed.held.as_deref().and_then(|held| held.downcast_ref::<StreamSeat>());
        let now_ms = self.app.now_ms();
        Connection {
            connection: listed.connection,
            client: listed.client,
            channels: listed.channels.into_vec(),
            patterns: listed.patterns.into_vec(),
            shard: listed.shard,
            policy: listed.policy,
            doing: listed.doing,
            transport: seat.map_or(Transport::Program, |seat| seat.transport),
            peer: seat.and_then(StreamSeat::peer),
            holder: seat.and_then(StreamSeat::holder).map(str::to_owned),
            opened: self.wall(listed.opened_ms),
            age: Duration::from_millis(now_ms.saturating_sub(listed.opened_ms)),
            expires: listed.expires_ms.map(|expires_ms| self.wall(expires_ms)),
            silent: Duration::from_millis(listed.silent_ms),
            account: listed.account,
            waiting_bytes: listed.waiting_bytes,
            place: listed.place,
        }
    }
}
