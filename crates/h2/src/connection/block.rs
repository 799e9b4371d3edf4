//! A head of which only the first frames have come.

use crate::{event::StreamId, flood::HEAD_EXCESS_MAX, frame::PAYLOAD_MAX, reason::Reason};

/// What HEADERS says about its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) id: StreamId,
    pub(super) is_end: bool,
    pub(super) depends_on_itself: bool,
}

/// A head of which CONTINUATION is to come.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) begun: Begun,
    pub(super) bytes: Vec<u8>,
    /// Bytes that were too many and are not kept.
    pub(super) skipped: usize,
}

impl Block {
    pub(super) fn new(begun: Begun, fragment: &[u8]) -> Self {
        Self { begun, bytes: fragment.to_vec(), skipped: 0 }
    }

    /// Adds a fragment. Past `bytes_max` nothing is kept if the decoder can do without it.
    ///
    /// # Errors
    ///
    /// `ENHANCE_YOUR_CALM` if it is far past the limit.
    pub(super) fn add(&mut self, fragment: &[u8], bytes_max: usize, may_skip: bool) -> Result<(), Reason> {
        let bytes_max = bytes_max.max(PAYLOAD_MAX);
        let bytes = self.bytes.len() + self.skipped + fragment.len();
        if bytes > bytes_max.saturating_mul(HEAD_EXCESS_MAX) {
            return Err(Reason::ENHANCE_YOUR_CALM);
        }
        if bytes > bytes_max && may_skip {
            (self.bytes, self.skipped) = (Vec::new(), bytes);
        } else {
            self.bytes.extend_from_slice(fragment);
        }
        Ok(())
    }
}
