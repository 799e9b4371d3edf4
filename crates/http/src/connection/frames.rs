//! [`Frames`]: follows the frames of HTTP/2 as they come (RFC 9113 4.1), only to tell whether a connection is in the middle of a
//! frame or of a head. hyper does not say, and a connection that stops there has another timeout than one that waits.

/// Bytes of length, type, flags and stream.
const HEADER_BYTES: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
/// Flag of those two: the head is whole.
const END_HEADERS: u8 = 4;

/// Place of the last byte that came.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    payload_left: usize,
    /// The head goes on in the next frame.
    is_head_open: bool,
}

impl Frames {
    /// Follows the next bytes, which stand behind the preface.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let wanted =
                if self.header_bytes < HEADER_BYTES { HEADER_BYTES - self.header_bytes } else { self.payload_left };
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            if self.header_bytes == HEADER_BYTES {
                self.payload_left -= taken.len();
            } else {
                self.header[self.header_bytes..self.header_bytes + taken.len()].copy_from_slice(taken);
                self.header_bytes += taken.len();
                if self.header_bytes == HEADER_BYTES {
                    self.begin();
                }
            }
            if self.header_bytes == HEADER_BYTES && self.payload_left == 0 {
                self.header_bytes = 0;
            }
        }
    }

    fn begin(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.payload_left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if [HEADERS, CONTINUATION].contains(&kind) {
            self.is_head_open = flags & END_HEADERS == 0;
        }
    }

    /// Whether a frame or a head is not whole.
    pub(crate) fn are_open(&self) -> bool {
        self.header_bytes > 0 || self.is_head_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn a_frame_is_open_until_its_last_byte_however_it_comes() {
        let bytes = [frame(4, 0, b""), frame(0, 1, b"data"), frame(6, 0, b"12345678")].concat();
        let ends = [9, 22, 39];
        let mut frames = Frames::default();
        for (at, byte) in bytes.iter().enumerate() {
            frames.feed(&[*byte]);
            assert_eq!(frames.are_open(), !ends.contains(&(at + 1)), "{at}");
        }
        let mut frames = Frames::default();
        frames.feed(&bytes[..30]);
        assert!(frames.are_open());
        frames.feed(&bytes[30..]);
        assert!(!frames.are_open());
    }

    #[test]
    fn a_head_is_open_until_a_frame_says_that_it_is_whole() {
        let mut frames = Frames::default();
        frames.feed(&frame(HEADERS, 1, b"half"));
        assert!(frames.are_open());
        frames.feed(&frame(CONTINUATION, 0, b"more"));
        assert!(frames.are_open());
        frames.feed(&frame(CONTINUATION, END_HEADERS, b""));
        assert!(!frames.are_open());
        frames.feed(&frame(HEADERS, END_HEADERS | 1, b"whole"));
        assert!(!frames.are_open());
    }
}
