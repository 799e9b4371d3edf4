//! [`Deadline`]: the time in which an answer has to be taken. One that is not keeps its room from others, so its request ends: over
//! HTTP/2 its stream, over HTTP/1 its connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{spawn, task::AbortHandle, time::sleep};

use crate::{handoff::Life, upload::BYTES_PER_SECOND_MIN};

/// Of one answer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// Relaxed everywhere: nothing else is read because of it.
    given: Arc<AtomicU64>,
    life: Life,
    task: AbortHandle,
}

impl Deadline {
    /// `grace`, and a second for each 16 KiB that are given out, from now on. Then `life` is late.
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
            ended.set_late();
        });
        Self { given, life, task: task.abort_handle() }
    }

    /// So many bytes more were given out.
    pub(crate) fn add(&self, bytes: usize) {
        self.given.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether the time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.life.is_late()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.task.abort();
    }
}
