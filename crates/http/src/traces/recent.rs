//! [`Recent`]: the traces of the last events that had one, for whoever asks what became of an event.

use std::collections::VecDeque;

use fanfare_core::EventId;

use super::context::TraceId;

/// Events whose trace is known. They are 100 KB, and those of some seconds if each publish has a trace.
const RECENT_MAX: usize = 4_096;

/// The last events with a trace, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(EventId, TraceId)>);

impl Recent {
    /// Remembers one, and forgets the oldest if there are too many.
    pub(super) fn push(&mut self, event: EventId, trace: TraceId) {
        if self.0.len() == RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((event, trace));
    }

    pub(super) fn of(&self, event: EventId) -> Option<TraceId> {
        self.0.iter().rev().find(|(known, _)| *known == event).map(|(_, trace)| *trace)
    }
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header::HeaderValue};

    use super::*;
    use crate::traces::context::TraceContext;

    #[test]
    fn as_many_are_known_as_may_be_and_not_one_more() {
        let value = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        let headers = HeaderMap::from_iter([(hyper::header::HeaderName::from_static("traceparent"), value)]);
        let trace = TraceContext::of(&headers).unwrap().trace_id();
        let id = |number: usize| EventId::new(1, number as u64);
        let mut recent = Recent::default();
        (0..RECENT_MAX).for_each(|number| recent.push(id(number), trace));
        assert_eq!((recent.of(id(0)), recent.of(id(RECENT_MAX))), (Some(trace), None));
        recent.push(id(RECENT_MAX), trace);
        assert_eq!((recent.of(id(0)), recent.of(id(1)), recent.of(id(RECENT_MAX))), (None, Some(trace), Some(trace)));
        assert_eq!(recent.0.len(), RECENT_MAX);
    }
}
