//! [`Idle`]: the connections that may be closed and nobody misses anything. Some wait for their next request, and their number has
//! a limit. Others have sent no whole head. When sockets or descriptors run out, the connection that has been idle for longest is
//! closed first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

/// One connection as [`Idle`] knows it: its task, and whether the task is asked to close it.
#[derive(Debug, Default)]
pub(crate) struct Idler {
    is_unwanted: AtomicBool,
    task: AtomicWaker,
}

impl Idler {
    fn set_unwanted(&self, is_unwanted: bool) {
        // Release, and Acquire below: whoever is woken sees it.
        self.is_unwanted.store(is_unwanted, Ordering::Release);
    }

    /// Whether the connection has to make room for others, if it is idle.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Ordering::Acquire)
    }

    /// Ready once the connection has to make room for others.
    pub(crate) fn poll_unwanted(&self, cx: &Context<'_>) -> Poll<()> {
        self.register(cx);
        if self.is_unwanted() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The task of `cx` is the connection's, to be woken.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    /// The connection's task looks again at what has changed.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }
}

/// The idle connections of a server.
#[derive(Debug)]
pub(crate) struct Idle {
    connections: Mutex<Connections>,
}

/// Connections by the number in the order in which they became idle.
#[derive(Debug, Default)]
struct Connections {
    /// Connections that have been answered and have sent nothing since.
    waiting: BTreeMap<u64, Arc<Idler>>,
    /// Connections that have sent nothing yet, or a part of a head.
    in_head: BTreeMap<u64, Arc<Idler>>,
    next: u64,
    /// Limit of the connections that wait for their next request. The others have none: they are many when all clients come
    /// back at once, and idle for moments.
    waiting_max: usize,
}

impl Idle {
    pub(crate) fn new(waiting_max: usize) -> Arc<Self> {
        Arc::new(Self { connections: Mutex::new(Connections { waiting_max, ..Connections::default() }) })
    }

    /// Sets another limit. Those that are too many now, and have waited for longest, are closed.
    pub(crate) fn set_waiting_max(&self, waiting_max: usize) {
        let mut connections = self.connections.lock();
        connections.waiting_max = waiting_max;
        connections.keep_to_limit();
    }

    /// A connection has sent no request yet: it is idle until the seat is dropped.
    pub(crate) fn begin(self: &Arc<Self>, connection: &Arc<Idler>) -> IdleSeat {
        connection.set_unwanted(false);
        let mut connections = self.connections.lock();
        let number = connections.take_number();
        connections.in_head.insert(number, Arc::clone(connection));
        IdleSeat { idle: Arc::clone(self), number }
    }

    /// A connection begins to wait for its next request: it is idle until the seat is dropped.
    pub(crate) fn wait(self: &Arc<Self>, connection: &Arc<Idler>) -> IdleSeat {
        connection.set_unwanted(false);
        let mut connections = self.connections.lock();
        let number = connections.take_number();
        connections.waiting.insert(number, Arc::clone(connection));
        connections.keep_to_limit();
        IdleSeat { idle: Arc::clone(self), number }
    }

    /// Asks the connection that has been idle for longest to close. False if none is idle.
    pub(crate) fn close_one(&self) -> bool {
        let mut connections = self.connections.lock();
        let Connections { waiting, in_head, .. } = &mut *connections;
        let first = |map: &BTreeMap<u64, _>| map.first_key_value().map_or(u64::MAX, |(number, _)| *number);
        let oldest = if first(waiting) < first(in_head) { waiting } else { in_head };
        let Some((_, connection)) = oldest.pop_first() else { return false };
        ask_to_close(&connection);
        true
    }
}

fn ask_to_close(connection: &Idler) {
    connection.set_unwanted(true);
    connection.wake();
}

impl Connections {
    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn keep_to_limit(&mut self) {
        while self.waiting.len() > self.waiting_max
            && let Some((_, connection)) = self.waiting.pop_first()
        {
            ask_to_close(&connection);
        }
    }
}

/// One connection, counted as idle until the seat is dropped.
#[derive(Debug)]
pub(crate) struct IdleSeat {
    idle: Arc<Idle>,
    number: u64,
}

impl IdleSeat {
    /// A head has begun. The connection keeps its number, so that a byte now and then does not keep it from its turn.
    pub(crate) fn begin_head(&self) {
        let mut connections = self.idle.connections.lock();
        if let Some(connection) = connections.waiting.remove(&self.number) {
            connections.in_head.insert(self.number, connection);
        }
    }
}

impl Drop for IdleSeat {
    fn drop(&mut self) {
        let mut connections = self.idle.connections.lock();
        connections.waiting.remove(&self.number);
        connections.in_head.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections<const N: usize>() -> [Arc<Idler>; N] {
        std::array::from_fn(|_| Arc::new(Idler::default()))
    }

    fn unwanted<const N: usize>(connections: &[Arc<Idler>; N]) -> [bool; N] {
        std::array::from_fn(|at| connections[at].is_unwanted())
    }

    #[test]
    fn as_many_wait_as_may_and_one_more_ends_the_longest_wait() {
        let (idle, connections) = (Idle::new(2), connections::<4>());
        let first = idle.wait(&connections[0]);
        let _second = idle.wait(&connections[1]);
        assert_eq!(unwanted(&connections), [false; 4]);
        drop(first);
        let _third = idle.wait(&connections[2]);
        assert_eq!(unwanted(&connections), [false; 4], "the first waits no longer");
        let _fourth = idle.wait(&connections[3]);
        assert_eq!(unwanted(&connections), [false, true, false, false]);
        assert!(idle.close_one());
        assert_eq!(unwanted(&connections), [false, true, true, false]);
        assert!(idle.close_one() && !idle.close_one());
        assert_eq!(unwanted(&connections), [false, true, true, true]);
    }

    #[test]
    fn another_limit_closes_those_that_are_too_many_now() {
        let (idle, connections) = (Idle::new(3), connections::<3>());
        let _seats = connections.each_ref().map(|connection| idle.wait(connection));
        idle.set_waiting_max(1);
        assert_eq!(unwanted(&connections), [true, true, false]);
    }

    #[test]
    fn where_none_may_wait_none_does() {
        let (idle, [connection]) = (Idle::new(0), connections());
        let _seat = idle.wait(&connection);
        assert!(connection.is_unwanted());
    }

    #[test]
    fn those_in_a_head_are_closed_in_their_turn_and_do_not_count_as_waiting() {
        let (idle, connections) = (Idle::new(1), connections::<4>());
        let _new = idle.begin(&connections[0]);
        let waiting = idle.wait(&connections[1]);
        waiting.begin_head();
        let _newer = idle.begin(&connections[2]);
        let _waiting = idle.wait(&connections[3]);
        assert_eq!(unwanted(&connections), [false; 4]);
        for count in 1..=4 {
            assert!(idle.close_one());
            assert_eq!(
                unwanted(&connections),
                std::array::from_fn(|at| at < count),
                "a head that began keeps its turn"
            );
        }
        assert!(!idle.close_one());
    }
}
