//! [`Waiting`]: bytes of one connection that wait. Most have none, so there is memory for them only while there are some.

use std::mem;

use fanfare_core::engine::Kept;

/// Bytes of which the first ones have been taken. Nothing is allocated once all have.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) bytes: Vec<u8>,
    from: usize,
}

impl Rest {
    fn of(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { Self::default() } else { Self { bytes, from: 0 } }
    }

    pub(super) fn left(&mut self) -> &mut [u8] {
        &mut self.bytes[self.from..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.from == self.bytes.len()
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.from += bytes;
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.drain(..mem::take(&mut self.from));
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.from
    }
}

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Rests {
    /// Bytes of the peer that are not opened.
    pub(super) input: Rest,
    /// Plaintext that nobody has read.
    pub(super) plain: Rest,
    /// Sealed bytes that the kernel has not taken.
    pub(super) sealed: Rest,
}

/// Bytes of one connection that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    rests: Option<Box<Rests>>,
    /// Counts it.
    counted: Option<Kept>,
}

impl Waiting {
    pub(super) fn new(input: Vec<u8>, plain: Vec<u8>) -> Self {
        let rests = Rests { input: Rest::of(input), plain: Rest::of(plain), sealed: Rest::default() };
        let mut waiting = Self { rests: Some(Box::new(rests)), counted: None };
        waiting.settle();
        waiting
    }

    /// Has the bytes counted.
    pub(super) fn counted(self, kept: Kept) -> Self {
        Self { counted: Some(kept), ..self }
    }

    /// All that waits, to be changed. [`Waiting::settle`] follows.
    pub(super) fn rests(&mut self) -> &mut Rests {
        self.rests.get_or_insert_default()
    }

    /// Sealed bytes, if there are some.
    pub(super) fn sealed(&mut self) -> Option<&mut Rest> {
        self.rests.as_mut().map(|rests| &mut rests.sealed).filter(|sealed| !sealed.is_empty())
    }

    /// Plaintext, if there is some.
    pub(super) fn plain(&mut self) -> Option<&mut Rest> {
        self.rests.as_mut().map(|rests| &mut rests.plain).filter(|plain| !plain.is_empty())
    }

    pub(super) fn keep_sealed(&mut self, sealed: &[u8]) {
        self.rests().sealed.append(sealed);
    }

    /// Number of bytes of the peer that are not opened.
    pub(super) fn input_bytes(&self) -> usize {
        self.rests.as_ref().map_or(0, |rests| rests.input.len())
    }

    /// Number of bytes that wait: sealed ones, input of which the rest has not come, and plaintext that is not read because its reader
    /// waits for the peer.
    pub(super) fn kept_bytes(&self) -> usize {
        self.rests.as_ref().map_or(0, |rests| rests.sealed.len() + rests.input.len() + rests.plain.len())
    }

    /// Something waits no longer, or something more does.
    pub(super) fn settle(&mut self) {
        if self.rests.as_ref().is_some_and(|rests| rests.is_empty()) {
            self.rests = None;
        }
        let bytes = self.kept_bytes();
        if let Some(counted) = &mut self.counted
            && counted.bytes() != bytes
        {
            counted.set(bytes);
        }
    }
}

impl Rests {
    fn is_empty(&self) -> bool {
        self.input.is_empty() && self.plain.is_empty() && self.sealed.is_empty()
    }
}
