//! [`Phases`]: how far a server is on its way from its start to its end. Whatever has to end with the server asks this.

use std::{sync::OnceLock, time::Instant};

use fanfare_core::engine::{Milestone, Reached};

/// Everything is served, and `/readyz` asks for no more traffic.
const LEAVING: u64 = 1;
/// Publishes are refused, and streams end.
const DRAINING: u64 = 2;
/// The rest is cut now, because nobody is there any more to drain it.
const OVER: u64 = 3;

/// The phase of one server. It only goes on.
#[derive(Debug, Default)]
pub(crate) struct Phases {
    reached: Milestone,
    ends: OnceLock<Instant>,
}

impl Phases {
    /// Goes on to leaving.
    pub(crate) fn leave(&self) {
        self.reached.reach(LEAVING);
    }

    /// Goes on to draining. The first call says when it ends.
    pub(crate) fn drain(&self, ends: Instant) {
        // First: whoever sees the phase asks when it ends.
        self.ends.get_or_init(|| ends);
        self.reached.reach(DRAINING);
    }

    /// Goes on to its end.
    pub(crate) fn end(&self) {
        self.reached.reach(OVER);
    }

    /// Whether the server wants no more traffic.
    pub(crate) fn is_leaving(&self) -> bool {
        self.reached.has_reached(LEAVING)
    }

    /// Whether the server takes no more publishes and streams.
    pub(crate) fn is_draining(&self) -> bool {
        self.reached.has_reached(DRAINING)
    }

    /// Whether nobody is there any more who could drain.
    pub(crate) fn is_over(&self) -> bool {
        self.reached.has_reached(OVER)
    }

    /// Waits until the server drains, or is over.
    pub(crate) fn draining(&self) -> Reached {
        self.reached.wait(DRAINING)
    }

    /// The moment at which whatever is left is cut, once that is known.
    pub(crate) fn ends(&self) -> Option<Instant> {
        match self.reached.at() {
            OVER => Some(Instant::now()),
            DRAINING => self.ends.get().copied(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn phases_only_go_on() {
        let (phases, ends) = (Phases::default(), Instant::now());
        assert!(!phases.is_leaving() && phases.ends().is_none());
        phases.leave();
        assert!(phases.is_leaving() && !phases.is_draining() && phases.ends().is_none());
        phases.drain(ends);
        phases.leave();
        phases.drain(ends + Duration::from_secs(1));
        assert_eq!(phases.ends(), Some(ends), "the first end counts");
        assert!(phases.is_leaving() && phases.is_draining() && !phases.is_over());
        phases.end();
        phases.drain(ends);
        assert!(phases.is_over() && phases.is_draining() && phases.ends().is_some());
    }

    #[test]
    fn a_server_may_be_over_without_a_drain() {
        let phases = Phases::default();
        phases.end();
        assert!(phases.is_leaving() && phases.is_draining() && phases.is_over());
    }
}
