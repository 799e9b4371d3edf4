//! [`Sockets`]: how many sockets of clients are open, whatever they do, and how many may be. Files of a journal, links to other
//! servers and the log need descriptors too, so the sockets of clients must never take the last ones.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::idle::Idle;

/// How long a connection that has to make room may take to close. Its thread only has to wake up for that.
const CLOSING_TIME: Duration = Duration::from_millis(50);
/// How many connections are asked to make room for one. One that was asked may have got a request in that moment, and stays.
const ASKED_MAX: usize = 4;
/// Sockets that event streams leave to publishers and other requests; of few sockets, a quarter.
const KEPT_FROM_STREAMS_MAX: usize = 64;
/// The smallest share of send buffers: some events of usual size, so that a reader who is in time is not taken for a slow one.
const SEND_BUFFER_BYTES_MIN: usize = 16 << 10;

/// All sockets of a server.
#[derive(Debug)]
pub(crate) struct Sockets {
    // Relaxed everywhere: nothing else is read because of it.
    open: AtomicUsize,
    max: usize,
    freed: Notify,
}

impl Sockets {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), max, freed: Notify::new() })
    }

    /// How many of the sockets may be event streams.
    pub(crate) fn streams_max(&self) -> usize {
        self.max - KEPT_FROM_STREAMS_MAX.min(self.max / 4)
    }

    /// A place for one socket more. Where there is none, the connection that has been idle for longest is closed for it. `None`
    /// if none is idle.
    pub(crate) async fn enter(self: &Arc<Self>, idle: &Idle) -> Option<SocketPlace> {
        for _ in 0..ASKED_MAX {
            if let Some(place) = self.take() {
                return Some(place);
            }
            // Told of what closes from here on.
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if !idle.close_one() {
                return self.take();
            }
            let _ = timeout(CLOSING_TIME, freed).await;
        }
        self.take()
    }

    /// What the kernel may keep unsent for a socket that is opened now: `one_max`, or its share of `all_max` among as many as are
    /// open, if that is less. The earlier ones keep theirs; so `n` sockets have `all_max` times 1 + ln(n * `one_max` / `all_max`) at
    /// most, until the shares are as small as they get.
    pub(crate) fn send_buffer_bytes(&self, one_max: usize, all_max: usize) -> usize {
        let share = all_max / self.open.load(Ordering::Relaxed).max(1);
        share.max(SEND_BUFFER_BYTES_MIN).min(one_max)
    }

    fn take(self: &Arc<Self>) -> Option<SocketPlace> {
        let counted = |open| (open < self.max).then_some(open + 1);
        let is_taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_ok();
        is_taken.then(|| SocketPlace(Arc::clone(self)))
    }
}

/// One socket counted, for as long as this lives: to be dropped behind the socket.
#[derive(Debug)]
pub(crate) struct SocketPlace(Arc<Sockets>);

impl Drop for SocketPlace {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::Handoff;

    #[tokio::test]
    async fn as_many_sockets_open_as_may_and_one_more_only_if_another_one_is_idle() {
        let (sockets, idle) = (Sockets::new(2), Idle::new(10));
        let first = sockets.enter(&idle).await.unwrap();
        let _second = sockets.enter(&idle).await.unwrap();
        assert!(sockets.enter(&idle).await.is_none(), "none is idle");

        let connection = Arc::new(Handoff::default());
        let waiting = idle.begin(&connection);
        let closing = async {
            std::future::poll_fn(|cx| connection.poll_unwanted(cx)).await;
            drop((first, waiting));
        };
        let (third, ()) = tokio::join!(sockets.enter(&idle), closing);
        assert!(third.is_some());
        assert!(sockets.enter(&idle).await.is_none());
    }

    #[tokio::test]
    async fn a_socket_gets_its_share_of_send_buffers_among_those_that_are_open() {
        let (sockets, idle) = (Sockets::new(100), Idle::new(0));
        let share = |sockets: &Sockets| sockets.send_buffer_bytes(256 << 10, 1 << 20);
        let mut places = Vec::new();
        for _ in 0..4 {
            places.push(sockets.enter(&idle).await.unwrap());
            assert_eq!(share(&sockets), 256 << 10);
        }
        places.push(sockets.enter(&idle).await.unwrap());
        assert_eq!(share(&sockets), (1 << 20) / 5);
        for _ in 5..100 {
            places.push(sockets.enter(&idle).await.unwrap());
        }
        assert_eq!(share(&sockets), 16 << 10);
        assert_eq!(sockets.send_buffer_bytes(4 << 10, 1 << 20), 4 << 10, "never more than one may have");
        drop(places);
        assert_eq!(share(&sockets), 256 << 10);
    }

    #[test]
    fn streams_leave_some_sockets_to_others() {
        assert_eq!(Sockets::new(1_000).streams_max(), 936);
        assert_eq!(Sockets::new(8).streams_max(), 6);
        assert_eq!(Sockets::new(1).streams_max(), 1);
    }
}
