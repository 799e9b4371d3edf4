//! [`Leaving`]: how an old process stops accepting for a new one. Both have the same sockets, so each connection goes to one of them.

use std::{cell::Cell, future::poll_fn, rc::Rc, task::Poll, thread, time::Duration};

/// Time for requests of connections that were accepted before. They are served as ever.
const GRACE: Duration = Duration::from_millis(500);

/// The word that a server leaves for another process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(Rc<Cell<bool>>);

impl Leaving {
    /// Waits until the server leaves. Whoever polls the server has to poll it once more then.
    pub(crate) async fn told(&self) {
        poll_fn(|_| if self.0.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Gives what was accepted some time, and then has the server leave.
    ///
    /// A server accepts only on this thread, and only what the runtime has seen. So this blocks: a connection that was accepted in the last
    /// moment would be closed before its request has come. All other parts of the server have threads of their own. Nothing may be
    /// awaited between the last poll of the server and this call, nor between this call and the next poll.
    pub(crate) fn leave(&self) {
        thread::sleep(GRACE);
        self.0.set(true);
    }
}
