//! [`Silence`]: the time that an event stream may be silent before the client reconnects.

use std::time::Duration;

/// First limit: three heartbeats of a Fanfare server with its default (15 s).
const LIMIT: Duration = Duration::from_secs(45);
/// Number of missed heartbeats that end a stream.
const HEARTBEATS: u32 = 3;
/// Shortest silence that tells the interval of heartbeats, if a heartbeat ended it.
const SHORTEST: Duration = Duration::from_secs(1);
/// Largest limit.
const LIMIT_MAX: Duration = Duration::from_secs(600);

/// The silence that a stream is allowed.
///
/// A stream that sends heartbeats (comments) is dead when they stay away. The client learns their interval from the
/// silences before them. A stream that sends ids may have no heartbeats; a needless reconnect then loses nothing,
/// because it goes on behind the last id. After each reconnect because of silence the limit doubles.
///
/// The silence of a stream that has sent neither says nothing, and events published during a reconnect would be lost.
/// The client leaves such a stream alone, as a browser does. TCP notices when the other side is gone.
#[derive(Debug)]
pub(crate) struct Silence {
    /// The limit that the user set.
    fixed: Option<Duration>,
    limit: Duration,
    /// The stream has sent a heartbeat or an id.
    is_watched: bool,
}

impl Silence {
    /// A `fixed` limit holds for each stream.
    pub(crate) fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, limit: LIMIT, is_watched: false }
    }

    /// Longest allowed length of the next silence. None is no limit.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.fixed.or(self.is_watched.then_some(self.limit))
    }

    /// Notes a heartbeat, such as a comment, after this silence.
    pub(crate) fn heard_heartbeat(&mut self, silence: Duration) {
        self.is_watched = true;
        if silence >= SHORTEST {
            self.limit = (silence * HEARTBEATS).clamp(LIMIT, LIMIT_MAX);
        }
    }

    /// Notes an id, from which a reconnect can go on.
    pub(crate) fn heard_id(&mut self) {
        self.is_watched = true;
    }

    /// Notes that a stream was silent for the whole limit.
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
