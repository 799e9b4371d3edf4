//! The limit of open files: raised as far as this process may, then compared with the need of a run.

use crate::crowd::plan::Plan;
use crate::failure::Failure;

/// Descriptors of a process that belong to no stream, thread or publisher: the standard streams, the receiving
/// processes, and some air.
const RESERVE: u64 = 64;
/// Descriptors of a receiving thread itself: its epoll and its wakers.
const PER_THREAD: u64 = 4;

/// The holders of descriptors in one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    pub(crate) connections: u32,
    pub(crate) threads: u32,
    /// Descriptors of all of them.
    pub(crate) publishers: u32,
}

impl Need {
    /// A publisher over TLS or HTTP/2: its connection, its epoll and its wakers.
    pub(crate) const ASYNC_PUBLISHER: u32 = 1 + PER_THREAD as u32;

    /// The need of the largest process of a run. The publishers are all in the first one.
    pub(crate) fn of(plan: &Plan, threads: u32, processes: u32, publishers: u32) -> Self {
        let streams = plan.largest_share(threads, processes);
        Self { connections: plan.held(streams, threads), threads, publishers }
    }

    /// Raises the soft limit to the hard one and refuses a run that does not fit. The processes that this one starts
    /// have the same hard limit.
    pub(crate) fn ensure(self) -> Result<(), Failure> {
        let limit = rlimit::increase_nofile_limit(u64::MAX).map_err(Failure::Limit)?;
        self.check(limit)
    }

    fn check(self, limit: u64) -> Result<(), Failure> {
        let Self { connections, threads, publishers } = self;
        let fit = limit.saturating_sub(RESERVE + PER_THREAD * u64::from(threads) + u64::from(publishers));
        if u64::from(connections) > fit { Err(Failure::Descriptors { limit, fit, connections }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_that_fits_is_allowed_and_the_next_is_not() {
        let check = |limit, connections| Need { connections, threads: 2, publishers: 3 }.check(limit);
        assert!(check(1024, 949).is_ok());
        assert!(matches!(check(1024, 950), Err(Failure::Descriptors { fit: 949, .. })));
        assert!(matches!(check(10, 1), Err(Failure::Descriptors { fit: 0, .. })));
    }
}
