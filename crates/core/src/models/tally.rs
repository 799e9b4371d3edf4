//! Shards that count down, and those who wait for the last of them.

use std::sync::Arc;

use loom::thread;

use super::{block_on, bounded};
use crate::{
    account::Account,
    receipt::{Outcome, Report, Tally},
};

const OUTCOME: Outcome = Outcome { written: 1, queued: 2, dropped: 3 };

/// Catches: a look before the registration in `over`, only one waker woken or kept.
#[test]
fn two_who_wait_are_both_woken() {
    bounded(3, || {
        let tally = Arc::new(Tally::new(1));
        let for_shard = Arc::clone(&tally);
        let shard = thread::spawn(move || for_shard.add(OUTCOME));
        let for_other = Arc::clone(&tally);
        let other = thread::spawn(move || block_on(for_other.outcome()));
        assert_eq!(block_on(tally.outcome()), OUTCOME);
        assert_eq!(other.join().unwrap(), OUTCOME);
        shard.join().unwrap();
    });
}

/// Catches: a countdown that is not AcqRel, or not acquired by who waits.
#[test]
fn who_waits_sees_what_every_shard_added() {
    bounded(3, || {
        let tally = Arc::new(Tally::new(2));
        let shards = [(); 2].map(|()| {
            let tally = Arc::clone(&tally);
            thread::spawn(move || tally.add(OUTCOME))
        });
        assert_eq!(block_on(tally.outcome()), Outcome { written: 2, queued: 4, dropped: 6 });
        shards.into_iter().for_each(|shard| shard.join().unwrap());
    });
}

/// Catches: a shard that counts down before it adds.
#[test]
fn a_report_has_the_accounts_of_every_shard() {
    loom::model(|| {
        let report = Arc::new(Report::new(2));
        let shards = [1, 2].map(|connection| {
            let report = Arc::clone(&report);
            thread::spawn(move || report.add(std::iter::once((connection, Account::default()))))
        });
        let accounts = block_on(report.accounts());
        assert_eq!(accounts.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [1, 2]);
        shards.into_iter().for_each(|shard| shard.join().unwrap());
    });
}
