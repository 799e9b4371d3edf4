//! [`Pace`]: the turns of the tasks of one kind of attack, so many a second at most.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Turns at a rate. One that nobody took is not made up for.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    every: Duration,
    next: Rc<Cell<Instant>>,
}

impl Pace {
    pub(super) fn new(per_s: f64) -> Self {
        Self { every: Duration::from_secs_f64(1.0 / per_s), next: Rc::new(Cell::new(Instant::now())) }
    }

    pub(super) async fn turn(&self) {
        let at = self.next.get().max(Instant::now());
        self.next.set(at + self.every);
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_as_far_apart_as_the_rate_says() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (pace, start) = (Pace::new(200.0), Instant::now());
            for _ in 0..5 {
                pace.turn().await;
            }
            assert!(start.elapsed() >= Duration::from_millis(20), "{:?}", start.elapsed());
        });
    }
}
