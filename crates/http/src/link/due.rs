//! [`Due`]: the HTTP/2 connections of a thread whose streams have been written to in the pass of the shard that goes on. All frames of
//! a connection leave together behind the pass, in one write.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Time for which frames wait for the end of a long pass.
const PASS_TIME_MAX: Duration = Duration::from_millis(1);
/// Buffers that are kept for the next frames, and the most bytes of one.
const SPARES_MAX: usize = 64;
const SPARE_BYTES_MAX: usize = 32 << 10;

/// Connections that have frames to send. The lock is never contended: one thread has them all.
#[derive(Debug)]
pub(crate) struct Due<C>(Mutex<Waiting<C>>);

#[derive(Debug)]
struct Waiting<C> {
    carriers: Vec<Arc<C>>,
    /// The moment in which the first of them became due.
    since: Option<Instant>,
    spares: Vec<Vec<u8>>,
}

/// A connection that has frames to send.
pub(crate) trait Flush {
    /// Sends them.
    fn flush(&self);
}

impl<C> Default for Due<C> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { carriers: Vec::new(), since: None, spares: Vec::new() }))
    }
}

impl<C: Flush> Due<C> {
    /// `carrier` will have frames to send. Gives a buffer for them, which may have memory already.
    pub(crate) fn push(&self, carrier: Arc<C>) -> Vec<u8> {
        let mut waiting = self.0.lock();
        waiting.carriers.push(carrier);
        waiting.spares.pop().unwrap_or_default()
    }

    /// Takes back a buffer whose frames have left.
    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        let mut waiting = self.0.lock();
        if waiting.spares.len() < SPARES_MAX && (1..=SPARE_BYTES_MAX).contains(&buffer.capacity()) {
            waiting.spares.push(buffer);
        }
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
            carrier.flush();
        }
        // For its memory. Sending makes nothing due.
        self.0.lock().carriers = carriers;
    }
}
