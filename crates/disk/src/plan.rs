//! [`plan()`]: which segments to remove and which to rewrite, so that the journal takes no more than its share of the
//! disk.
//!
//! A rewrite has to free a quarter of the bytes that it reads. The limit is twice the live bytes, so above the limit
//! some segments always are dead by a quarter. A segment that is kept for its idempotency keys alone is rewritten at
//! once: the events would take a thousand times what the keys need.

use fanfare_core::{EventId, journal::Oldest};

use crate::segments::SealedSegment;

/// Number of segments that is never too large.
const SEGMENTS_SPARE: u64 = 64;
/// Number of segments allowed for each full one.
const SEGMENTS_PER_FULL: u64 = 2;
/// A rewrite frees at least one in so many bytes.
const FREED_SHARE: u64 = 4;

/// A sealed segment with the number of its live bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The segment.
    pub(crate) segment: SealedSegment,
    /// Result of `Reclaim::live_bytes`; all bytes if the segment was not measured yet.
    pub(crate) live_bytes: u64,
}

/// Two counts of segments from the oldest on: those without a live event, and those of them without a remembered key.
pub(crate) fn without_events(sealed: &[SealedSegment], oldest: Oldest) -> (usize, usize) {
    let count = |oldest: Option<EventId>| {
        sealed.iter().take_while(|segment| oldest.is_none_or(|oldest| segment.upto < oldest)).count()
    };
    (count(oldest.event), count(oldest.event.into_iter().chain(oldest.key).min()))
}

/// The bytes that the journal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of all segments together.
    pub(crate) bytes_max: u64,
    /// Bytes of one segment.
    pub(crate) segment_bytes_max: u64,
}

impl Limits {
    /// The limits of a journal whose live events take `held_bytes` of memory.
    pub(crate) fn new(held_bytes: u64, segment_bytes_max: u64) -> Self {
        let bytes_max = held_bytes.saturating_mul(2).saturating_add(segment_bytes_max.saturating_mul(4));
        Self { bytes_max, segment_bytes_max }
    }
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Remove the oldest segment.
    Remove {
        /// Number of the segment.
        number: u64,
    },
    /// Make one segment of the live events of several.
    Rewrite {
        /// Number of the first one.
        first: u64,
        /// Number of the last one.
        last: u64,
    },
}

/// The next steps, in their order. `sealed` are all sealed segments, oldest first. `bytes` is the length of all
/// segments together. Live events and keys begin at `oldest`.
pub(crate) fn plan(sealed: &[Candidate], bytes: u64, oldest: Oldest, limits: &Limits) -> Vec<Step> {
    let segments: Vec<_> = sealed.iter().map(|candidate| candidate.segment).collect();
    let (without_events, dead) = without_events(&segments, oldest);
    let (dead, rest) = sealed.split_at(dead);
    let (for_keys, with_events) = rest.split_at(without_events - dead.len());
    let mut steps: Vec<Step> = dead.iter().map(|dead| Step::Remove { number: dead.segment.number }).collect();
    let mut bytes = bytes.saturating_sub(dead.iter().map(|dead| dead.segment.bytes).sum());
    for run in runs(for_keys, limits.segment_bytes_max) {
        if let Some(freed) = freed(run) {
            steps.extend(rewrite(run));
            bytes = bytes.saturating_sub(freed);
        }
    }
    let runs = runs(with_events, limits.segment_bytes_max);
    let segments_max = SEGMENTS_SPARE.saturating_add(SEGMENTS_PER_FULL * (bytes / limits.segment_bytes_max.max(1)));
    if bytes > limits.bytes_max {
        for run in runs {
            if let Some(freed) = freed(run).filter(|_| bytes > limits.bytes_max) {
                steps.extend(rewrite(run));
                bytes = bytes.saturating_sub(freed);
            }
        }
    } else if rest.len() as u64 > segments_max {
        steps.extend(runs.into_iter().filter(|run| run.len() > 1).filter_map(rewrite));
    }
    steps
}

/// Runs of adjacent segments whose live events fit in one segment, each as long as possible.
fn runs(candidates: &[Candidate], segment_bytes_max: u64) -> Vec<&[Candidate]> {
    let (mut runs, mut start) = (Vec::new(), 0);
    for end in 1..=candidates.len() {
        let is_full = candidates.get(start..=end).is_none_or(|run| live_bytes(run) > segment_bytes_max);
        if is_full {
            runs.extend(candidates.get(start..end));
            start = end;
        }
    }
    runs
}

/// Bytes that a rewrite of a run frees, if it is worth it.
fn freed(run: &[Candidate]) -> Option<u64> {
    let run_bytes: u64 = run.iter().map(|candidate| candidate.segment.bytes).sum();
    let freed = run_bytes.saturating_sub(live_bytes(run));
    (freed > 0 && freed >= run_bytes / FREED_SHARE).then_some(freed)
}

fn live_bytes(run: &[Candidate]) -> u64 {
    run.iter().map(|candidate| candidate.live_bytes).sum()
}

fn rewrite(run: &[Candidate]) -> Option<Step> {
    let (first, last) = (run.first()?.segment.number, run.last()?.segment.number);
    Some(Step::Rewrite { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes_max: 1_000, segment_bytes_max: 100 };

    /// Segments with so many bytes, of which so many are live; the ids of number n end at n.
    fn segments(sizes: &[(u64, u64)]) -> Vec<Candidate> {
        let segment = |(number, bytes)| {
            let (base, upto) = (EventId::new(number - 1, 0), EventId::new(number, 0));
            SealedSegment { number, through: number, base, upto, bytes }
        };
        let candidate = |(number, (bytes, live_bytes)): (u64, &(u64, u64))| Candidate {
            segment: segment((number, *bytes)),
            live_bytes: *live_bytes,
        };
        (1..).zip(sizes).map(candidate).collect()
    }

    fn plan_of(sizes: &[(u64, u64)], oldest_live: Option<EventId>) -> Vec<Step> {
        plan_with(sizes, Oldest { event: oldest_live, key: None })
    }

    fn plan_with(sizes: &[(u64, u64)], oldest: Oldest) -> Vec<Step> {
        let bytes = sizes.iter().map(|(bytes, _)| bytes).sum();
        plan(&segments(sizes), bytes, oldest, &LIMITS)
    }

    fn rewrite(first: u64, last: u64) -> Step {
        Step::Rewrite { first, last }
    }

    #[test]
    fn what_is_wholly_below_the_oldest_live_event_is_removed_and_nothing_behind_it() {
        let sizes = [(100, 0); 4];
        assert_eq!(plan_of(&sizes, Some(EventId::new(2, 0))), [Step::Remove { number: 1 }]);
        assert_eq!(plan_of(&sizes, Some(EventId::new(2, 1))).len(), 2);
        assert_eq!(plan_of(&sizes, None).len(), 4);
    }

    #[test]
    fn what_is_there_for_its_keys_alone_is_rewritten_below_the_limit_if_that_frees_a_quarter() {
        let id = |ms| Some(EventId::new(ms, 0));
        // Of the first two, keys are live; the fourth has events.
        let oldest = Oldest { event: id(4), key: id(1) };
        assert_eq!(plan_with(&[(100, 3), (100, 3), (100, 3), (100, 50)], oldest), [rewrite(1, 3)]);
        assert_eq!(plan_with(&[(100, 75), (100, 50)], oldest), [rewrite(1, 1), rewrite(2, 2)]);
        assert_eq!(plan_with(&[(100, 76), (100, 50)], oldest), [rewrite(2, 2)]);
        let oldest = Oldest { event: None, key: id(2) };
        assert_eq!(plan_with(&[(100, 3), (100, 3), (100, 100)], oldest), [Step::Remove { number: 1 }, rewrite(2, 2)]);
        let none = Oldest { event: id(1), key: id(1) };
        assert_eq!(plan_with(&[(100, 3), (100, 3)], none), []);
    }

    #[test]
    fn at_the_limit_nothing_is_rewritten_and_above_it_only_as_much_as_needed() {
        assert_eq!(plan_of(&[(100, 50); 10], Some(EventId::ZERO)), []);
        assert_eq!(plan_of(&[(100, 50); 11], Some(EventId::ZERO)), [rewrite(1, 2)]);
        assert_eq!(plan_of(&[(100, 50); 12], Some(EventId::ZERO)), [rewrite(1, 2), rewrite(3, 4)]);
    }

    #[test]
    fn what_frees_less_than_a_quarter_is_left_alone() {
        let mut sizes = [(100, 76); 11];
        assert_eq!(plan_of(&sizes, Some(EventId::ZERO)), []);
        sizes[4].1 = 75;
        assert_eq!(plan_of(&sizes, Some(EventId::ZERO)), [rewrite(5, 5)]);
    }

    #[test]
    fn too_many_small_segments_become_fewer() {
        assert_eq!(plan_of(&[(5, 5); 64], Some(EventId::ZERO)), []);
        let steps = plan_of(&[(5, 5); 72], Some(EventId::ZERO));
        assert_eq!(steps, [rewrite(1, 20), rewrite(21, 40), rewrite(41, 60), rewrite(61, 72)]);
    }

    #[test]
    fn a_segment_larger_than_one_may_be_is_a_run_of_its_own() {
        let sizes = [(50, 50), (900, 500), (50, 50), (50, 50)];
        assert_eq!(plan_of(&sizes, Some(EventId::ZERO)), [rewrite(2, 2)]);
    }
}
