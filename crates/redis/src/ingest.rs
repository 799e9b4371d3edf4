//! [`Ingest`]: turns messages that others publish in Pub/Sub into events, each once. The node that holds the lease
//! appends them; the others drop them.
//!
//! The lease changes hands in Pub/Sub itself (`lease.lua`), so every node sees the change in one order with the
//! messages: earlier messages belong to the earlier holder. The script that appends checks the lease once more, so a
//! node that has lost it without knowing appends nothing.

use std::{
    convert::Infallible,
    future::pending,
    time::{Duration, Instant},
};

use fanfare_core::{Channel, Event, Target};
use redis::{RedisResult, Value};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::{
    config::Config,
    entry,
    link::Link,
    link_error::LinkError,
    listener::{Heard, Listener},
    skipped::Skipped,
    trouble::Backoff,
    writer::{self, GROUP_BYTES_MAX, GROUP_EVENTS_MAX},
};

/// Time that a lease is held without being renewed, and time between two renewals.
const LEASE_TIME: Duration = Duration::from_secs(5);
const LEASE_INTERVAL: Duration = Duration::from_millis(1_500);
/// Time without an error after which the next error counts as the first.
const CALM: Duration = Duration::from_secs(10);

/// The means of an ingest.
#[derive(Debug)]
pub(crate) struct Ingest<'a> {
    config: &'a Config,
    /// Name of this node, under which it takes the lease.
    node: &'a str,
    link: &'a Link,
    /// The patterns in the form in which all nodes compare them.
    patterns: String,
}

/// The state of one subscription.
#[derive(Debug, Default)]
struct Follow {
    is_holder: bool,
    /// Messages that become no events.
    skipped: Skipped,
    missed: u64,
    /// The patterns of the holder, if they differ.
    other: Option<String>,
}

impl<'a> Ingest<'a> {
    pub(crate) fn new(config: &'a Config, node: &'a str, link: &'a Link) -> Self {
        let mut patterns: Vec<_> = config.subscribe.iter().map(|pattern| pattern.as_str()).collect();
        patterns.sort_unstable();
        Self { config, node, link, patterns: patterns.join(",") }
    }

    /// Subscribes again and again. Does nothing if there is nothing to subscribe to.
    pub(crate) async fn run(&self) -> Infallible {
        if self.config.subscribe.is_empty() {
            pending::<()>().await;
        }
        let (mut backoff, mut last_reason) = (Backoff::new(), String::new());
        loop {
            let began = Instant::now();
            let Err(error) = self.follow().await;
            if began.elapsed() > CALM {
                (backoff, last_reason) = (Backoff::new(), String::new());
            }
            if error.reason != last_reason {
                warn!("not subscribed in Redis, what is published there meanwhile is missed: {error}");
                last_reason = error.reason;
            }
            // A failure does no harm: the lease runs out by itself.
            let _ = self.link.release(self.node).await;
            sleep(backoff.next()).await;
        }
    }

    /// Gives the lease up, so that another node may have it.
    pub(crate) async fn end(&self) {
        if !self.config.subscribe.is_empty()
            && let Err(error) = self.link.release(self.node).await
        {
            warn!("the lease is not given up, and runs out: {error}");
        }
    }

    /// Whether Redis lets this node subscribe.
    pub(crate) async fn try_subscribe(&self) -> Result<(), LinkError> {
        if self.config.subscribe.is_empty() {
            return Ok(());
        }
        Listener::subscribe(self.link, self.config).await.map(drop)
    }

    async fn follow(&self) -> Result<Infallible, LinkError> {
        let mut listener = Listener::subscribe(self.link, self.config).await?;
        let mut follow = Follow::default();
        let mut renew = interval(LEASE_INTERVAL);
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Vec::new();
        loop {
            tokio::select! {
                biased;
                _ = renew.tick() => {
                    self.renew(&mut follow).await?;
                    self.tell_missed(listener.take_missed(), &mut follow);
                }
                count = listener.receive(&mut heard, GROUP_EVENTS_MAX) => {
                    if count == 0 {
                        return Err(LinkError::new("the connection is gone"));
                    }
                    self.take(&mut heard, &mut follow).await?;
                }
            }
        }
    }

    /// Takes or keeps the lease. Until this node has heard that the lease is its own, each renewal is announced once
    /// more: the node begins to append at the announcement.
    async fn renew(&self, follow: &mut Follow) -> Result<(), LinkError> {
        let other = self.link.lease(self.node, &self.patterns, LEASE_TIME, !follow.is_holder).await?;
        follow.is_holder &= other.is_none();
        let other = other.filter(|other| *other != self.patterns);
        if let Some(other) = other.as_ref().filter(|other| follow.other.as_ref() != Some(other)) {
            warn!(
                theirs = other,
                ours = self.patterns,
                "another node takes what is published in Redis by other patterns, and this one nothing: \
                 give all of them the same --redis-subscribe"
            );
        }
        follow.other = other;
        Ok(())
    }

    fn tell_missed(&self, missed: u64, follow: &mut Follow) {
        if missed > 0 {
            follow.missed += missed;
            let in_all = follow.missed;
            warn!(missed, in_all, "more was published in Redis than could be appended: the rest is missed");
        }
        if let Some(in_all) = follow.skipped.rest() {
            warn_of_skipped(in_all);
        }
    }

    async fn take(&self, heard: &mut Vec<Heard>, follow: &mut Follow) -> Result<(), LinkError> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        for one in heard.drain(..) {
            if bytes > GROUP_BYTES_MAX || matches!(one, Heard::Holder(_)) {
                // The events that this node has to append end or begin here.
                self.append(std::mem::take(&mut events)).await?;
                bytes = 0;
            }
            match one {
                Heard::Holder(node) if node.is_empty() => self.renew(follow).await?,
                Heard::Holder(node) => {
                    let is_holder = node == self.node;
                    if follow.is_holder != is_holder {
                        info!(is_holder, "the lease for what is published in Redis has changed hands");
                    }
                    follow.is_holder = is_holder;
                }
                message if follow.is_holder => {
                    if let Some(event) = self.event(message, &mut follow.skipped) {
                        bytes += event.data().len();
                        events.push(event);
                    }
                }
                Heard::Message { .. } => {}
            }
        }
        self.append(events).await
    }

    /// The event of a message. A message that matches several patterns comes once for each, and counts for the first.
    fn event(&self, heard: Heard, skipped: &mut Skipped) -> Option<Event> {
        let Heard::Message { pattern, channel, data } = heard else { return None };
        let name = String::from_utf8(channel).ok();
        let first = name.as_ref().and_then(|name| self.config.subscribe.iter().find(|pattern| pattern.matches(name)));
        if first.is_some_and(|first| Listener::glob(first.as_str()).as_bytes() != pattern) {
            return None;
        }
        let channel = name.and_then(|name| Channel::new(&name).ok());
        let data = String::from_utf8(data).ok().filter(|data| data.len() <= self.config.message_bytes_max);
        let (Some(channel), Some(data)) = (channel, data) else {
            if let Some(in_all) = skipped.note() {
                warn_of_skipped(in_all);
            }
            return None;
        };
        Some(Event::new(Target::Channel(channel), data))
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), LinkError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut command = writer::append(self.link, self.config, self.node);
        // The name of the node is empty: nobody waits for these events.
        command.arg(0).arg("").arg(0);
        for event in &events {
            command.arg(entry::head(event)).arg(event.data()).arg("").arg(0);
        }
        let reply: RedisResult<Value> = command.query_async(&mut self.link.asking()).await;
        match reply {
            Ok(_) => Ok(()),
            // The next holder gets the following messages; these are the hole.
            Err(error) => {
                warn!(events = events.len(), "what was published in Redis is not appended");
                Err(error.into())
            }
        }
    }
}

fn warn_of_skipped(in_all: u64) {
    warn!(in_all, "skipped what was published in Redis: too long, not UTF-8, or without a name for a channel");
}
