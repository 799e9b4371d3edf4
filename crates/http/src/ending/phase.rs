//! [`Phases`]: how far a server is on its way from its start to its end. Whatever has to end with the server asks this.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use crate::ending::level::{Level, Reached};

/// Levels of the phases behind the first.
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;
const OVER: u8 = 3;

/// A phase of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Everything is served.
    Open,
    /// Everything is served, and `/readyz` asks for no more traffic.
    Leaving,
    /// Publishes are refused, and streams end.
    Draining {
        /// The moment at which whatever is left is cut.
        ends: Instant,
    },
    /// Whatever is left is cut now: nobody is there any more who could drain.
    Over,
}

/// The phase of one server. It only goes on.
#[derive(Debug, Default)]
pub(crate) struct Phases {
    level: Arc<Level>,
    ends: OnceLock<Instant>,
}

impl Phases {
    /// The phase as of now.
    pub(crate) fn now(&self) -> Phase {
        match (self.level.at(), self.ends.get()) {
            (DRAINING, Some(ends)) => Phase::Draining { ends: *ends },
            (0, _) => Phase::Open,
            (LEAVING, _) => Phase::Leaving,
            _ => Phase::Over,
        }
    }

    /// Goes on to [`Phase::Leaving`].
    pub(crate) fn leave(&self) {
        self.level.raise(LEAVING);
    }

    /// Goes on to [`Phase::Draining`]. The first call says when it ends.
    pub(crate) fn drain(&self, ends: Instant) {
        // First: whoever sees the phase asks when it ends.
        self.ends.get_or_init(|| ends);
        self.level.raise(DRAINING);
    }

    /// Goes on to [`Phase::Over`].
    pub(crate) fn end(&self) {
        self.level.raise(OVER);
    }

    /// Whether the server wants no more traffic.
    pub(crate) fn is_leaving(&self) -> bool {
        self.level.at() >= LEAVING
    }

    /// Whether the server takes no more publishes and streams.
    pub(crate) fn is_draining(&self) -> bool {
        self.level.at() >= DRAINING
    }

    /// Waits until the server drains, or is over.
    pub(crate) fn draining(&self) -> Reached {
        self.level.reached(DRAINING)
    }

    /// The moment at which whatever is left is cut, once that is known.
    pub(crate) fn ends(&self) -> Option<Instant> {
        match self.now() {
            Phase::Open | Phase::Leaving => None,
            Phase::Draining { ends } => Some(ends),
            Phase::Over => Some(Instant::now()),
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
        assert_eq!((phases.now(), phases.ends()), (Phase::Open, None));
        phases.leave();
        assert_eq!((phases.now(), phases.ends()), (Phase::Leaving, None));
        assert!(phases.is_leaving() && !phases.is_draining());
        phases.drain(ends);
        phases.leave();
        phases.drain(ends + Duration::from_secs(1));
        assert_eq!((phases.now(), phases.ends()), (Phase::Draining { ends }, Some(ends)), "the first end counts");
        assert!(phases.is_leaving() && phases.is_draining());
        phases.end();
        phases.drain(ends);
        assert_eq!(phases.now(), Phase::Over);
        assert!(phases.is_draining() && phases.ends().is_some());
    }

    #[test]
    fn a_server_may_be_over_without_a_drain() {
        let phases = Phases::default();
        phases.end();
        assert_eq!(phases.now(), Phase::Over);
        assert!(phases.is_leaving() && phases.is_draining());
    }
}
