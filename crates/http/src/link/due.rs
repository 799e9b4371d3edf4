//! [`Due`]: the HTTP/2 connections of a thread whose streams have been written to in the turn of the shard that goes on. All frames of
//! a connection leave together behind the turn, in one write.

use std::{mem, sync::Arc};

use parking_lot::Mutex;

use crate::link::carrier::Carrier;

/// Connections that have frames to send. The lock is never contended: one thread has them all.
#[derive(Debug, Default)]
pub(crate) struct Due(Mutex<Vec<Arc<Carrier>>>);

impl Due {
    pub(crate) fn push(&self, carrier: Arc<Carrier>) {
        self.0.lock().push(carrier);
    }

    /// Sends the frames of all connections that are due.
    pub(crate) fn flush(&self) {
        let mut carriers = mem::take(&mut *self.0.lock());
        for carrier in carriers.drain(..) {
            carrier.flush();
        }
        // For its memory. Sending makes nothing due.
        *self.0.lock() = carriers;
    }
}
