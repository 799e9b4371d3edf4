//! [`RefusedStreams`]: the streams that were refused last, for the person who asks why a client did not get an event.

use std::collections::VecDeque;

use fanfare_core::{ClientId, Pattern, Target};
use parking_lot::Mutex;

/// Streams that are remembered.
const STREAMS_MAX: usize = 4_096;
/// Names of one stream that are remembered.
const NAMES_MAX: usize = 16;

/// A stream that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedStream {
    pub(crate) client: ClientId,
    /// The channels and patterns that it asked for.
    pub(crate) names: Vec<Pattern>,
    /// The name of the rule.
    pub(crate) rule: &'static str,
    /// Unix time in milliseconds.
    pub(crate) at_ms: u64,
}

/// The streams that were refused last, and named their client.
#[derive(Debug, Default)]
pub(crate) struct RefusedStreams(Mutex<VecDeque<RefusedStream>>);

impl RefusedStreams {
    pub(crate) fn push(&self, mut refused: RefusedStream) {
        refused.names.truncate(NAMES_MAX);
        let mut streams = self.0.lock();
        if streams.len() == STREAMS_MAX {
            streams.pop_front();
        }
        streams.push_back(refused);
    }

    /// The last refusal of `client` up to a time, or else the first one after it: of a stream that would have got an event for
    /// `targets`. Without targets any stream.
    pub(crate) fn of(&self, client: &ClientId, at_ms: u64, targets: Option<&[Target]>) -> Option<RefusedStream> {
        let streams = self.0.lock();
        let would_get = |refused: &RefusedStream| {
            targets.is_none_or(|targets| {
                targets.iter().any(|target| match target {
                    Target::Channel(channel) => refused.names.iter().any(|name| name.matches(channel.as_str())),
                    Target::All | Target::Client(_) => true,
                })
            })
        };
        let mut of_client = streams.iter().filter(|refused| refused.client == *client && would_get(refused));
        let before = of_client.clone().rfind(|refused| refused.at_ms <= at_ms);
        before.or_else(|| of_client.next()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_refusal_before_an_event_explains_it() {
        let streams = RefusedStreams::default();
        let client = |name: &str| ClientId::new(name).unwrap();
        let names = || vec![Pattern::new("orders.*").unwrap()];
        let refused =
            |name: &str, at_ms| RefusedStream { client: client(name), names: names(), rule: "not-granted", at_ms };
        for (name, at_ms) in [("ann", 10), ("bob", 11), ("ann", 20), ("ann", 30)] {
            streams.push(refused(name, at_ms));
        }
        let at = |name: &str, at_ms| streams.of(&client(name), at_ms, None).map(|refused| refused.at_ms);
        assert_eq!([at("ann", 25), at("ann", 5), at("bob", 99), at("eve", 99)], [Some(20), Some(10), Some(11), None]);
        let of = |name: &str| {
            let target = Target::Channel(fanfare_core::Channel::new(name).unwrap());
            streams.of(&client("ann"), 25, Some(&[target])).map(|refused| refused.at_ms)
        };
        assert_eq!([of("orders.7"), of("news")], [Some(20), None]);
        (0..STREAMS_MAX as u64).for_each(|at_ms| streams.push(refused("eve", at_ms)));
        assert_eq!(at("ann", 25), None, "forgotten");
    }
}
