//! Bytes that have come become whole frames. Only the start of a frame that is not whole is kept.

use std::mem;

use crate::{
    frame::{HEADER_BYTES, Header, PAYLOAD_MAX},
    reason::Reason,
};

/// The first bytes of every connection (RFC 9113 section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The receiving side of a connection, before frames mean anything.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// The start of a frame. No memory between frames.
    held: Vec<u8>,
    /// Bytes of the preface that have come.
    preface_bytes: u8,
}

impl Input {
    /// Calls `take` with each frame that `bytes` make whole, and stops at the first error.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Header, &[u8]) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let mut bytes = self.preface(bytes)?;
        while !bytes.is_empty() {
            if self.held.is_empty() {
                let Some((header, payload)) = first(bytes)? else {
                    self.held.extend_from_slice(bytes);
                    return Ok(());
                };
                take(header, payload)?;
                bytes = bytes.get(HEADER_BYTES + header.bytes..).unwrap_or_default();
                continue;
            }
            let missing = frame_bytes(&self.held).saturating_sub(self.held.len());
            let (more, rest) = bytes.split_at(missing.min(bytes.len()));
            self.held.extend_from_slice(more);
            bytes = rest;
            if let Some((header, _)) = first(&self.held)? {
                let held = mem::take(&mut self.held);
                take(header, held.get(HEADER_BYTES..).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Whether the preface has not come, or a frame is not whole.
    pub(crate) fn is_in_frame(&self) -> bool {
        !self.held.is_empty() || usize::from(self.preface_bytes) < PREFACE.len()
    }

    /// Bytes of a frame that is not whole.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Whether there is no memory for a frame.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.held.capacity() == 0
    }

    /// What follows the preface in `bytes`.
    fn preface<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Reason> {
        let missing = PREFACE.get(usize::from(self.preface_bytes)..).unwrap_or_default();
        let (start, rest) = bytes.split_at(missing.len().min(bytes.len()));
        if !missing.starts_with(start) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        // No more than the 24 bytes of the preface.
        self.preface_bytes += start.len() as u8;
        Ok(rest)
    }
}

/// The bytes of the frame that begins with `held`, as far as they are known.
fn frame_bytes(held: &[u8]) -> usize {
    held.first_chunk().map_or(HEADER_BYTES, |header| HEADER_BYTES + Header::parse(header).bytes)
}

/// The first frame, or `None` if it is not whole.
fn first(bytes: &[u8]) -> Result<Option<(Header, &[u8])>, Reason> {
    let Some((header, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let header = Header::parse(header);
    if header.bytes > PAYLOAD_MAX {
        return Err(Reason::FRAME_SIZE_ERROR);
    }
    Ok(rest.get(..header.bytes).map(|payload| (header, payload)))
}
