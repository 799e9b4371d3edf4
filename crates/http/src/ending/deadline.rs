//! [`Deadline`]: the time in which an answer has to be taken. An answer that is not taken keeps its room from others, so its
//! request ends: over HTTP/2 its stream, over HTTP/1 its connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fanfare_core::engine::Life;
use tokio::{spawn, task::AbortHandle, time::sleep};

use crate::limits::pace::BYTES_PER_SECOND_MIN;

/// The deadline of one answer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// Relaxed everywhere: nothing else is read because of it.
    given: Arc<AtomicU64>,
    life: Life,
    task: AbortHandle,
}

impl Deadline {
    /// Ends `life` after `grace` from now, and a second more for each 16 KiB that are given out.
    pub(crate) fn new(grace: Duration, life: Life) -> Self {
        let (given, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let (counted, ended) = (Arc::clone(&given), life.clone());
        let task = spawn(async move {
            loop {
                let seconds = counted.load(Ordering::Relaxed) / BYTES_PER_SECOND_MIN;
                let left = grace.saturating_add(Duration::from_secs(seconds)).saturating_sub(began.elapsed());
                if left.is_zero() {
                    break;
                }
                sleep(left).await;
            }
            ended.end();
        });
        Self { given, life, task: task.abort_handle() }
    }

    /// `bytes` more were given out.
    pub(crate) fn add(&self, bytes: usize) {
        self.given.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether the time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.life.has_ended()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.task.abort();
    }
}
