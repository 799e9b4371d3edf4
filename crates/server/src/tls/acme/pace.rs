//! When the authority is asked next: at two thirds of a certificate's time, and after failures in growing steps. Let's
//! Encrypt takes five failed checks of a name an hour, and five equal certificates a week.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);
/// Waits after the first failure, the second, and so on. The last holds for all further ones.
const STEPS: [Duration; 5] =
    [MINUTE, Duration::from_secs(5 * 60), Duration::from_secs(30 * 60), Duration::from_secs(2 * 3_600), LONGEST];
const LONGEST: Duration = Duration::from_secs(6 * 3_600);
/// Longest wait that a restart keeps to: four failures an hour, so that whoever has mended the cause is not kept waiting.
/// Only the authority's own word holds for longer.
const RESTART_MAX: Duration = Duration::from_secs(15 * 60);
/// Longest wait that an authority may ask for. Let's Encrypt counts over a week at most.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);
/// A wait is this part of itself shorter or longer, so that servers do not ask in step.
const SPREAD: f64 = 0.2;

/// Attempts since the last success. Each counts from its begin, so that one which a crash ends counts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// The moment at which the last one began or failed, in seconds since 1970.
    pub(super) last_unix_s: u64,
    /// The moment of the next one, in seconds since 1970.
    pub(super) next_unix_s: u64,
    /// The wait is the authority's own word.
    pub(super) is_asked: bool,
    /// The last one failed for a reason that is no matter of its name, so the wait is for all names.
    #[serde(default)]
    pub(super) is_of_all: bool,
}

impl Failures {
    /// Counts one more attempt, which begins at `now`.
    pub(super) fn begin(&mut self, now: SystemTime) {
        self.count = self.count.saturating_add(1);
        self.fail(now, false, None);
    }

    /// Puts the next attempt off, because the last one failed at `now`. An authority that was asked too often
    /// (`is_limited`) has the longest wait, or the one that it asks for. Returns the wait.
    pub(super) fn fail(&mut self, now: SystemTime, is_limited: bool, retry_after: Option<Duration>) -> Duration {
        let own = spread(self.wait(is_limited && retry_after.is_none()));
        let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        let wait = Duration::from_secs(own.max(asked).as_secs());
        self.last_unix_s = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.next_unix_s = self.last_unix_s.saturating_add(wait.as_secs());
        self.is_asked = is_limited || retry_after.is_some();
        self.is_of_all = false;
        wait
    }

    /// The wait after the last failure, before its spread.
    fn wait(&self, is_limited: bool) -> Duration {
        let step = usize::try_from(self.count).unwrap_or(usize::MAX).clamp(1, STEPS.len()) - 1;
        if is_limited { LONGEST } else { STEPS[step] }
    }

    /// The time of the first attempt after a start at `now`, if that must not be at once.
    pub(super) fn after_restart(&self, now: SystemTime) -> Option<SystemTime> {
        if self.count == 0 {
            return None;
        }
        let longest = if self.is_asked { RETRY_AFTER_MAX } else { RESTART_MAX };
        let wait = Duration::from_secs(self.next_unix_s.saturating_sub(self.last_unix_s)).min(longest);
        let next = UNIX_EPOCH.checked_add(Duration::from_secs(self.last_unix_s))?.checked_add(wait)?;
        // A clock that went back must not make the wait longer.
        (next > now).then(|| next.min(now + wait))
    }
}

/// `wait` with its spread.
pub(super) fn spread(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(1.0 - SPREAD..=1.0 + SPREAD))
}

/// The time to renew a certificate of this time span that was issued at `since` by our clock: two thirds of it, and at
/// least half of it after the issue. Otherwise a clock that is ahead would renew at once, and again. A file that was copied seems to be
/// issued late, so nine tenths are the latest. Behind them a thirtieth after the issue is soon enough. An issue behind `now` says
/// nothing, because the clock went back since.
pub(super) fn renewal(not_before: SystemTime, not_after: SystemTime, since: SystemTime, now: SystemTime) -> SystemTime {
    let span = not_after.duration_since(not_before).unwrap_or_default();
    let since = if since > now { not_before } else { since };
    let due = (not_before + span.mul_f64(2.0 / 3.0)).max(since + span / 2);
    due.min((not_before + span.mul_f64(0.9)).max(since + span / 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn failures(count: u32, last_unix_s: u64, wait_s: u64, is_asked: bool) -> Failures {
        Failures { count, last_unix_s, next_unix_s: last_unix_s + wait_s, is_asked, is_of_all: false }
    }

    #[test]
    fn no_hour_has_more_than_five_failures_however_short_the_waits_turn_out() {
        let mut failures = Failures::default();
        let (mut now, mut times) = (0.0, vec![]);
        for _ in 0..20 {
            times.push(now);
            failures.begin(at(1));
            now += failures.wait(false).as_secs_f64() * (1.0 - SPREAD);
        }
        for begin in &times {
            let within = times.iter().filter(|time| (*begin..begin + 3_600.0).contains(*time)).count();
            assert!(within <= 5, "{within} from {begin}");
        }
        assert_eq!(failures.wait(false), LONGEST);
        assert_eq!(self::failures(1, 0, 0, false).wait(true), LONGEST);
    }

    #[test]
    fn an_attempt_counts_once_from_its_begin_and_its_failure_puts_off_the_next() {
        let mut failures = Failures::default();
        failures.begin(at(1_000));
        assert_eq!((failures.count, failures.last_unix_s), (1, 1_000));
        assert!((1_048..=1_072).contains(&failures.next_unix_s), "{failures:?}");
        let wait = failures.fail(at(1_200), false, None).as_secs();
        assert_eq!((failures.count, failures.next_unix_s), (1, 1_200 + wait));
        assert!((48..=72).contains(&wait), "{wait}");
    }

    #[test]
    fn a_restart_waits_for_a_quarter_of_an_hour_at_most() {
        let many = failures(9, 1_000, 20_000, false);
        assert_eq!(many.after_restart(at(1_001)), Some(at(1_900)));
        assert_eq!(many.after_restart(at(1_900)), None);
        assert_eq!(many.after_restart(at(10)), Some(at(910)), "the clock went back");
        assert_eq!(failures(1, 1_000, 55, false).after_restart(at(1_001)), Some(at(1_055)));
        assert_eq!(Failures::default().after_restart(at(0)), None);
    }

    #[test]
    fn a_restart_keeps_to_the_word_of_the_authority() {
        let mut failures = Failures::default();
        failures.begin(at(1_000));
        let wait = failures.fail(at(1_000), true, None).as_secs();
        assert!(wait >= 4 * 3_600, "{wait}");
        assert_eq!(failures.after_restart(at(1_001)), Some(at(1_000 + wait)));
        assert_eq!(failures.after_restart(at(1_000 + wait)), None);
        let damaged = self::failures(1, 1_000, u64::MAX / 2, true);
        assert_eq!(damaged.after_restart(at(1_000)), Some(at(1_000) + RETRY_AFTER_MAX));

        let asked =
            |seconds| Failures { count: 1, ..failures }.fail(at(1_000), true, Some(Duration::from_secs(seconds)));
        let week = RETRY_AFTER_MAX.as_secs();
        assert_eq!([3_600, week, week + 1].map(|seconds| asked(seconds).as_secs()), [3_600, week, week]);
        assert!((48..=72).contains(&asked(1).as_secs()), "the pace holds as well");
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_time() {
        let issued = |since| renewal(at(0), at(90), at(since), at(1_000));
        assert_eq!(issued(0), at(60));
        assert_eq!(issued(1_000), at(1_003), "our clock is ahead, and a renewal now and then is enough");
        assert_eq!(issued(50), at(81), "a file that was copied");
        assert_eq!(issued(1_001), at(60), "a file of the future: the clock went back");
    }

    #[test]
    fn a_spread_stays_within_a_fifth() {
        for _ in 0..1_000 {
            let wait = spread(Duration::from_secs(100));
            assert!((Duration::from_secs(80)..=Duration::from_secs(120)).contains(&wait), "{wait:?}");
        }
    }
}
