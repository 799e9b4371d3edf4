//! Rates: at the limit and one past it, how they come back with time, and what is worth more than the burst.

use std::{num::NonZeroU64, sync::Arc};

use fanfare_callers::{Account, Act, Limit, Limits, Rate, Table};

const ACTS: [Act; 4] = [Act::Request, Act::Handshake, Act::Publish, Act::PublishedByte];

fn count(count: u64) -> NonZeroU64 {
    NonZeroU64::new(count).unwrap()
}

/// A table in which each rate is `per_second`, with a burst.
fn table(per_second: u64, burst: u64) -> Arc<Table<u32>> {
    let rate = Some(Rate::per_second(count(per_second)).with_burst(count(burst)));
    let limits = Limits { requests: rate, handshakes: rate, publishes: rate, published_bytes: rate, ..Limits::NONE };
    Table::new(&limits, 100)
}

/// Number of acts that are let in now, one by one.
fn let_in(account: &Account<u32>, act: Act, now_ms: u64) -> usize {
    (0..10_000).take_while(|_| account.take(act, 1, now_ms).is_ok()).count()
}

#[test]
fn each_rate_lets_its_burst_in_and_not_one_more() {
    let table = table(10, 20);
    for (key, act) in ACTS.into_iter().enumerate() {
        let account = table.account(key as u32, 5_000);
        assert_eq!(let_in(&account, act, 5_000), 20, "{act:?}");
        let refused = account.take(act, 1, 5_000).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after_seconds), (Limit::Rate(act), 1));
        assert_eq!(refused.to_string(), refused.limit.sentence());
        assert_eq!(table.refusals().of(Limit::Rate(act)), 2);
        for other in ACTS.into_iter().filter(|other| *other != act) {
            assert_eq!(account.take(other, 0, 5_000), Ok(()), "{act:?} has nothing to do with {other:?}");
        }
    }
}

#[test]
fn what_is_not_limited_is_let_in_however_often() {
    let table = Table::new(&Limits::NONE, 100);
    let account = table.account(1_u32, 0);
    for act in ACTS {
        account.charge(act, u64::MAX, 0);
        assert_eq!(let_in(&account, act, 0), 10_000);
    }
}

#[test]
fn a_burst_is_two_seconds_unless_told_otherwise() {
    assert_eq!(Rate::per_second(count(10)).burst.get(), 20);
    assert_eq!(Rate::per_second(NonZeroU64::MAX).burst, NonZeroU64::MAX);
}

#[test]
fn a_rate_comes_back_with_time_up_to_the_burst() {
    let table = table(10, 20);
    let account = table.account(1, 0);
    let mut now_ms = 1_000;
    assert_eq!(let_in(&account, Act::Request, now_ms), 20);
    for (later_ms, expected) in
        [(99, 0), (1, 1), (100, 1), (150, 1), (150, 2), (1_000, 10), (1_999, 19), (3_600_000, 20)]
    {
        now_ms += later_ms;
        assert_eq!(let_in(&account, Act::Request, now_ms), expected, "after {later_ms} ms more");
    }
}

#[test]
fn whoever_comes_after_the_seconds_that_were_told_is_let_in() {
    let table = table(3, 5);
    let account = table.account(1, 0);
    let mut now_ms = 0;
    for bytes in [1, 5, 6, 100, 3, 7_919] {
        while account.take(Act::PublishedByte, bytes, now_ms).is_ok() {}
        let wait_s = u64::from(account.take(Act::PublishedByte, 1, now_ms).unwrap_err().retry_after_seconds);
        assert!(wait_s == 1 || account.take(Act::PublishedByte, 1, now_ms + (wait_s - 1) * 1_000).is_err());
        now_ms += wait_s * 1_000;
        assert_eq!(account.take(Act::PublishedByte, 1, now_ms), Ok(()), "{bytes} bytes, {wait_s} s");
    }
}

#[test]
fn a_body_larger_than_the_burst_is_let_in_and_the_next_one_waits_for_longer() {
    let table = table(1_000, 2_000);
    let account = table.account(1, 0);
    account.take(Act::PublishedByte, 10_000, 0).unwrap();
    assert_eq!(account.take(Act::PublishedByte, 1, 0).unwrap_err().retry_after_seconds, 9, "8,001 ms");
    assert!(account.take(Act::PublishedByte, 1, 8_000).is_err());
    // One byte of the burst is left.
    account.take(Act::PublishedByte, 50_000, 8_001).unwrap();
    assert_eq!(account.take(Act::PublishedByte, 1, 8_001).unwrap_err().retry_after_seconds, 50);
}

#[test]
fn a_charge_is_never_refused_and_has_to_be_made_good() {
    let table = table(1_000, 2_000);
    let account = table.account(1, 0);
    for _ in 0..3 {
        account.charge(Act::PublishedByte, 1_000, 0);
    }
    assert_eq!(table.refusals().of(Limit::Rate(Act::PublishedByte)), 0);
    assert!(account.take(Act::PublishedByte, 0, 1_000).is_err());
    assert_eq!(account.take(Act::PublishedByte, 0, 1_001), Ok(()));
}

#[test]
fn numbers_without_bounds_make_a_debt_and_no_overflow() {
    let table = table(1, 1);
    let account = table.account(1, 0);
    account.charge(Act::PublishedByte, u64::MAX, 0);
    account.charge(Act::PublishedByte, u64::MAX, u64::MAX - 1);
    assert_eq!(account.take(Act::PublishedByte, u64::MAX, u64::MAX).unwrap_err().retry_after_seconds, u32::MAX);
    let table = self::table(u64::MAX, u64::MAX);
    let account = table.account(1, 0);
    assert!((0..3).all(|_| account.take(Act::PublishedByte, u64::MAX, 0).is_ok()), "so much is no limit");
}

#[test]
fn a_clock_that_stands_still_gives_nothing_back() {
    let table = table(10, 20);
    let account = table.account(1, 7);
    assert_eq!(let_in(&account, Act::Request, 7), 20);
    assert!((0..1_000).all(|_| account.take(Act::Request, 1, 7).is_err()));
}

#[test]
fn threads_that_have_asked_the_clock_at_different_times_get_no_millisecond_twice() {
    let table = table(1_000, 1_000);
    let account = table.account(1, 5_000);
    assert_eq!(let_in(&account, Act::Request, 5_000), 1_000);
    for _ in 0..100 {
        assert!(account.take(Act::Request, 1, 4_000).is_err());
        assert!(account.take(Act::Request, 1, 5_000).is_err());
    }
    assert_eq!(let_in(&account, Act::Request, 5_001), 1);
    // A second apart they still are threads, and a millisecond more is a clock that was set back.
    assert!(account.take(Act::Request, 1, 4_001).is_err() && account.take(Act::Request, 1, 4_002).is_err());
    assert!(account.take(Act::Request, 1, 4_000).is_err());
    assert_eq!(let_in(&account, Act::Request, 4_001), 1);
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting_for_the_old_time() {
    let table = table(10, 20);
    let hour_ms = 3_600_000;
    let account = table.account(1, hour_ms);
    assert_eq!(let_in(&account, Act::Request, hour_ms), 20);
    assert_eq!(let_in(&account, Act::Request, 0), 0, "going back gives nothing");
    assert_eq!(let_in(&account, Act::Request, 500), 5);
    assert_eq!(let_in(&account, Act::Request, 2_500), 20);
}

#[test]
fn another_rate_counts_at_once_and_for_the_crowd_too() {
    // One place, so the second key is in the crowd.
    let rate = |per_second, burst| Limits {
        publishes: Some(Rate::per_second(count(per_second)).with_burst(count(burst))),
        ..Limits::NONE
    };
    let table = Table::new(&rate(10, 20), 1);
    let accounts = [table.account(1_u32, 0), table.account(2, 0)];
    for account in &accounts {
        assert_eq!(let_in(account, Act::Publish, 0), 20);
    }
    table.set_limits(&rate(10, 30));
    for account in &accounts {
        assert_eq!(let_in(account, Act::Publish, 0), 10, "what was taken stays taken");
    }
    table.set_limits(&rate(10, 5));
    for account in &accounts {
        assert_eq!(account.take(Act::Publish, 1, 0).unwrap_err().retry_after_seconds, 1);
        assert_eq!(let_in(account, Act::Publish, 100), 1);
        assert_eq!(let_in(account, Act::Publish, 600), 5, "nobody owes more than the new burst");
    }
    table.set_limits(&Limits::NONE);
    for account in &accounts {
        assert_eq!(let_in(account, Act::Publish, 2_600), 10_000);
    }
}
