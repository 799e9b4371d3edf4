//! Buckets of histograms: those of the engine, which grow by 2^(1/4) (schema 2 of native histograms), and the few that classic
//! histograms show.

/// The engine's schema: each power of 2 is divided into 2^2 buckets.
pub(crate) const SCHEMA: i32 = 2;
/// Buckets for each power of 2.
const PARTS: i32 = 1 << SCHEMA;

/// Exponents of the bounds of classic histograms, 15 µs to 8 s. Each bound is a power of 2, and so a bound of the engine too: what
/// is counted below it is exact.
pub(crate) const CLASSIC_EXPONENTS: [i32; 16] = [-16, -14, -12, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 3];

/// The upper bound of bucket `i`, in seconds.
pub(crate) fn upper(i: i32) -> f64 {
    (f64::from(i) / f64::from(PARTS)).exp2()
}

/// The number of all observations.
pub(crate) fn count(buckets: &[(i32, u64)]) -> u64 {
    buckets.iter().map(|(_, count)| count).sum()
}

/// The upper bound of the bucket that the observation at this part of all, from 0 to 1, lies in. None without observations.
pub(crate) fn quantile(buckets: &[(i32, u64)], part: f64) -> Option<f64> {
    // A count with more than 53 bits would take centuries.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rank = ((count(buckets) as f64 * part).ceil() as u64).max(1);
    let mut below = 0;
    let found = buckets.iter().find(|(_, count)| {
        below += count;
        below >= rank
    });
    found.map(|(i, _)| upper(*i))
}

/// Bounds and counts of a classic histogram, not cumulative, with the infinite bucket as the last one.
pub(crate) fn classic(buckets: &[(i32, u64)]) -> Vec<(f64, u64)> {
    let mut rest = buckets.iter().peekable();
    let mut below = |i_max: i32| {
        let mut sum = 0;
        while let Some((_, count)) = rest.next_if(|(i, _)| *i <= i_max) {
            sum += count;
        }
        sum
    };
    let mut classic: Vec<_> =
        CLASSIC_EXPONENTS.iter().map(|exponent| (f64::from(*exponent).exp2(), below(exponent * PARTS))).collect();
    classic.push((f64::INFINITY, below(i32::MAX)));
    classic
}

/// Spans and deltas of a native histogram: runs of buckets without a gap, and the change from bucket to bucket.
pub(crate) fn native(buckets: &[(i32, u64)]) -> (Vec<(i32, u32)>, Vec<i64>) {
    let (mut spans, mut deltas): (Vec<(i32, u32)>, Vec<i64>) = (Vec::new(), Vec::new());
    // The bucket behind the last one, and what the last one has.
    let (mut next, mut last) = (0, 0);
    for (i, count) in buckets {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        match spans.last_mut() {
            Some((_, length)) if *i == next => *length += 1,
            _ => spans.push((i - next, 1)),
        }
        deltas.push(count - last);
        (next, last) = (i + 1, count);
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKETS: [(i32, u64); 4] = [(-64, 2), (-63, 3), (-8, 4), (13, 1)];

    #[test]
    fn classic_bounds_are_bounds_of_the_engine() {
        for exponent in CLASSIC_EXPONENTS {
            assert_eq!(upper(exponent * PARTS).to_bits(), f64::from(exponent).exp2().to_bits());
        }
    }

    #[test]
    fn every_observation_is_in_one_classic_bucket() {
        let classic = classic(&BUCKETS);
        let at = |bound: f64| classic.iter().find(|(upper, _)| upper.to_bits() == bound.to_bits()).unwrap().1;
        // Bucket -64 ends at 2^-16, -63 lies above it, -8 ends at 2^-2, and 13 lies above 8 s.
        assert_eq!((at(0.5_f64.powi(16)), at(0.5_f64.powi(14)), at(0.25), at(8.0), at(f64::INFINITY)), (2, 3, 4, 0, 1));
        assert_eq!(classic.iter().map(|(_, count)| count).sum::<u64>(), count(&BUCKETS));
    }

    #[test]
    fn spans_and_deltas_give_the_buckets_back() {
        let (spans, deltas) = native(&BUCKETS);
        assert_eq!(spans, [(-64, 2), (54, 1), (20, 1)]);
        assert_eq!(deltas, [2, 1, 1, -3]);
        assert_eq!(native(&[]), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        assert_eq!(quantile(&BUCKETS, 0.5), Some(upper(-63)));
        assert_eq!(quantile(&BUCKETS, 0.9), Some(upper(-8)));
        assert_eq!((quantile(&BUCKETS, 0.999), quantile(&BUCKETS, 0.0)), (Some(upper(13)), Some(upper(-64))));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
