//! [`UnderWay`]: publishes of sampled traces whose facts are not complete.
//!
//! A publish is finished when it has its answer and the last shard has passed it. The shard finds the publish by its place here, which is
//! part of the stamp that goes with the event ([`fanfare_core::engine::Hub::begin_at`]).

use std::time::{Duration, SystemTime};

use fanfare_core::{EventId, Target};
use slab::Slab;

use super::{context::TraceContext, traced::Traced};

/// Publishes under way at most. One more is not exported, and counts as dropped.
const UNDER_WAY_MAX: usize = 4_096;
/// Time after which a publish is given up if all places are taken: its event will come to no shard.
const GIVEN_UP_US: u64 = 60_000_000;
/// Bits of a stamp that are its time in microseconds: almost nine years. The rest is a place and one, or 0 without a trace.
const TIME_BITS: u32 = 48;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

/// The time of a stamp.
pub(crate) fn time_of(stamp: u64) -> u64 {
    stamp & TIME_MASK
}

/// The place of a stamp, if its publish has one.
pub(super) fn place_of(stamp: u64) -> Option<usize> {
    (stamp >> TIME_BITS).checked_sub(1).and_then(|place| usize::try_from(place).ok())
}

/// The stamp of a publish that goes to the order now.
pub(super) fn stamp(place: Option<usize>, now_us: u64) -> u64 {
    let place = place.map_or(0, |place| place as u64 + 1);
    place << TIME_BITS | time_of(now_us)
}

/// The publishes that are not finished.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    facts: Slab<Facts>,
    /// No publish is given up before this time.
    given_up_us: u64,
}

/// What is known of a publish. Times are microseconds of the server's clock.
#[derive(Debug)]
pub(super) struct Facts {
    context: TraceContext,
    began_us: u64,
    pub(super) target: Option<Target>,
    pub(super) offered_us: Option<u64>,
    pub(super) ordered_us: Option<u64>,
    fanned_out_us: Option<u64>,
    pub(super) answer: Option<Answered>,
}

#[derive(Debug)]
pub(super) struct Answered {
    pub(super) at_us: u64,
    pub(super) event: Option<(EventId, usize)>,
    pub(super) outcome: &'static str,
    /// Whether the event goes to shards. One that repeats a key went before.
    pub(super) is_fanned_out: bool,
}

impl UnderWay {
    /// The place of a publish from now on.
    ///
    /// # Errors
    /// All places are taken. As many publishes as it says are lost by now.
    pub(super) fn enter(&mut self, facts: Facts) -> Result<usize, usize> {
        let (before, now_us) = (self.facts.len(), facts.began_us);
        if before >= UNDER_WAY_MAX && now_us >= self.given_up_us {
            self.facts.retain(|_, old| now_us.saturating_sub(old.began_us) < GIVEN_UP_US);
            let oldest_us = self.facts.iter().map(|(_, facts)| facts.began_us).min();
            self.given_up_us = oldest_us.unwrap_or(now_us).saturating_add(GIVEN_UP_US);
        }
        let given_up = before - self.facts.len();
        if self.facts.len() >= UNDER_WAY_MAX { Err(1 + given_up) } else { Ok(self.facts.insert(facts)) }
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Facts> {
        self.facts.get_mut(place)
    }

    /// The last shard has passed the event with this stamp.
    pub(super) fn fan_out(&mut self, stamp: u64, now_us: u64) {
        let facts = place_of(stamp).and_then(|place| self.facts.get_mut(place));
        // Another publish may have the place by now.
        if let Some(facts) = facts.filter(|facts| facts.offered_us.map(time_of) == Some(time_of(stamp))) {
            facts.fanned_out_us = Some(now_us);
        }
    }

    /// The finished publish at `place`, if it is one now.
    pub(super) fn take_finished(&mut self, place: usize, now: &Now) -> Option<Traced> {
        let is_finished = self.facts.get(place).is_some_and(|facts| {
            let answer = facts.answer.as_ref();
            answer.is_some_and(|answer| !answer.is_fanned_out || facts.fanned_out_us.is_some())
        });
        let facts = is_finished.then(|| self.facts.remove(place))?;
        facts.finished(now)
    }
}

/// One moment, in both clocks.
pub(super) struct Now {
    us: u64,
    wall: SystemTime,
}

impl Now {
    pub(super) fn at(us: u64) -> Self {
        Self { us, wall: SystemTime::now() }
    }

    fn wall_of(&self, us: u64) -> SystemTime {
        let ago = Duration::from_micros(self.us.saturating_sub(us));
        self.wall.checked_sub(ago).unwrap_or(self.wall)
    }
}

impl Facts {
    /// A request of this trace has begun.
    pub(super) fn new(context: TraceContext, began_us: u64) -> Self {
        Self { context, began_us, target: None, offered_us: None, ordered_us: None, fanned_out_us: None, answer: None }
    }

    fn finished(self, now: &Now) -> Option<Traced> {
        let Self { context, target, began_us, offered_us, ordered_us, fanned_out_us, answer, .. } = self;
        let Answered { at_us, event, outcome, .. } = answer?;
        // A shard may be done before the publisher's thread looks at the clock.
        let ordered_us = ordered_us.map(|us| fanned_out_us.map_or(us, |fanned_out| us.min(fanned_out)));
        let wall = |us| now.wall_of(us);
        Some(Traced {
            context,
            target,
            event: event.map(|(id, _)| id),
            matched: event.map(|(_, matched)| matched),
            outcome,
            began: wall(began_us),
            offered: offered_us.map(wall),
            ordered: ordered_us.map(wall),
            fanned_out: fanned_out_us.map(wall),
            answered: wall(at_us),
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper::{
        HeaderMap,
        header::{HeaderName, HeaderValue},
    };

    use super::*;

    fn facts(began_us: u64) -> Facts {
        let value = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("traceparent"), value)]);
        Facts::new(TraceContext::of(&headers).unwrap(), began_us)
    }

    #[test]
    fn as_many_are_under_way_as_may_be_and_old_ones_make_room() {
        let mut under_way = UnderWay::default();
        for _ in 0..UNDER_WAY_MAX {
            assert!(under_way.enter(facts(1)).is_ok());
        }
        assert_eq!(under_way.enter(facts(GIVEN_UP_US)), Err(1));
        assert_eq!(under_way.facts.len(), UNDER_WAY_MAX);
        assert!(under_way.enter(facts(1 + GIVEN_UP_US)).is_ok());
        assert_eq!(under_way.facts.len(), 1);
    }

    #[test]
    fn a_stamp_has_a_time_and_a_place_and_an_old_stamp_means_nobody_else() {
        assert_eq!((place_of(stamp(None, 7)), time_of(stamp(None, 7))), (None, 7));
        let last = UNDER_WAY_MAX - 1;
        assert_eq!((place_of(stamp(Some(last), 7)), time_of(stamp(Some(last), 7))), (Some(last), 7));
        let mut under_way = UnderWay::default();
        let place = under_way.enter(Facts { offered_us: Some(9), ..facts(8) }).unwrap();
        under_way.fan_out(stamp(Some(place), 7), 10);
        assert_eq!(under_way.get_mut(place).unwrap().fanned_out_us, None);
        under_way.fan_out(stamp(Some(place), 9), 10);
        assert_eq!(under_way.get_mut(place).unwrap().fanned_out_us, Some(10));
    }
}
