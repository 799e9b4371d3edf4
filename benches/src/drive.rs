//! How threads wait for each other here: [`Stage::drive_until`] drives a shard as its thread does when it serves, and
//! [`block_on`] waits as a publisher. Both sleep while there is nothing to do.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use crate::stage::Stage;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

impl Stage {
    /// Drives the shard until `is_over`, and then until it is idle. Whoever makes it so wakes the inbox after it.
    pub fn drive_until(&mut self, is_over: impl Fn() -> bool) {
        let inbox = Arc::clone(self.shard.inbox());
        let waker = waker();
        loop {
            // Register, then look: a wake between the two is not lost.
            inbox.register(&Context::from_waker(&waker));
            let is_last = is_over();
            self.settle();
            self.forget_notices();
            if is_last {
                return;
            }
            if inbox.is_empty() {
                thread::park();
            }
        }
    }
}

/// Waits for `future` on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (pin!(future), waker());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
