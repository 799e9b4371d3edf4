//! The head of a frame (RFC 9113 section 4.1), and what its fields may be.

/// Bytes of a frame before its payload.
pub(crate) const HEADER_BYTES: usize = 9;

/// The most bytes of a payload, both ways. A peer takes at least as many, and this side asks for no more (RFC 9113 section 4.2).
pub(crate) const PAYLOAD_MAX: usize = 16_384;

/// Types of frames (RFC 9113 section 6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(crate) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// The head of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// Bytes of the payload, below 2^24.
    pub(crate) bytes: usize,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// The stream, or 0 for the connection.
    pub(crate) stream: u32,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Self {
        let [length_0, length_1, length_2, kind, flags, id @ ..] = *bytes;
        let length = u32::from_be_bytes([0, length_0, length_1, length_2]);
        Self { bytes: length as usize, kind, flags, stream: word(id) }
    }

    pub(crate) fn encode(self) -> [u8; HEADER_BYTES] {
        let [_, length_0, length_1, length_2] = (self.bytes as u32).to_be_bytes();
        let [id_0, id_1, id_2, id_3] = self.stream.to_be_bytes();
        [length_0, length_1, length_2, self.kind, self.flags, id_0, id_1, id_2, id_3]
    }

    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// A number of 31 bits. The highest bit means nothing.
pub(crate) fn word(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & (u32::MAX >> 1)
}

/// The payload without its padding (RFC 9113 section 6.1), or `None` if there is more padding than payload.
pub(crate) fn unpadded(header: Header, payload: &[u8]) -> Option<&[u8]> {
    if !header.has(flag::PADDED) {
        return Some(payload);
    }
    let (padding, rest) = payload.split_first()?;
    rest.get(..rest.len().checked_sub(usize::from(*padding))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_without_the_reserved_bit() {
        let header = Header { bytes: 0x01_0203, kind: 7, flags: 5, stream: 0x7fff_fffe };
        let mut bytes = header.encode();
        bytes[5] |= 0x80;
        let seen = Header::parse(&bytes);
        assert_eq!((seen.bytes, seen.kind, seen.flags, seen.stream), (0x01_0203, 7, 5, 0x7fff_fffe));
    }

    #[test]
    fn padding_may_be_all_of_the_payload_and_no_more() {
        let header = Header { bytes: 0, kind: kind::DATA, flags: flag::PADDED, stream: 1 };
        assert_eq!(unpadded(header, &[2, 9, 0, 0]), Some(&[9][..]));
        assert_eq!(unpadded(header, &[2, 0, 0]), Some(&[][..]));
        assert_eq!(unpadded(header, &[3, 0, 0]), None);
        assert_eq!(unpadded(header, &[]), None);
    }
}
