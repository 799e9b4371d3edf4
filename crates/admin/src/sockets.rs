//! [`Sockets`]: the places of open sockets, of all and of each address.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use fanfare_http::callers::{self, Caller, Callers, ENTRIES_MAX, Holding, Seat};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::{answer::problem::Problem, config::Limits};

/// The places of open sockets.
pub(crate) struct Sockets {
    all: Arc<Semaphore>,
    callers: Callers,
    limits: Limits,
}

/// The place of one socket, until it is dropped.
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_caller: Seat<Caller>,
}

impl Sockets {
    pub(crate) fn new(limits: Limits) -> Self {
        // 0 is no limit, and so is a number beyond 32 bits.
        let sockets = u32::try_from(limits.sockets_of_address_max).ok().and_then(NonZeroU32::new);
        let of_caller = callers::Limits { sockets, ..callers::Limits::NONE };
        let callers = Callers::new(&of_caller, &of_caller, ENTRIES_MAX);
        Self { all: Arc::new(Semaphore::new(limits.sockets_max)), callers, limits }
    }

    /// A place for a socket of `peer`, or the answer to one for which there is none.
    pub(crate) fn enter(&self, peer: IpAddr) -> Result<Place, Problem> {
        let Ok(of_all) = Arc::clone(&self.all).try_acquire_owned() else {
            return Err(Problem::full(format!("{} sockets are open, which is the limit", self.limits.sockets_max)));
        };
        // Nothing here has a rate, so the time is not asked for.
        let of_caller = self.callers.peer(peer, 0).enter(Holding::Socket).map_err(|_| {
            let max = self.limits.sockets_of_address_max;
            Problem::full(format!("{max} sockets of this address are open, which is the limit"))
        })?;
        Ok(Place { _of_all: of_all, _of_caller: of_caller })
    }

    /// Waits until no socket is open.
    pub(crate) async fn all_closed(&self) -> Result<(), AcquireError> {
        let everything = u32::try_from(self.limits.sockets_max).unwrap_or(u32::MAX);
        self.all.acquire_many(everything).await.map(drop)
    }
}
