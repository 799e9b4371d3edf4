//! A hub that keeps history, and the reads of it.

use fanfare_core::{Config, EventId, Gap, GapReason, ReadLimit, Retention, Retentions};

use super::kit::{Kit, to_channel};

/// A page of at most `messages_max` messages.
pub(crate) fn limit(messages_max: usize) -> ReadLimit {
    ReadLimit { messages_max, bytes_max: usize::MAX }
}

/// A hub that keeps this much of each target.
pub(crate) fn keeping(each: Retention) -> Kit {
    Kit::new(Config { history: Retentions { each, ..Retentions::default() }, ..Config::default() })
}

/// Publishes each word to channel `name`, and delivers it.
pub(crate) fn say(kit: &mut Kit, name: &str, text: &str) {
    for word in text.split_whitespace() {
        kit.publish(to_channel(name, word));
    }
    kit.run();
}

/// The gap for events between the two ids that were given up.
pub(crate) fn expired(from: EventId, to: EventId) -> Option<Gap> {
    Some(Gap { from: Some(from), to: Some(to), missed: None, reason: GapReason::Expired })
}
