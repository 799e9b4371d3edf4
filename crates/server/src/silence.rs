//! [`Silence`]: how long an event stream may be silent before it is taken for dead.

use std::time::Duration;

/// Three heartbeats of a Fanfare server that has its default (15 s).
const LIMIT: Duration = Duration::from_secs(45);
/// So many heartbeats have to be missed.
const HEARTBEATS: u32 = 3;
/// A silence that was longer than this and ended with a heartbeat shows how often those come.
const SHORTEST: Duration = Duration::from_secs(1);
/// The limit does not grow beyond this.
const LIMIT_MAX: Duration = Duration::from_secs(600);

/// The silence that a stream is allowed.
///
/// One that sends heartbeats (comments) is dead when they stay away. How often they come is learned from them. One that
/// sends ids may have heartbeats or not: to reconnect in vain loses nothing there, because it goes on behind the last id.
/// Whoever was taken for dead in vain is given twice the time. A stream that has sent neither says nothing by its silence,
/// and what is published during a reconnect would be lost: it is left alone, as a browser leaves it, and TCP notices when
/// the other side is gone.
#[derive(Debug)]
pub(crate) struct Silence {
    /// What the user said.
    fixed: Option<Duration>,
    limit: Duration,
    /// Its silence says something.
    is_watched: bool,
}

impl Silence {
    /// With a limit that the user has `fixed`, that one holds for each stream.
    pub(crate) fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, limit: LIMIT, is_watched: false }
    }

    /// How long the next silence may be; none for without end.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.fixed.or(self.is_watched.then_some(self.limit))
    }

    /// A comment, or the like, has come after so long a silence.
    pub(crate) fn heard_heartbeat(&mut self, silence: Duration) {
        self.is_watched = true;
        if silence >= SHORTEST {
            self.limit = (silence * HEARTBEATS).clamp(LIMIT, LIMIT_MAX);
        }
    }

    /// There is an id to go on from.
    pub(crate) fn heard_id(&mut self) {
        self.is_watched = true;
    }

    /// A stream was silent for as long as it may be.
    pub(crate) fn passed(&mut self) {
        self.limit = (self.limit * 2).min(LIMIT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_stream_without_heartbeats_and_ids_may_be_silent() {
        for hear in [|silence: &mut Silence| silence.heard_heartbeat(Duration::ZERO), Silence::heard_id] {
            let mut silence = Silence::new(None);
            assert_eq!(silence.limit(), None);
            hear(&mut silence);
            assert_eq!(silence.limit(), Some(LIMIT));
        }
    }

    #[test]
    fn slower_heartbeats_are_waited_for() {
        let mut silence = Silence::new(None);
        for (heard, limit) in [(15, 45), (60, 180), (14, 45), (199, 597), (201, 600), (0, 600)] {
            silence.heard_heartbeat(seconds(heard));
            assert_eq!(silence.limit(), Some(seconds(limit)), "after {heard} s");
        }
    }

    #[test]
    fn a_stream_that_was_cut_is_given_more_time_until_it_shows_its_heartbeat() {
        let mut silence = Silence::new(None);
        silence.heard_heartbeat(Duration::ZERO);
        for limit in [90, 180, 360, 600, 600] {
            silence.passed();
            assert_eq!(silence.limit(), Some(seconds(limit)));
        }
        silence.heard_heartbeat(Duration::ZERO);
        assert_eq!(silence.limit(), Some(LIMIT_MAX));
        silence.heard_heartbeat(seconds(15));
        assert_eq!(silence.limit(), Some(LIMIT));
    }

    #[test]
    fn what_the_user_says_holds() {
        let mut silence = Silence::new(Some(seconds(7)));
        silence.heard_heartbeat(seconds(60));
        silence.passed();
        assert_eq!(silence.limit(), Some(seconds(7)));
    }
}
