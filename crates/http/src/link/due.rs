//! [`Due`]: the HTTP/2 connections of a thread whose streams have been written to in the pass of the shard that goes on. All frames of
//! a connection leave together behind the pass, in one write.

use std::{
    mem,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Time for which frames wait for the end of a long pass.
const PASS_TIME_MAX: Duration = Duration::from_millis(1);

/// Connections that have frames to send. The lock is never contended: one thread has them all.
#[derive(Debug)]
pub(crate) struct Due<C>(Mutex<Waiting<C>>);

#[derive(Debug)]
struct Waiting<C> {
    /// Weak: one that becomes due when the shard is gone must not hold itself for ever.
    carriers: Vec<Weak<C>>,
    /// The moment of the first look at them since one became due.
    since: Option<Instant>,
}

/// A connection that has frames to send.
pub(crate) trait Flush {
    /// Sends them.
    fn flush(&self);
}

impl<C> Default for Due<C> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { carriers: Vec::new(), since: None }))
    }
}

impl<C: Flush> Due<C> {
    /// `carrier` has frames to send.
    pub(crate) fn push(&self, carrier: &Arc<C>) {
        self.0.lock().carriers.push(Arc::downgrade(carrier));
    }

    /// Sends the frames of all connections that are due. While the shard `is_passing`, they wait for more, but not for long.
    pub(crate) fn flush(&self, is_passing: bool) {
        let mut carriers = {
            let mut waiting = self.0.lock();
            if waiting.carriers.is_empty() {
                return;
            }
            let since = *waiting.since.get_or_insert_with(Instant::now);
            if is_passing && since.elapsed() < PASS_TIME_MAX {
                return;
            }
            waiting.since = None;
            mem::take(&mut waiting.carriers)
        };
        for carrier in carriers.drain(..) {
            if let Some(carrier) = carrier.upgrade() {
                carrier.flush();
            }
        }
        // For its memory. Sending makes nothing due.
        self.0.lock().carriers = carriers;
    }
}
