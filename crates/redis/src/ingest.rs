//! [`Ingest`]: what others publish in Pub/Sub becomes events, each once: the node that holds the lease appends it, and the
//! others let it pass.
//!
//! Which node that is changes in Pub/Sub itself (`lease.lua`), so every node sees it in one order with the messages: what
//! was published before belongs to the holder before. The script that appends looks at the lease once more, so a node that
//! has lost it without knowing appends nothing.

use std::{convert::Infallible, future::pending, time::Duration};

use fanfare_core::{Channel, Event, Target};
use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

use crate::{
    config::{Config, Keys},
    entry,
    link::{Link, fresh_epoch},
    link_error::LinkError,
    skipped::Skipped,
    trouble::Backoff,
    writer,
};

/// How long a lease is held without being renewed, and how often that is done.
const LEASE_TIME: Duration = Duration::from_secs(5);
const LEASE_INTERVAL: Duration = Duration::from_millis(1_500);
/// Messages that wait for Redis to append others; above it all of them are given up, and it begins anew.
const QUEUE_MAX: usize = 1_024;
/// Messages that one script appends.
const GROUP_MAX: usize = 256;

/// What an ingest has to do with.
#[derive(Debug)]
pub(crate) struct Ingest<'a> {
    config: &'a Config,
    node: &'a str,
    link: &'a Link,
    keys: Keys,
    /// What it takes the lease with.
    token: String,
}

/// What came, one after the other.
enum Told {
    /// Somebody holds the lease from here on.
    Holder(String),
    /// Something was published, by the pattern that it matched.
    Message { pattern: Vec<u8>, channel: Vec<u8>, data: Vec<u8> },
}

impl<'a> Ingest<'a> {
    pub(crate) fn new(config: &'a Config, node: &'a str, link: &'a Link) -> Self {
        Self { config, node, link, keys: Keys::new(&config.name), token: fresh_epoch() }
    }

    /// For ever; does nothing if there is nothing to subscribe to.
    pub(crate) async fn run(&self) -> Infallible {
        if self.config.subscribe.is_empty() {
            pending::<()>().await;
        }
        let mut backoff = Backoff::new();
        loop {
            let Err(error) = self.follow().await;
            warn!("not subscribed in Redis, what is published there meanwhile is missed: {error}");
            // Whether it comes through or not: it runs out by itself.
            let _ = self.link.release(&self.token).await;
            sleep(backoff.next()).await;
        }
    }

    /// Another node may have the lease.
    pub(crate) async fn end(&self) {
        if !self.config.subscribe.is_empty()
            && let Err(error) = self.link.release(&self.token).await
        {
            warn!("the lease is not given up, and runs out: {error}");
        }
    }

    async fn follow(&self) -> Result<Infallible, LinkError> {
        let (mut queue, _connection) = self.subscribe().await?;
        let (mut is_holder, mut skipped) = (false, Skipped::default());
        let mut renew = interval(LEASE_INTERVAL);
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Vec::with_capacity(GROUP_MAX);
        loop {
            tokio::select! {
                biased;
                _ = renew.tick() => {
                    is_holder &= self.link.lease(&self.token, LEASE_TIME).await?;
                }
                count = queue.recv_many(&mut told, GROUP_MAX) => {
                    if count == 0 {
                        return Err(LinkError::new("the connection is gone, or more came than could be appended"));
                    }
                    let mut events = Vec::new();
                    for one in told.drain(..) {
                        match one {
                            Told::Holder(token) => {
                                // What is to be appended by this node ends or begins here.
                                self.append(std::mem::take(&mut events)).await?;
                                if is_holder != (token == self.token) {
                                    is_holder = token == self.token;
                                    info!(is_holder, "the lease for what is published in Redis has changed hands");
                                }
                            }
                            message if is_holder => events.extend(self.event(message, &mut skipped)),
                            Told::Message { .. } => {}
                        }
                    }
                    self.append(events).await?;
                }
            }
        }
    }

    /// A connection of its own, and what comes on it. It closes if the queue is full.
    async fn subscribe(&self) -> Result<(mpsc::Receiver<Told>, MultiplexedConnection), LinkError> {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let (sender, said, bytes_max) =
            (Mutex::new(Some(sender)), self.keys.said.clone(), self.config.message_bytes_max);
        let push = move |push: PushInfo| {
            let mut sender = sender.lock();
            let is_over = match told(push, &said, bytes_max) {
                Some(Some(told)) => sender.as_ref().is_none_or(|sender| sender.try_send(told).is_err()),
                Some(None) => false,
                None => true,
            };
            if is_over {
                *sender = None;
            }
            if sender.is_some() { Ok(()) } else { Err(()) }
        };
        let settings = self.link.info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(self.link.info.clone().set_redis_settings(settings))?;
        let config = AsyncConnectionConfig::new().set_push_sender(push).set_response_timeout(Some(self.config.timeout));
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(&self.keys.said).await?;
        for pattern in &self.config.subscribe {
            connection.psubscribe(glob(pattern.as_str())).await?;
        }
        Ok((queue, connection))
    }

    /// The event that a message is. One that matches several patterns comes once for each, and counts for the first.
    fn event(&self, told: Told, skipped: &mut Skipped) -> Option<Event> {
        let Told::Message { pattern, channel, data } = told else { return None };
        let name = String::from_utf8(channel).ok();
        let first = name.as_ref().and_then(|name| self.config.subscribe.iter().find(|pattern| pattern.matches(name)));
        if first.is_some_and(|first| glob(first.as_str()).as_bytes() != pattern) {
            return None;
        }
        let channel = name.and_then(|name| Channel::new(&name).ok());
        let data = String::from_utf8(data).ok().filter(|data| data.len() <= self.config.message_bytes_max);
        let (Some(channel), Some(data)) = (channel, data) else {
            if let Some(in_all) = skipped.note() {
                warn!(
                    in_all,
                    "skipped what was published in Redis: too long, not UTF-8, or without a name for a channel"
                );
            }
            return None;
        };
        Some(Event::new(Target::Channel(channel), data))
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), LinkError> {
        if events.is_empty() {
            return Ok(());
        }
        // Numbers that no submission of this node has.
        let mut command = writer::append(self.link, self.config, self.node, &self.token, u64::MAX >> 12);
        for event in &events {
            command.arg(entry::head(event)).arg(event.data()).arg("").arg(0);
        }
        let reply: RedisResult<Value> = command.query_async(&mut self.link.asking()).await;
        match reply {
            Ok(_) => Ok(()),
            // The next holder has what follows; this is the hole.
            Err(error) => {
                warn!(events = events.len(), "what was published in Redis is not appended");
                Err(error.into())
            }
        }
    }
}

/// What a push says; `None` if it is the last one, and `Some(None)` if it is of no interest.
fn told(push: PushInfo, said: &str, bytes_max: usize) -> Option<Option<Told>> {
    let mut parts = push.data.into_iter().filter_map(|part| match part {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    let told = match push.kind {
        PushKind::Disconnection => return None,
        PushKind::Message => {
            let token = parts.next().filter(|channel| channel == said.as_bytes()).and_then(|_| parts.next());
            token.map(|token| Told::Holder(String::from_utf8_lossy(&token).into_owned()))
        }
        PushKind::PMessage => match (parts.next(), parts.next(), parts.next()) {
            // What nodes say to each other is no event.
            (_, Some(channel), _) if channel == said.as_bytes() => None,
            (Some(pattern), Some(channel), Some(mut data)) => {
                // No more is kept of one that is too long than shows that it is.
                data.truncate(bytes_max + 1);
                data.shrink_to_fit();
                Some(Told::Message { pattern, channel, data })
            }
            _ => None,
        },
        _ => None,
    };
    Some(told)
}

/// A pattern as Redis writes it: there, more than a star has a meaning.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        if matches!(character, '?' | '[' | ']' | '\\' | '^') {
            glob.push('\\');
        }
        glob.push(character);
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_means_more_than_itself() {
        assert_eq!(glob("news.*"), "news.*");
        assert_eq!(glob(r"a?[b]\c^"), r"a\?\[b\]\\c\^");
    }
}
