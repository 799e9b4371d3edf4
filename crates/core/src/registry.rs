//! [`Registry`]: the connections of each client, and the figures of each channel.
//!
//! Publishers read estimates here, and operators look up clients. No message looks here on its way to a connection. No guard of
//! the maps leaves this file or lives across another call.

use dashmap::DashMap;

use crate::{
    event::{
        account::ChannelAccount,
        name::{Channel, ClientId},
        target::Target,
    },
    sync::{AtomicUsize, Mutex, Ordering},
};

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
/// # let subscribe = Subscribe { client, channels, start, policy, heartbeat, form, shard: 0, now_ms: 0 };
/// // Ann follows the channel.
/// let subscription = hub.subscribe(subscribe)?;
/// let registry = hub.registry();
/// assert_eq!((registry.connections(), registry.connections_of(&ann)), (1, vec![subscription.connection()]));
/// assert_eq!(registry.estimate(&[Target::Channel(news.clone())]), 1);
/// assert_eq!(registry.channel(&news).map(|account| account.connections), Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    clients: DashMap<ClientId, Vec<u64>>,
    channels: DashMap<Channel, ChannelAccount>,
    /// The figures of broadcasts to all.
    all: Mutex<ChannelAccount>,
    connections: AtomicUsize,
}

impl Registry {
    /// The number of open connections.
    pub fn connections(&self) -> usize {
        // Relaxed: a figure for people and estimates.
        self.connections.load(Ordering::Relaxed)
    }

    /// The connections that `client` holds, oldest first.
    pub fn connections_of(&self, client: &ClientId) -> Vec<u64> {
        self.clients.get(client).map(|held| held.clone()).unwrap_or_default()
    }

    /// The number of connections that an event for `targets` would reach now. A connection that several of them reach is
    /// counted for each, but the result is at most the number of all connections.
    pub fn estimate(&self, targets: &[Target]) -> usize {
        let each = targets.iter().map(|target| match target {
            Target::All => self.connections(),
            Target::Channel(channel) => self.channels.get(channel).map_or(0, |account| account.connections),
            Target::Client(client) => self.clients.get(client).map_or(0, |held| held.len()),
        });
        each.sum::<usize>().min(self.connections())
    }

    /// The figures of `channel` since its first connection, up to the last sweep. `None` if no connection follows it.
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

    /// Takes a connection in. False if there are `connections_max` already. Replaces the names of the connection by equal ones
    /// of the registry, so that a name is in memory once, however many connections have it.
    pub(crate) fn enter(
        &self,
        connection: u64,
        client: &mut ClientId,
        channels: &mut [Channel],
        connections_max: usize,
    ) -> bool {
        // Relaxed: the counter alone decides, and it is one atomic step.
        let counted = |count| (count < connections_max).then_some(count + 1);
        if self.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_err() {
            return false;
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
        true
    }

    pub(crate) fn leave(&self, connection: u64, client: &ClientId, channels: &[Channel]) {
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
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_several_connections_have_is_in_memory_once() {
        let registry = Registry::default();
        let names = || (ClientId::new("u").unwrap(), [Channel::new("a").unwrap(), Channel::new("b").unwrap()]);
        let [mut first, mut second] = [names(), names()];
        assert!(registry.enter(1, &mut first.0, &mut first.1, 9) && registry.enter(2, &mut second.0, &mut second.1, 9));
        assert!(std::ptr::eq(first.0.as_str(), second.0.as_str()));
        for (one, other) in first.1.iter().zip(&second.1) {
            assert!(std::ptr::eq(one.as_str(), other.as_str()), "{one}");
        }
    }

    #[test]
    fn who_left_is_forgotten_and_who_stayed_is_not() {
        let registry = Registry::default();
        let (mut client, mut channel) = (ClientId::new("u").unwrap(), Channel::new("c").unwrap());
        assert!(registry.enter(1, &mut client, std::slice::from_mut(&mut channel), 2));
        assert!(registry.enter(2, &mut client, &mut [], 2));
        assert!(!registry.enter(3, &mut client, &mut [], 2), "one past the limit");
        let targets = [Target::Channel(channel.clone()), Target::Client(client.clone())];
        assert_eq!(registry.estimate(&targets), 2, "never more than there are");
        registry.leave(1, &client, std::slice::from_ref(&channel));
        assert_eq!(registry.connections_of(&client), [2]);
        assert_eq!(registry.estimate(&targets[..1]), 0);
        registry.leave(2, &client, &[]);
        assert_eq!((registry.clients.len(), registry.channels.len(), registry.connections()), (0, 0, 0));
    }
}
