//! [`Resets`]: the streams that this side has reset before the request was whole. Their frames may be on the way.

use std::collections::VecDeque;

use crate::{event::StreamId, flood::RESETS_MAX};

/// The latest of these streams. No memory while there are none.
#[derive(Debug, Default)]
pub(crate) struct Resets(Option<Box<Latest>>);

#[derive(Debug, Default)]
struct Latest {
    streams: VecDeque<StreamId>,
    /// The first of them that were there before the PING: its answer says that no frames of them come any more.
    before_ping: usize,
}

impl Resets {
    /// Adds a stream, and forgets the oldest one if there are too many.
    pub(crate) fn add(&mut self, stream: StreamId) {
        let latest = self.0.get_or_insert_default();
        if latest.streams.len() == RESETS_MAX {
            latest.streams.pop_front();
            latest.before_ping = latest.before_ping.saturating_sub(1);
        }
        latest.streams.push_back(stream);
    }

    pub(crate) fn contains(&self, stream: StreamId) -> bool {
        self.0.as_ref().is_some_and(|latest| latest.streams.contains(&stream))
    }

    /// No more frames of the stream come.
    pub(crate) fn remove(&mut self, stream: StreamId) {
        let Some(latest) = &mut self.0 else { return };
        let Some(place) = latest.streams.iter().position(|reset| *reset == stream) else { return };
        latest.streams.remove(place);
        if place < latest.before_ping {
            latest.before_ping -= 1;
        }
        self.free();
    }

    /// A PING leaves now.
    pub(crate) fn note_ping(&mut self) {
        if let Some(latest) = &mut self.0 {
            latest.before_ping = latest.streams.len();
        }
    }

    /// The PING is answered.
    pub(crate) fn note_pong(&mut self) {
        if let Some(latest) = &mut self.0 {
            latest.streams.drain(..latest.before_ping);
            latest.before_ping = 0;
        }
        self.free();
    }

    /// Whether there is no memory for streams.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.0.is_none()
    }

    fn free(&mut self) {
        if self.0.as_ref().is_some_and(|latest| latest.streams.is_empty()) {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(number: usize) -> StreamId {
        StreamId::new(number as u32 * 2 + 1)
    }

    #[test]
    fn as_many_as_the_limit_are_known_and_not_one_more() {
        let mut resets = Resets::default();
        (0..RESETS_MAX).for_each(|number| resets.add(stream(number)));
        assert!(resets.contains(stream(0)));
        resets.add(stream(RESETS_MAX));
        assert!(!resets.contains(stream(0)) && resets.contains(stream(1)) && resets.contains(stream(RESETS_MAX)));
    }

    #[test]
    fn the_answer_of_a_ping_is_about_those_before_it() {
        let mut resets = Resets::default();
        (0..3).for_each(|number| resets.add(stream(number)));
        resets.note_ping();
        resets.remove(stream(1));
        resets.add(stream(3));
        resets.note_pong();
        assert!(!resets.contains(stream(0)) && !resets.contains(stream(2)) && resets.contains(stream(3)));
        resets.remove(stream(3));
        assert!(resets.is_free());
    }
}
