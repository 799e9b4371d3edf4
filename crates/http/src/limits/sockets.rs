//! [`Sockets`]: the open sockets of clients, whatever they do, and their limit. Files of a journal, links to other servers and the
//! log need descriptors too, so the sockets of clients must never take the last ones.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_callers::{Caller, Seat};
use tokio::{sync::Notify, time::timeout};

use crate::limits::idle::Idle;

/// Time in which a connection that has to make room closes. Its thread only has to wake up for that.
const CLOSING_TIME: Duration = Duration::from_millis(50);
/// Connections that are asked to make room for one. A connection that got a request in that moment stays.
const ASKED_MAX: usize = 4;
/// Sockets that event streams leave to publishers and other requests. Of few sockets they leave a quarter.
const KEPT_FROM_STREAMS_MAX: usize = 64;
/// The smallest share of send buffers: some events of usual size, so that a reader who is in time is not taken for a slow one.
const SEND_BUFFER_BYTES_MIN: usize = 16 << 10;

/// All sockets of a server.
#[derive(Debug)]
pub(crate) struct Sockets {
    // Relaxed everywhere: nothing else is read because of it.
    open: AtomicUsize,
    max: AtomicUsize,
    freed: Notify,
}

impl Sockets {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), max: AtomicUsize::new(max), freed: Notify::new() })
    }

    /// Sets another limit. Sockets that are open stay.
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// Number of sockets that may be open.
    pub(crate) fn max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    /// Number of sockets that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Number of sockets that may be event streams.
    pub(crate) fn streams_max(&self) -> usize {
        let max = self.max();
        max - KEPT_FROM_STREAMS_MAX.min(max / 4)
    }

    /// Counts one socket more. If there are as many as may be, the connection that has been idle for longest is closed for it.
    /// `None` if none is idle.
    pub(crate) async fn enter(self: &Arc<Self>, idle: &Idle) -> Option<SocketSeat> {
        for _ in 0..ASKED_MAX {
            if let Some(seat) = self.take() {
                return Some(seat);
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

    /// Bytes that the kernel may keep unsent for a socket that is opened now: `one_max`, or its share of `all_max` among the open
    /// sockets if that is less. Earlier sockets keep theirs. So `n` sockets have `all_max` times 1 + ln(n * `one_max` / `all_max`)
    /// at most, until the shares are as small as they get.
    pub(crate) fn send_buffer_bytes(&self, one_max: usize, all_max: usize) -> usize {
        let share = all_max / self.open.load(Ordering::Relaxed).max(1);
        share.max(SEND_BUFFER_BYTES_MIN).min(one_max)
    }

    fn take(self: &Arc<Self>) -> Option<SocketSeat> {
        let max = self.max();
        let counted = |open| (open < max).then_some(open + 1);
        let is_taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_ok();
        is_taken.then(|| SocketSeat(Box::new(Place { sockets: Arc::clone(self), caller: None })))
    }
}

/// One socket, counted until the seat is dropped. Drop it after the socket.
#[derive(Debug)]
pub(crate) struct SocketSeat(Box<Place>);

/// In a box, because the seat goes from hand to hand with its connection.
#[derive(Debug)]
struct Place {
    sockets: Arc<Sockets>,
    /// The seat among the sockets of the client's address.
    caller: Option<Seat<Caller>>,
}

impl SocketSeat {
    /// The socket counts for its caller too.
    pub(crate) fn count_for(&mut self, caller: Seat<Caller>) {
        self.0.caller = Some(caller);
    }
}

impl Drop for SocketSeat {
    fn drop(&mut self) {
        self.0.sockets.open.fetch_sub(1, Ordering::Relaxed);
        self.0.sockets.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::idle::Idler;

    #[tokio::test]
    async fn as_many_sockets_open_as_may_and_one_more_only_if_another_one_is_idle() {
        let (sockets, idle) = (Sockets::new(2), Idle::new(10));
        let first = sockets.enter(&idle).await.unwrap();
        let _second = sockets.enter(&idle).await.unwrap();
        assert!(sockets.enter(&idle).await.is_none(), "none is idle");

        let connection = Arc::new(Idler::default());
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
        let mut seats = Vec::new();
        for _ in 0..4 {
            seats.push(sockets.enter(&idle).await.unwrap());
            assert_eq!(share(&sockets), 256 << 10);
        }
        seats.push(sockets.enter(&idle).await.unwrap());
        assert_eq!(share(&sockets), (1 << 20) / 5);
        for _ in 5..100 {
            seats.push(sockets.enter(&idle).await.unwrap());
        }
        assert_eq!(share(&sockets), 16 << 10);
        assert_eq!(sockets.send_buffer_bytes(4 << 10, 1 << 20), 4 << 10, "never more than one may have");
        drop(seats);
        assert_eq!(share(&sockets), 256 << 10);
    }

    #[test]
    fn streams_leave_some_sockets_to_others() {
        assert_eq!(Sockets::new(1_000).streams_max(), 936);
        assert_eq!(Sockets::new(8).streams_max(), 6);
        assert_eq!(Sockets::new(1).streams_max(), 1);
    }
}
