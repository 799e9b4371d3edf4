//! [`Registry`]: the connections of each client, the figures of each channel, and the number of followers of each pattern.
//!
//! Publishers read estimates here, and operators look up clients. No message looks here on its way to a connection. No guard of
//! the maps leaves this file or lives across another call.

use dashmap::DashMap;
use thiserror::Error;

use crate::{
    config::Config,
    event::{
        account::ChannelAccount,
        name::{Channel, ClientId},
        pattern::Pattern,
        pattern_map::PatternMap,
        target::Target,
    },
    sync::{AtomicBool, AtomicUsize, Mutex, Ordering},
};

/// The reason for which a connection is not registered.
///
/// [`Hub`](crate::engine::Hub) has an example.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SubscribeError {
    /// The hub has as many connections as it may have ([`Config::connections_max`]).
    #[error("too many connections")]
    Full,
    /// The connections follow as many different patterns with an inner star as they may ([`Config::inner_patterns_max`]).
    #[error("too many patterns with a star that is not at the end")]
    TooManyPatterns,
}

/// The clients and channels of all connections of a hub.
///
/// ```
/// use fanfare_core::{Channel, ClientId, Config, Target, engine::Hub};
///
/// # use fanfare_core::{Form, Heartbeat, Policy, Start, engine::Subscribe};
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// let (ann, news) = (ClientId::new("ann")?, Channel::new("news")?);
/// # let (client, channels, start, policy) = (ann.clone(), vec![news.clone()], Start::Now, Policy::Repair);
/// # let (heartbeat, form) = (Heartbeat::Comment, Form::Plain);
/// # let patterns = Vec::new();
/// # let subscribe = Subscribe {
/// #     client, channels, patterns, start, policy, heartbeat, form, shard: 0, now_ms: 0,
/// #     expires_ms: None, catching_up: None, held: None,
/// # };
/// // Ann follows the channel.
/// let subscription = hub.subscribe(subscribe)?;
/// let registry = hub.registry();
/// assert_eq!((registry.connections(), registry.connections_of(&ann)), (1, vec![subscription.connection()]));
/// assert_eq!(registry.estimate(&[Target::Channel(news.clone())]), 1);
/// assert_eq!(registry.channel(&news).map(|account| account.connections), Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Registry {
    clients: DashMap<ClientId, Vec<u64>>,
    channels: DashMap<Channel, ChannelAccount>,
    /// The connections of each pattern, and whether there are any.
    patterns: Mutex<PatternMap<usize>>,
    has_patterns: AtomicBool,
    /// The figures of broadcasts to all.
    all: Mutex<ChannelAccount>,
    connections: AtomicUsize,
    // Relaxed: each is a bound alone, and nothing else is read because of it.
    connections_max: AtomicUsize,
    inner_patterns_max: AtomicUsize,
}

impl Registry {
    /// Nobody is connected yet.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            clients: DashMap::default(),
            channels: DashMap::default(),
            patterns: Mutex::default(),
            has_patterns: AtomicBool::default(),
            all: Mutex::default(),
            connections: AtomicUsize::new(0),
            connections_max: AtomicUsize::new(config.connections_max),
            inner_patterns_max: AtomicUsize::new(config.inner_patterns_max),
        }
    }

    /// Sets another [`Config::connections_max`] and another [`Config::inner_patterns_max`]. Connections that are open stay.
    pub fn set_limits(&self, connections_max: usize, inner_patterns_max: usize) {
        self.connections_max.store(connections_max, Ordering::Relaxed);
        self.inner_patterns_max.store(inner_patterns_max, Ordering::Relaxed);
    }

    /// The number of open connections.
    pub fn connections(&self) -> usize {
        // Relaxed: a figure for people and estimates.
        self.connections.load(Ordering::Relaxed)
    }

    /// The connections that `client` holds, oldest first.
    pub fn connections_of(&self, client: &ClientId) -> Vec<u64> {
        self.clients.get(client).map(|held| held.clone()).unwrap_or_default()
    }

    /// Channels that connections follow by name, and clients that are connected.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.channels.len(), self.clients.len())
    }

    /// The first channels behind `after`, by name, with their figures, at most `limit`.
    pub fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        let behind = self.channels.iter().filter(|entry| after.is_none_or(|after| entry.key() > after));
        first(
            limit,
            behind,
            |entry, last: &(Channel, ChannelAccount)| entry.key() < &last.0,
            |entry| (entry.key().clone(), *entry.value()),
            |one, other| one.0.cmp(&other.0),
        )
    }

    /// The channels with the most connections, most first, at most `limit`.
    pub fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        first(
            limit,
            self.channels.iter(),
            |entry, last: &(Channel, ChannelAccount)| {
                let (connections, least) = (entry.value().connections, last.1.connections);
                connections > least || connections == least && entry.key() < &last.0
            },
            |entry| (entry.key().clone(), *entry.value()),
            |one, other| other.1.connections.cmp(&one.1.connections).then_with(|| one.0.cmp(&other.0)),
        )
    }

    /// The first clients behind `after`, by name, with the number of their connections, at most `limit`.
    pub fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)> {
        let behind = self.clients.iter().filter(|entry| after.is_none_or(|after| entry.key() > after));
        first(
            limit,
            behind,
            |entry, last: &(ClientId, usize)| entry.key() < &last.0,
            |entry| (entry.key().clone(), entry.value().len()),
            |one, other| one.0.cmp(&other.0),
        )
    }

    /// The number of connections that an event for `targets` would reach now. A connection that several of them reach, or that
    /// follows a channel in several ways, is counted for each. But the result is at most the number of all connections.
    pub fn estimate(&self, targets: &[Target]) -> usize {
        let each = targets.iter().map(|target| match target {
            Target::All => self.connections(),
            Target::Channel(channel) => self.followers_of(channel),
            Target::Client(client) => self.clients.get(client).map_or(0, |held| held.len()),
        });
        each.sum::<usize>().min(self.connections())
    }

    fn followers_of(&self, channel: &Channel) -> usize {
        let named = self.channels.get(channel).map_or(0, |account| account.connections);
        // Relaxed: for an estimate.
        if !self.has_patterns.load(Ordering::Relaxed) {
            return named;
        }
        named + self.patterns.lock().matching(channel.as_str()).sum::<usize>()
    }

    /// The figures of `channel` since its first connection, up to the last sweep. `None` if no connection follows it by its name.
    /// [`ChannelAccount::connections`] are those that do. The other figures count deliveries by pattern as well.
    pub fn channel(&self, channel: &Channel) -> Option<ChannelAccount> {
        self.channels.get(channel).map(|account| *account)
    }

    /// The figures of broadcasts to all, up to the last sweep.
    pub fn all(&self) -> ChannelAccount {
        ChannelAccount { connections: self.connections(), ..*self.all.lock() }
    }

    pub(crate) fn add_news(&self, target: &Target, news: &ChannelAccount) {
        match target {
            Target::All => self.all.lock().add(news),
            Target::Channel(channel) => {
                if let Some(mut account) = self.channels.get_mut(channel) {
                    account.add(news);
                }
            }
            Target::Client(_) => {}
        }
    }

    /// Takes a connection in, unless a limit is reached. Replaces the names and patterns of the connection by equal ones of the
    /// registry, so that each is in memory once, however many connections have it. A pattern has a star, and comes once.
    pub(crate) fn enter(
        &self,
        connection: u64,
        client: &mut ClientId,
        channels: &mut [Channel],
        patterns: &mut [Pattern],
    ) -> Result<(), SubscribeError> {
        // Relaxed: the counter alone decides, and it is one atomic step.
        let max = self.connections_max.load(Ordering::Relaxed);
        let counted = |count| (count < max).then_some(count + 1);
        if self.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_err() {
            return Err(SubscribeError::Full);
        }
        if !patterns.is_empty() && !self.enter_patterns(patterns, self.inner_patterns_max.load(Ordering::Relaxed)) {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return Err(SubscribeError::TooManyPatterns);
        }
        let mut held = self.clients.entry(client.clone()).or_insert_with(|| Vec::with_capacity(1));
        held.push(connection);
        client.clone_from(held.key());
        drop(held);
        for channel in channels {
            let mut account = self.channels.entry(channel.clone()).or_default();
            account.connections += 1;
            channel.clone_from(account.key());
        }
        Ok(())
    }

    /// False if there would be more than `inner_max` different patterns with an inner star.
    fn enter_patterns(&self, patterns: &mut [Pattern], inner_max: usize) -> bool {
        let mut followed = self.patterns.lock();
        let is_new = |pattern: &&Pattern| pattern.has_inner_star() && followed.get(pattern).is_none();
        let new = patterns.as_ref().iter().filter(is_new).count();
        if new > 0 && followed.inner() + new > inner_max {
            return false;
        }
        for pattern in patterns {
            let (known, connections) = followed.entry(pattern);
            *connections += 1;
            *pattern = known.clone();
        }
        self.has_patterns.store(true, Ordering::Relaxed);
        true
    }

    fn leave_patterns(&self, patterns: &[Pattern]) {
        let mut followed = self.patterns.lock();
        for pattern in patterns {
            let connections = followed.entry(pattern).1;
            *connections -= 1;
            if *connections == 0 {
                followed.remove(pattern);
            }
        }
        self.has_patterns.store(!followed.is_empty(), Ordering::Relaxed);
    }

    pub(crate) fn leave(&self, connection: u64, client: &ClientId, channels: &[Channel], patterns: &[Pattern]) {
        if let Some(mut held) = self.clients.get_mut(client) {
            held.retain(|one| *one != connection);
        }
        self.clients.remove_if(client, |_, held| held.is_empty());
        for channel in channels {
            if let Some(mut account) = self.channels.get_mut(channel) {
                account.connections -= 1;
            }
            self.channels.remove_if(channel, |_, account| account.connections == 0);
        }
        if !patterns.is_empty() {
            self.leave_patterns(patterns);
        }
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The first of `entries` in an order, at most `limit`. Holds no more than twice as many at a time. Takes those alone that come
/// before the last so far: `comes_before` looks at an entry where it is.
fn first<E, T>(
    limit: usize,
    entries: impl Iterator<Item = E>,
    comes_before: impl Fn(&E, &T) -> bool,
    take: impl Fn(&E) -> T,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Vec<T> {
    let mut found = Vec::new();
    let mut is_bounded = limit == 0;
    for entry in entries {
        // Its first `limit` are in order, and the last of them is the bound.
        if is_bounded && !found.get(limit.wrapping_sub(1)).is_some_and(|last| comes_before(&entry, last)) {
            continue;
        }
        found.push(take(&entry));
        drop(entry);
        if found.len() >= 2 * limit {
            found.sort_unstable_by(&order);
            found.truncate(limit);
            is_bounded = true;
        }
    }
    found.sort_unstable_by(&order);
    found.truncate(limit);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_several_connections_have_is_in_memory_once() {
        let registry = Registry::new(&Config::default());
        let channels = || ["a", "b"].map(|name| Channel::new(name).unwrap());
        let names = || (ClientId::new("u").unwrap(), channels(), ["a*", "a*b"].map(|text| Pattern::new(text).unwrap()));
        let [mut first, mut second] = [names(), names()];
        for (connection, names) in [(1, &mut first), (2, &mut second)] {
            registry.enter(connection, &mut names.0, &mut names.1, &mut names.2).unwrap();
        }
        assert!(std::ptr::eq(first.0.as_str(), second.0.as_str()));
        for (one, other) in first.2.iter().zip(&second.2) {
            assert!(std::ptr::eq(one.as_str(), other.as_str()), "{one:?}");
        }
        for (one, other) in first.1.iter().zip(&second.1) {
            assert!(std::ptr::eq(one.as_str(), other.as_str()), "{one}");
        }
    }

    #[test]
    fn who_left_is_forgotten_and_who_stayed_is_not() {
        let registry = Registry::new(&Config { connections_max: 2, ..Config::default() });
        let (mut client, mut channel) = (ClientId::new("u").unwrap(), Channel::new("c").unwrap());
        registry.enter(1, &mut client, std::slice::from_mut(&mut channel), &mut []).unwrap();
        let mut pattern = Pattern::new("c*").unwrap();
        registry.enter(2, &mut client, &mut [], std::slice::from_mut(&mut pattern)).unwrap();
        let refused = registry.enter(3, &mut client, &mut [], &mut []);
        assert_eq!(refused, Err(SubscribeError::Full), "one past the limit");
        registry.set_limits(3, 0);
        let mut inner = [Pattern::new("a*b").unwrap()];
        let refused = registry.enter(3, &mut client, &mut [], &mut inner);
        assert_eq!(refused, Err(SubscribeError::TooManyPatterns), "the limits can change");
        registry.enter(3, &mut client, &mut [], &mut []).unwrap();
        registry.leave(3, &client, &[], &[]);
        let targets = [Target::Channel(channel.clone()), Target::Client(client.clone())];
        assert_eq!(registry.estimate(&targets), 2, "never more than there are");
        registry.leave(1, &client, std::slice::from_ref(&channel), &[]);
        assert_eq!(registry.connections_of(&client), [2]);
        assert_eq!(registry.estimate(&targets[..1]), 1);
        registry.leave(2, &client, &[], &[pattern]);
        assert_eq!(registry.estimate(&targets[..1]), 0);
        assert!(registry.patterns.lock().is_empty() && !registry.has_patterns.load(Ordering::Relaxed));
        assert_eq!((registry.clients.len(), registry.channels.len(), registry.connections()), (0, 0, 0));
    }
}
