//! [`Idle`]: the connections that wait for their next request, as many as may. Above that, and when descriptors run out, the
//! one that has waited longest is closed first.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use crate::handoff::Handoff;

/// All of a server.
#[derive(Debug)]
pub(crate) struct Idle {
    waiting: Mutex<Waiting>,
    max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By the number in the order of waiting.
    connections: BTreeMap<u64, Arc<Handoff>>,
    next: u64,
}

impl Idle {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), max })
    }

    /// A connection begins to wait, until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>, connection: &Arc<Handoff>) -> IdlePlace {
        connection.set_unwanted(false);
        let mut waiting = self.waiting.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, Arc::clone(connection));
        let over = waiting.connections.len().saturating_sub(self.max);
        waiting.close(over);
        IdlePlace { idle: Arc::clone(self), number }
    }

    /// Closes the `count` that have waited longest.
    pub(crate) fn close(&self, count: usize) {
        self.waiting.lock().close(count);
    }
}

impl Waiting {
    fn close(&mut self, count: usize) {
        for _ in 0..count {
            let Some((_, connection)) = self.connections.pop_first() else { return };
            connection.set_unwanted(true);
            connection.wake();
        }
    }
}

/// One connection that waits.
#[derive(Debug)]
pub(crate) struct IdlePlace {
    idle: Arc<Idle>,
    number: u64,
}

impl Drop for IdlePlace {
    fn drop(&mut self) {
        self.idle.waiting.lock().connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_wait_as_may_and_one_more_ends_the_longest_wait() {
        let idle = Idle::new(2);
        let connections: Vec<_> = (0..4).map(|_| Arc::new(Handoff::default())).collect();
        let unwanted = || connections.iter().map(|connection| connection.is_unwanted()).collect::<Vec<_>>();
        let first = idle.enter(&connections[0]);
        let _second = idle.enter(&connections[1]);
        assert_eq!(unwanted(), [false; 4]);
        drop(first);
        let _third = idle.enter(&connections[2]);
        assert_eq!(unwanted(), [false; 4], "the first waits no longer");
        let _fourth = idle.enter(&connections[3]);
        assert_eq!(unwanted(), [false, true, false, false]);
        idle.close(1);
        assert_eq!(unwanted(), [false, true, true, false]);
        idle.close(5);
        assert_eq!(unwanted(), [false, true, true, true]);
    }

    #[test]
    fn where_none_may_wait_none_does() {
        let (idle, connection) = (Idle::new(0), Arc::new(Handoff::default()));
        let _place = idle.enter(&connection);
        assert!(connection.is_unwanted());
    }
}
