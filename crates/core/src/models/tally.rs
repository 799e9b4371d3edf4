//! Shards that count down, and those who wait for the last of them.

use std::sync::Arc;

use loom::thread;

use super::{block_on, bounded};
use crate::{
    event::{account::Account, receipt::Outcome},
    queue::tally::{Inquiry, Part, Report, Tally},
};

const OUTCOME: Outcome = Outcome { written: 1, queued: 2, dropped: 3 };

/// Catches: a look before the registration in `over`, only one waker woken or kept.
#[test]
fn two_who_wait_are_both_woken() {
    bounded(3, || {
        let tally = Arc::new(Tally::new(1));
        let part = Part::of(&tally);
        let shard = thread::spawn(move || part.add(OUTCOME));
        let for_other = Arc::clone(&tally);
        let other = thread::spawn(move || block_on(for_other.outcome()));
        assert_eq!(block_on(tally.outcome()), Some(OUTCOME));
        assert_eq!(other.join().unwrap(), Some(OUTCOME));
        shard.join().unwrap();
    });
}

/// Catches: a countdown that is not AcqRel, or not acquired by who waits.
#[test]
fn who_waits_sees_what_every_shard_added() {
    bounded(3, || {
        let tally = Arc::new(Tally::new(2));
        let shards = [(); 2].map(|()| {
            let part = Part::of(&tally);
            thread::spawn(move || part.add(OUTCOME))
        });
        assert_eq!(block_on(tally.outcome()), Some(Outcome { written: 2, queued: 4, dropped: 6 }));
        shards.into_iter().for_each(|shard| shard.join().unwrap());
    });
}

/// Catches: a part that is dropped without a word and not counted, or counted before it is said that something is missing.
#[test]
fn who_waits_knows_that_a_shard_has_ended() {
    bounded(3, || {
        let tally = Arc::new(Tally::new(2));
        let (done, ended) = (Part::of(&tally), Part::of(&tally));
        let shards = [thread::spawn(move || done.add(OUTCOME)), thread::spawn(move || drop(ended))];
        assert_eq!(block_on(tally.outcome()), None);
        shards.into_iter().for_each(|shard| shard.join().unwrap());
    });
}

/// Catches: a shard that counts down before it adds.
#[test]
fn a_report_has_the_accounts_of_every_shard() {
    loom::model(|| {
        let report = Arc::new(Report::new(2));
        let shards = [1, 2].map(|connection| {
            let question = Inquiry::of(&report);
            thread::spawn(move || question.answer(std::iter::once((connection, Account::default()))))
        });
        let accounts = block_on(report.answers());
        let mut connections: Vec<_> = accounts.iter().map(|(connection, _)| *connection).collect();
        connections.sort_unstable();
        assert_eq!(connections, [1, 2]);
        shards.into_iter().for_each(|shard| shard.join().unwrap());
    });
}
