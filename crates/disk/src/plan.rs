//! [`plan()`]: which segments to remove and which to rewrite, so that the journal takes no more than its share of the disk.
//!
//! A rewrite has to free a quarter of what it reads: if all segments together are more than the limit, which is twice
//! what can be live, there are always some of which that much is dead.

use fanfare_core::EventId;

use crate::segments::SealedSegment;

/// So many segments are never too many,
const SEGMENTS_SPARE: u64 = 64;
/// and so many for each full one.
const SEGMENTS_PER_FULL: u64 = 2;
/// A rewrite frees at least one in so many bytes.
const FREED_SHARE: u64 = 4;

/// A sealed segment, and how much of it is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The segment.
    pub(crate) segment: SealedSegment,
    /// What `Reclaim::live_bytes` says; all of it, if nobody has asked yet.
    pub(crate) live_bytes: u64,
}

/// How much the journal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// All segments together.
    pub(crate) bytes_max: u64,
    /// One segment.
    pub(crate) segment_bytes_max: u64,
}

impl Limits {
    /// The limits of a journal whose live events take `held_bytes` of memory.
    pub(crate) fn new(held_bytes: u64, segment_bytes_max: u64) -> Self {
        let bytes_max = held_bytes.saturating_mul(2).saturating_add(segment_bytes_max.saturating_mul(4));
        Self { bytes_max, segment_bytes_max }
    }
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Remove the oldest segment, which has this number.
    Remove {
        /// The number.
        number: u64,
    },
    /// Make one of these segments, of what is live in them.
    Rewrite {
        /// The number of the first one,
        first: u64,
        /// and of the last.
        last: u64,
    },
}

/// What to do next, in this order. `sealed` are all sealed segments, oldest first; all segments together have `bytes`; the
/// oldest event that is live is `oldest_live`, if any is.
pub(crate) fn plan(sealed: &[Candidate], bytes: u64, oldest_live: Option<EventId>, limits: &Limits) -> Vec<Step> {
    let is_dead = |candidate: &Candidate| oldest_live.is_none_or(|oldest| candidate.segment.upto < oldest);
    let (dead, rest) = sealed.split_at(sealed.iter().take_while(|candidate| is_dead(candidate)).count());
    let mut steps: Vec<Step> = dead.iter().map(|dead| Step::Remove { number: dead.segment.number }).collect();
    let mut bytes = bytes.saturating_sub(dead.iter().map(|dead| dead.segment.bytes).sum());
    let runs = runs(rest, limits.segment_bytes_max);
    let segments_max = SEGMENTS_SPARE.saturating_add(SEGMENTS_PER_FULL * (bytes / limits.segment_bytes_max.max(1)));
    if bytes > limits.bytes_max {
        for run in runs {
            let run_bytes: u64 = run.iter().map(|candidate| candidate.segment.bytes).sum();
            let freed = run_bytes.saturating_sub(live_bytes(run));
            if bytes > limits.bytes_max && freed > 0 && freed >= run_bytes / FREED_SHARE {
                steps.extend(rewrite(run));
                bytes = bytes.saturating_sub(freed);
            }
        }
    } else if rest.len() as u64 > segments_max {
        steps.extend(runs.into_iter().filter(|run| run.len() > 1).filter_map(rewrite));
    }
    steps
}

/// Adjacent segments whose live events fit in one, as many as do.
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
        let bytes = sizes.iter().map(|(bytes, _)| bytes).sum();
        plan(&segments(sizes), bytes, oldest_live, &LIMITS)
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
