//! [`Paces`]: the speed of the bodies that are being received and hold room. When no room is left, a body that has fallen behind
//! has to go: the one that holds most.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use crate::limits::room::Share;

/// Least rate of a body, or of a line of a batch, in the long run. A few slow ones could hold all the room there is otherwise.
pub(crate) const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

/// Time by which a body may be ahead of the least rate: it may pause for so long. Bytes that came fast earlier do not count
/// beyond that, or a body could keep its room for a minute with one byte that is missing.
const AHEAD_MS_MAX: u64 = 2_000;
/// Bodies that end to make room for a piece of another, and the time in which each may end.
const ENDED_MAX: usize = 16;
const ENDING_TIME: Duration = Duration::from_millis(50);

/// The bodies of a server.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    bodies: Mutex<HashMap<u64, Arc<Shared>>>,
    next: AtomicU64,
    ended: Notify,
}

/// Relaxed everywhere: figures to choose by.
#[derive(Debug)]
struct Shared {
    /// The moment at which the body will have fallen behind, by the server's clock.
    due_ms: AtomicU64,
    held_bytes: AtomicUsize,
    end: Notify,
}

impl Paces {
    /// A body holds `held_bytes`, and waits for more.
    pub(crate) fn enter(self: &Arc<Self>, held_bytes: usize, now_ms: u64) -> Pace {
        let shared = Arc::new(Shared {
            due_ms: AtomicU64::new(now_ms + AHEAD_MS_MAX),
            held_bytes: AtomicUsize::new(held_bytes),
            end: Notify::new(),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.bodies.lock().insert(number, Arc::clone(&shared));
        Pace { paces: Arc::clone(self), number, shared, left_ns: 0 }
    }

    /// Ends bodies that have fallen behind until `share` fits. False if there are none, or too few.
    pub(crate) async fn make_room(&self, share: &Share, now_ms: u64) -> bool {
        for _ in 0..ENDED_MAX {
            if share.fits() {
                return true;
            }
            // Told of what ends from here on.
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            if share.is_too_much_for_connection() || !self.end_one(now_ms) {
                return share.fits();
            }
            let _ = timeout(ENDING_TIME, ended).await;
        }
        share.fits()
    }

    /// Ends the body that holds most of those that have fallen behind.
    fn end_one(&self, now_ms: u64) -> bool {
        let mut bodies = self.bodies.lock();
        let late = bodies.iter().filter(|(_, body)| body.due_ms.load(Ordering::Relaxed) < now_ms);
        let largest = late.max_by_key(|(_, body)| body.held_bytes.load(Ordering::Relaxed)).map(|(number, _)| *number);
        let Some(body) = largest.and_then(|number| bodies.remove(&number)) else { return false };
        body.end.notify_one();
        true
    }
}

/// One body that is being received.
#[derive(Debug)]
pub(crate) struct Pace {
    paces: Arc<Paces>,
    number: u64,
    shared: Arc<Shared>,
    /// The rest of the time that its bytes were worth, too little for a millisecond.
    left_ns: u64,
}

impl Pace {
    /// `bytes` have come, and the body holds `held_bytes`.
    pub(crate) fn add(&mut self, bytes: usize, held_bytes: usize, now_ms: u64) {
        self.left_ns += bytes as u64 * 1_000_000_000 / BYTES_PER_SECOND_MIN;
        let due_ms = self.shared.due_ms.load(Ordering::Relaxed) + self.left_ns / 1_000_000;
        self.left_ns %= 1_000_000;
        self.shared.due_ms.store(due_ms.min(now_ms + AHEAD_MS_MAX), Ordering::Relaxed);
        self.shared.held_bytes.store(held_bytes, Ordering::Relaxed);
    }

    /// Waits until the body has to make room.
    pub(crate) async fn ended(&self) {
        self.shared.end.notified().await;
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.paces.bodies.lock().remove(&self.number);
        self.paces.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_to_end(pace: &Pace) -> bool {
        let mut ended = Box::pin(pace.ended());
        ended.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn one_that_comes_at_the_least_rate_stays_and_one_that_is_slower_goes() {
        let paces = Arc::<Paces>::default();
        let (mut good, mut slow) = (paces.enter(0, 0), paces.enter(0, 0));
        for second in 1..=100 {
            good.add(16 << 10, 1 << 20, second * 1_000);
            slow.add((16 << 10) - 200, 1 << 10, second * 1_000);
        }
        // It has lost 12 ms of its two seconds each second.
        assert!(!paces.end_one(100_779));
        assert!(paces.end_one(100_780) && has_to_end(&slow) && !has_to_end(&good));
        assert!(
            !paces.end_one(102_000) && paces.end_one(102_001) && has_to_end(&good),
            "a pause is one of two seconds"
        );
    }

    #[test]
    fn what_came_fast_earlier_gives_no_time_and_a_byte_now_and_then_neither() {
        let paces = Arc::<Paces>::default();
        let (mut fast, mut drip) = (paces.enter(0, 0), paces.enter(0, 0));
        fast.add(1 << 20, 1 << 20, 1);
        for half in 1..=6 {
            drip.add(1, 1 << 10, half * 500);
        }
        assert!(!paces.end_one(2_000));
        assert!(paces.end_one(2_002) && has_to_end(&fast) | has_to_end(&drip));
        assert!(paces.end_one(2_002));
        drop((fast, drip));
        assert!(paces.bodies.lock().is_empty());
    }

    #[test]
    fn of_those_that_are_late_the_one_that_holds_most_goes() {
        let paces = Arc::<Paces>::default();
        let (small, large) = (paces.enter(1, 0), paces.enter(2, 0));
        assert!(paces.end_one(2_001) && has_to_end(&large) && !has_to_end(&small));
        drop(large);
    }
}
