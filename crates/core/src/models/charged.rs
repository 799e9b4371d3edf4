//! One message in rings of two threads: it is counted once, and not any more when nobody holds it.

use std::sync::Arc;

use loom::thread;

use super::message;
use crate::{
    event::{budget::RingBudget, charged::Charged},
    queue::ring::Ring,
};

/// Catches: a holder too few or too many, a sum taken off before it was added (`RingBudget::sub` looks).
#[test]
fn a_message_with_two_holders_is_counted_once_and_then_not_at_all() {
    loom::model(|| {
        let budget = Arc::new(RingBudget::new(usize::MAX));
        let message = message(1, &budget);
        let of_other = message.clone();
        let other = thread::spawn(move || drop(Charged::new(of_other)));
        let held = Charged::new(message.clone());
        assert!(budget.held_bytes() <= 2 * message.bytes());
        drop(held);
        other.join().unwrap();
        assert_eq!(budget.held_bytes(), 0);
    });
}

/// Catches: bytes taken off a ring before they were added to it.
#[test]
fn a_ring_counts_no_less_than_it_holds() {
    loom::model(|| {
        let budget = Arc::new(RingBudget::new(usize::MAX));
        let ring = Arc::new(Ring::new(1, usize::MAX));
        let from_body = Arc::clone(&ring);
        let message = message(1, &budget);
        let bytes = message.bytes();
        let body = thread::spawn(move || {
            let was_taken = from_body.pop().is_some();
            assert!([0, bytes].contains(&from_body.bytes()));
            was_taken
        });
        ring.push(message).expect("there is room");
        assert!([0, bytes].contains(&ring.bytes()));
        let was_taken = body.join().unwrap();
        let left = if was_taken { 0 } else { bytes };
        assert_eq!((ring.bytes(), budget.held_bytes()), (left, left));
    });
}
