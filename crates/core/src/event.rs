//! The vocabulary of the engine: events, their bytes, and the figures and news of their delivery.
//!
//! This folder knows no other one. Bytes of an event stream are made here and nowhere else.
//!
//! # Nouns
//!
//! - [`Event`]: an event as a publisher gives it, validated.
//! - [`target::Target`]: the audience of an event: all, one channel, or one client, who may hold several connections.
//! - [`event_id::EventId`]: the position of an event in the order of its hub. The last id that a client has is its cursor.
//! - [`message::Message`]: an event encoded once, as bytes that all connections share. A [`draft::Draft`] lacks the id.
//! - [`gap::Gap`]: events that one connection will not get, as its stream tells it.
//! - [`receipt::Receipt`]: the answer to one publish.
//! - [`account::Account`]: the figures of one connection: events written, waiting and lost.
//!
//! # Walk
//!
//! A publish brings an `Event`. The order encodes it into a `Draft` before it takes its lock, and gives it an `EventId` under
//! the lock. That makes a `Message`, whose bytes every connection writes unchanged.

pub(crate) mod account;
pub(crate) mod budget;
pub(crate) mod charged;
pub(crate) mod draft;
pub(crate) mod event_id;
pub(crate) mod fanned;
pub(crate) mod gap;
pub(crate) mod message;
pub(crate) mod name;
pub(crate) mod notice;
pub(crate) mod pattern;
pub(crate) mod pattern_map;
pub(crate) mod prelude;
pub(crate) mod receipt;
pub(crate) mod target;
pub(crate) mod totals;

use std::sync::Arc;

use thiserror::Error;

use crate::event::{
    event_id::EventId,
    name::{Channel, NameError},
    target::Target,
};

/// The smallest reconnection time a publisher may set, in milliseconds.
pub const RETRY_MS_MIN: u64 = 100;
/// The largest reconnection time a publisher may set, in milliseconds.
pub const RETRY_MS_MAX: u64 = 86_400_000;

/// The type of an event that purges a channel ([`Event::purge`]).
const PURGE: &str = "fanfare.purge";

/// One event for one or more targets. The data is any text. The encoder takes care of its line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    targets: Vec<Target>,
    data: String,
    kind: Option<String>,
    own_id: Option<String>,
    retry_ms: Option<u64>,
    kept: bool,
}

/// The reasons for which an event may not be published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EventError {
    /// The event has no target.
    #[error("an event needs a target")]
    NoTarget,
    /// The event type breaks the rule of names.
    #[error("event type: {0}")]
    Kind(NameError),
    /// The event type begins with `fanfare.`. Such types are the server's own.
    #[error("event types that begin with \"fanfare.\" are reserved")]
    ReservedKind,
    /// The publisher's own id breaks the rule of names.
    #[error("id: {0}")]
    OwnId(NameError),
    /// The publisher's own id reads as an [`EventId`]: it would be taken for a position.
    #[error("id: the form digits-digits is reserved for the server's own ids")]
    OwnIdReserved,
    /// The publisher's own id has a space at one end. A header that brings it back would lose that space (RFC 9110 5.5).
    #[error("id: it must not begin or end with a space")]
    OwnIdSpace,
    /// The reconnection time is outside [`RETRY_MS_MIN`]..=[`RETRY_MS_MAX`].
    #[error("retry: from 100 to 86400000 milliseconds")]
    Retry,
}

impl Event {
    /// An event with this data for one target.
    ///
    /// ```
    /// use fanfare_core::{Channel, Event, Target};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let news = Target::Channel(Channel::new("news")?);
    /// let event = Event::new(news, "12.50").with_kind("tick")?.with_own_id("order 7")?.live_only();
    /// assert_eq!((event.kind(), event.own_id(), event.is_kept()), (Some("tick"), Some("order 7"), false));
    /// assert!(event.with_kind("fanfare.gap").is_err(), "these types are Fanfare's own");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(target: Target, data: impl Into<String>) -> Self {
        Self { targets: vec![target], data: data.into(), kind: None, own_id: None, retry_ms: None, kept: true }
    }

    /// An event for several targets. A connection that several of them reach receives it once.
    ///
    /// # Errors
    /// [`EventError::NoTarget`] if `targets` is empty.
    pub fn for_targets(mut targets: Vec<Target>, data: impl Into<String>) -> Result<Self, EventError> {
        let first = targets.pop().ok_or(EventError::NoTarget)?;
        let mut event = Self::new(first, data);
        event.targets.append(&mut targets);
        event.targets.sort();
        event.targets.dedup();
        Ok(event)
    }

    /// An event made of the fields of a valid one.
    pub(crate) fn relayed(
        targets: &[Target],
        data: String,
        own_id: Option<&str>,
        retry_ms: Option<u64>,
        kept: bool,
    ) -> Self {
        Self { targets: targets.to_vec(), data, kind: None, own_id: own_id.map(str::to_owned), retry_ms, kept }
    }

    /// Sets the event type (the `event:` field): 1 to 256 bytes.
    ///
    /// # Errors
    /// [`EventError::Kind`] or [`EventError::ReservedKind`].
    pub fn with_kind(mut self, kind: &str) -> Result<Self, EventError> {
        name::check(kind).map_err(EventError::Kind)?;
        // Some clients remove all leading spaces, not only the one behind the colon.
        if kind.trim_start_matches(' ').starts_with("fanfare.") {
            return Err(EventError::ReservedKind);
        }
        self.kind = Some(kind.to_owned());
        Ok(self)
    }

    /// A purge: no stream gets it, and from its place in the order on the history has no older event of `channel`. A journal keeps
    /// it like any other event, so that the older ones do not come back.
    ///
    /// ```
    /// use fanfare_core::{Channel, Event, Target};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let news = Channel::new("news")?;
    /// let purge = Event::purge(news.clone());
    /// assert_eq!(purge.purges(), Some(&news));
    /// assert!(purge.is_kept());
    ///
    /// let read = Event::new(Target::Channel(news), "").with_kept_kind(purge.kind().ok_or("no type")?)?;
    /// assert_eq!(read, purge, "a journal reads it again");
    /// # Ok(())
    /// # }
    /// ```
    pub fn purge(channel: Channel) -> Self {
        Self { kind: Some(PURGE.to_owned()), ..Self::new(Target::Channel(channel), "") }
    }

    /// The channel whose older events are thrown away, if this is a purge ([`Event::purge`]).
    pub fn purges(&self) -> Option<&Channel> {
        match self.targets.as_slice() {
            [Target::Channel(channel)] if self.kind.as_deref() == Some(PURGE) => Some(channel),
            _ => None,
        }
    }

    /// Sets the event type that a journal has kept, which may be that of a purge ([`Event::purge`]).
    ///
    /// # Errors
    /// Those of [`Event::with_kind`].
    pub fn with_kept_kind(mut self, kind: &str) -> Result<Self, EventError> {
        if kind == PURGE && matches!(self.targets.as_slice(), [Target::Channel(_)]) {
            self.kind = Some(kind.to_owned());
            return Ok(self);
        }
        self.with_kind(kind)
    }

    /// Sets the publisher's own id, which the stream shows instead of the [`EventId`]: 1 to 256 bytes, no space at either end,
    /// not of the form digits-digits.
    ///
    /// # Errors
    /// [`EventError::OwnId`], [`EventError::OwnIdSpace`] or [`EventError::OwnIdReserved`].
    pub fn with_own_id(mut self, id: &str) -> Result<Self, EventError> {
        name::check(id).map_err(EventError::OwnId)?;
        if id.starts_with(' ') || id.ends_with(' ') {
            return Err(EventError::OwnIdSpace);
        }
        if EventId::looks_like(id) {
            return Err(EventError::OwnIdReserved);
        }
        self.own_id = Some(id.to_owned());
        Ok(self)
    }

    /// Sets the reconnection time of the receivers (the `retry:` field, in milliseconds).
    ///
    /// # Errors
    /// [`EventError::Retry`] outside the range.
    pub fn with_retry_ms(mut self, retry_ms: u64) -> Result<Self, EventError> {
        if !(RETRY_MS_MIN..=RETRY_MS_MAX).contains(&retry_ms) {
            return Err(EventError::Retry);
        }
        self.retry_ms = Some(retry_ms);
        Ok(self)
    }

    /// Makes the event live only: the journal orders it and keeps no copy.
    #[must_use]
    pub fn live_only(mut self) -> Self {
        self.kept = false;
        self
    }

    /// The event for those of its targets alone that are wanted. None if none is.
    pub fn only_for(mut self, is_wanted: impl FnMut(&Target) -> bool) -> Option<Self> {
        self.targets.retain(is_wanted);
        (!self.targets.is_empty()).then_some(self)
    }

    /// The targets: at least one, each once.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The data as the publisher gave it.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The event type, if one was given.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The publisher's own id, if one was given.
    pub fn own_id(&self) -> Option<&str> {
        self.own_id.as_deref()
    }

    /// The reconnection time in milliseconds, if one was given.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Whether the journal may keep the event.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    pub(crate) fn into_targets(self) -> Arc<[Target]> {
        self.targets.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::new(Target::All, "x")
    }

    #[test]
    fn fields_that_would_forge_lines_are_refused() {
        assert_eq!(event().with_kind("a\nid: 1"), Err(EventError::Kind(NameError::Control)));
        assert_eq!(event().with_own_id("a\rb"), Err(EventError::OwnId(NameError::Control)));
        assert_eq!(event().with_kind("fanfare.gap"), Err(EventError::ReservedKind));
        assert_eq!(event().with_kind(" fanfare.gap"), Err(EventError::ReservedKind));
        assert_eq!(event().with_own_id("12-34"), Err(EventError::OwnIdReserved));
        assert_eq!(event().with_own_id(" a"), Err(EventError::OwnIdSpace));
        assert_eq!(event().with_own_id("a "), Err(EventError::OwnIdSpace));
        assert!(event().with_kind("fanfare").is_ok());
        assert!(event().with_own_id("12-34x").is_ok());
    }

    #[test]
    fn limits_hold_at_and_one_past() {
        assert!(event().with_kind(&"k".repeat(256)).is_ok());
        assert_eq!(event().with_kind(&"k".repeat(257)), Err(EventError::Kind(NameError::TooLong)));
        assert!(event().with_own_id(&"k".repeat(256)).is_ok());
        assert_eq!(event().with_own_id(&"k".repeat(257)), Err(EventError::OwnId(NameError::TooLong)));
        for (ms, ok) in [(99, false), (100, true), (86_400_000, true), (86_400_001, false)] {
            assert_eq!(event().with_retry_ms(ms).is_ok(), ok, "{ms}");
        }
    }

    #[test]
    fn targets_are_kept_once() {
        let event = Event::for_targets(vec![Target::All, Target::All], "").unwrap();
        assert_eq!(event.targets(), [Target::All]);
        assert_eq!(Event::for_targets(Vec::new(), ""), Err(EventError::NoTarget));
    }
}
