//! The limit of open files: raised as far as this process may, then compared with what a run needs.

use crate::failure::Failure;

/// Descriptors that are no event stream: the publisher, epoll, the standard streams, and some air.
const RESERVE: u64 = 64;

/// Raises the soft limit to the hard one and refuses a run that does not fit.
pub(crate) fn ensure(connections: u32) -> Result<(), Failure> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).map_err(Failure::Limit)?;
    check(limit, connections)
}

fn check(limit: u64, connections: u32) -> Result<(), Failure> {
    let fit = limit.saturating_sub(RESERVE);
    if u64::from(connections) > fit { Err(Failure::Descriptors { limit, fit, connections }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_that_fits_is_allowed_and_the_next_is_not() {
        assert!(check(1024, 960).is_ok());
        assert!(matches!(check(1024, 961), Err(Failure::Descriptors { fit: 960, .. })));
        assert!(matches!(check(10, 1), Err(Failure::Descriptors { fit: 0, .. })));
    }
}
