//! A milestone, whoever reaches it, and the task that waits for it.

use std::sync::Arc;

use loom::thread;

use super::block_on;
use crate::{
    queue::milestone::Milestone,
    sync::{AtomicU64, Ordering},
};

/// Catches: a look before the registration in `Reached::poll`, a `reach` that looks for tasks before it stores the number, and one
/// that is not released or not acquired.
#[test]
fn who_waits_for_a_number_is_woken_and_sees_what_came_before() {
    loom::model(|| {
        let (milestone, before) = (Milestone::default(), Arc::new(AtomicU64::new(0)));
        let (reached, noted) = (milestone.clone(), Arc::clone(&before));
        let reaches = thread::spawn(move || {
            noted.store(1, Ordering::Relaxed);
            reached.reach(2);
        });
        block_on(milestone.wait(1));
        assert!(milestone.has_reached(2));
        assert_eq!(before.load(Ordering::Relaxed), 1);
        reaches.join().unwrap();
    });
}
