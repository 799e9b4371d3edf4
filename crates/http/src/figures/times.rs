//! [`Times`]: how long publishes wait, and how long they take to the sockets. [`Histogram`]: many such times.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Buckets of one histogram. With those of a factor of 2^(1/4), from a microsecond to 64 s.
const BUCKETS: usize = 105;
/// The number of the first bucket: 2^(-80/4) s is just under a microsecond.
const FIRST: i32 = -80;
/// Buckets in which the time doubles.
const PER_DOUBLING: f64 = 4.0;

/// Many times, in buckets that grow by a factor of 2^(1/4): the schema 2 of Prometheus' native histograms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// `(i, n)` says that `n` times were above 2^((i-1)/4) and up to 2^(i/4) seconds, by `i`. Empty buckets are left out. The first
    /// bucket has all shorter times as well, and the last all longer ones.
    pub buckets: Vec<(i32, u64)>,
    /// The sum of all times in seconds.
    pub sum: f64,
}

/// Times as they are measured. Relaxed everywhere: figures for people.
#[derive(Debug)]
pub(crate) struct Timer {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl Default for Timer {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_us: AtomicU64::new(0) }
    }
}

impl Timer {
    /// Notes a time that `count` of something took.
    pub(crate) fn note(&self, us: u64, count: u64) {
        self.buckets[bucket(us)].fetch_add(count, Ordering::Relaxed);
        self.sum_us.fetch_add(us.saturating_mul(count), Ordering::Relaxed);
    }

    /// Adds the times to `histogram`.
    fn add_to(&self, histogram: &mut [u64; BUCKETS], sum_us: &mut u64) {
        for (all, one) in histogram.iter_mut().zip(&self.buckets) {
            *all += one.load(Ordering::Relaxed);
        }
        *sum_us += self.sum_us.load(Ordering::Relaxed);
    }
}

/// The place of the bucket for a time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to the buckets before")]
fn bucket(us: u64) -> usize {
    let seconds = Duration::from_micros(us.max(1)).as_secs_f64();
    let index = (PER_DOUBLING * seconds.log2()).ceil() - f64::from(FIRST);
    index.clamp(0.0, (BUCKETS - 1) as f64) as usize
}

/// The histogram of several timers together.
fn histogram<'a>(timers: impl Iterator<Item = &'a Timer>) -> Histogram {
    let (mut all, mut sum_us) = ([0; BUCKETS], 0);
    timers.for_each(|timer| timer.add_to(&mut all, &mut sum_us));
    let numbered = (FIRST..).zip(all);
    let buckets = numbered.filter(|(_, count)| *count > 0).collect();
    Histogram { buckets, sum: Duration::from_micros(sum_us).as_secs_f64() }
}

/// The times that one shard measures.
#[derive(Debug, Default)]
pub(crate) struct ShardTimes {
    /// From the beginning of a publish until a socket has taken its event, for each delivery.
    pub(crate) to_socket: Timer,
    /// From the beginning of a publish until all connections have its event, or have it in their rings or in the history.
    pub(crate) fan_out: Timer,
}

/// The times of a server.
#[derive(Debug)]
pub(crate) struct Times {
    /// How long publishes waited for their place in the order: for its lock, and for room.
    pub(crate) order: Timer,
    shards: Box<[ShardTimes]>,
}

impl Times {
    pub(crate) fn new(shards: usize) -> Self {
        Self { order: Timer::default(), shards: (0..shards.max(1)).map(|_| ShardTimes::default()).collect() }
    }

    /// The times that shard `shard` measures.
    pub(crate) fn of(&self, shard: usize) -> &ShardTimes {
        &self.shards[shard]
    }

    /// The waits for the order.
    pub(crate) fn waits(&self) -> Histogram {
        histogram([&self.order].into_iter())
    }

    /// The times to the sockets.
    pub(crate) fn to_socket(&self) -> Histogram {
        histogram(self.shards.iter().map(|shard| &shard.to_socket))
    }

    /// The times to the end of the fan-out.
    pub(crate) fn fan_out(&self) -> Histogram {
        histogram(self.shards.iter().map(|shard| &shard.fan_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_that_holds_it() {
        for us in [1, 2, 3, 10, 999, 1_000, 1_001, 250_000, 1_000_000, 1_000_001, 63_999_999] {
            let place = i32::try_from(bucket(us)).unwrap() + FIRST;
            let bound = |at: i32| 2_f64.powf(f64::from(at) / PER_DOUBLING);
            let seconds = us as f64 / 1e6;
            assert!(seconds <= bound(place) * 1.000_001 && seconds > bound(place - 1) * 0.999_999, "{us} in {place}");
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (bucket(1), BUCKETS - 1));
    }

    #[test]
    fn shards_add_up() {
        let times = Times::new(2);
        times.of(0).to_socket.note(1_000, 3);
        times.of(1).to_socket.note(1_000, 1);
        times.of(1).to_socket.note(1_000_000, 2);
        let Histogram { buckets, sum } = times.to_socket();
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 6);
        assert_eq!(buckets.last(), Some(&(0, 2)), "a second is the end of bucket 0");
        assert!((sum - 2.004).abs() < 1e-9, "{sum}");
        assert_eq!(times.fan_out(), Histogram::default());
    }
}
