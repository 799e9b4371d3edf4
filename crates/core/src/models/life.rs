//! A life, whoever ends it, and the task that waits for its end.

use std::{future::poll_fn, sync::Arc};

use loom::thread;

use super::block_on;
use crate::{
    queue::life::Life,
    sync::{AtomicU64, Ordering},
};

/// Catches: a look before the registration in `poll_end`, an `end` that wakes before it is stored, and one that is not released
/// or not acquired.
#[test]
fn who_waits_for_an_end_is_woken_and_sees_what_came_before() {
    loom::model(|| {
        let (life, before) = (Life::default(), Arc::new(AtomicU64::new(0)));
        let (ended, noted) = (life.clone(), Arc::clone(&before));
        let ends = thread::spawn(move || {
            noted.store(1, Ordering::Relaxed);
            ended.end();
        });
        if !life.has_ended() {
            block_on(poll_fn(|cx| life.poll_end(cx)));
        }
        assert!(life.has_ended());
        assert_eq!(before.load(Ordering::Relaxed), 1);
        ends.join().unwrap();
    });
}
