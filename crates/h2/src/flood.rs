//! What a peer may ask for that leads nowhere. Each limit that the protocol itself does not set stands here, with its reason.
//!
//! One account covers all floods. Frames that are of no use spend credit. Progress gives it back: an answered request, bytes of
//! a body that are used, events that leave, an answered PING. A client that does what it came for never runs out, at any pace,
//! unless it returns its window in pieces of a few bytes. A flood does, after a bounded amount of work.

use crate::reason::Reason;

/// The credit of a new connection, and the most that there is. A browser that leaves a page cancels its 100 requests at once,
/// and a client that measures the round trip sends hundreds of PINGs.
pub(crate) const CREDIT_MAX: u16 = 2_000;

/// The cost of a frame that asks for nothing or for an answer of a few bytes: PING, PRIORITY, GOAWAY, a frame of an unknown
/// type, a small WINDOW_UPDATE, an empty or tiny DATA, a small CONTINUATION.
pub(crate) const FRAME_COST: u16 = 1;

/// The cost of SETTINGS: each walks over all streams.
pub(crate) const SETTINGS_COST: u16 = 5;

/// The cost of a refused stream, and of a reset before there was an answer (rapid reset, CVE-2023-44487): the request was read, and its work is lost. A browser
/// that does not know our settings may have 100 requests refused.
pub(crate) const CANCEL_COST: u16 = 10;

/// The cost of a stream that this side has to reset (made-you-reset, CVE-2025-8671).
pub(crate) const STREAM_ERROR_COST: u16 = 20;

/// What an answered request gives: as much as the next one may cost.
pub(crate) const ANSWER_GAIN: u16 = CANCEL_COST;

/// What a DATA frame gives that leaves and was not cut by a small window: the peer may return both windows for each event.
pub(crate) const EVENT_GAIN: u16 = 2;

/// What bytes of a body give that are used, besides one for each [`SMALL_BYTES`].
pub(crate) const BODY_GAIN: u16 = 1;

/// What an answered PING gives, and what a call of `relent` gives. Whoever drives the connection makes these by a clock.
pub(crate) const TIME_GAIN: u16 = 100;

/// Less than this in a frame that carries something is small. A frame costs about as much to read as these bytes to copy.
pub(crate) const SMALL_BYTES: usize = 256;

/// A piece of a body with less than this is tiny: what is kept for it is many times its bytes. Lines of a batch are longer.
pub(crate) const TINY_BYTES: usize = 16;

/// Answers that may wait to leave: acknowledgements, resets, errors, window updates. A peer that asks and does not read is cut off here.
pub(crate) const CONTROL_BYTES_MAX: usize = 16_384;

/// How many times the limit of a head its bytes may be before the connection ends. Up to this the stream is answered with 431.
pub(crate) const HEAD_EXCESS_MAX: usize = 4;

/// Streams that this side has reset, whose frames may still be on their way: as many as a connection usually may have, which are all refused
/// at once in a drain. Of older ones such frames end the connection.
pub(crate) const RESETS_MAX: usize = 1_000;

/// What a peer may still spend.
#[derive(Debug)]
pub(crate) struct Credit(u16);

impl Credit {
    pub(crate) const fn new() -> Self {
        Self(CREDIT_MAX)
    }

    /// # Errors
    ///
    /// `ENHANCE_YOUR_CALM` if there is less.
    pub(crate) fn spend(&mut self, cost: u16) -> Result<(), Reason> {
        self.0 = self.0.checked_sub(cost).ok_or(Reason::ENHANCE_YOUR_CALM)?;
        Ok(())
    }

    pub(crate) fn gain(&mut self, gain: u16) {
        self.0 += gain.min(CREDIT_MAX - self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_credit_may_be_spent_and_no_more() {
        let mut credit = Credit::new();
        assert_eq!(credit.spend(CREDIT_MAX), Ok(()));
        assert_eq!(credit.spend(1), Err(Reason::ENHANCE_YOUR_CALM));
        credit.gain(1);
        assert_eq!(credit.spend(1), Ok(()));
    }

    #[test]
    fn nobody_saves_more_than_the_most() {
        let mut credit = Credit::new();
        credit.gain(u16::MAX);
        assert_eq!(credit.spend(CREDIT_MAX + 1), Err(Reason::ENHANCE_YOUR_CALM));
    }
}
