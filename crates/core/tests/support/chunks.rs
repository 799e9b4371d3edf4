//! A strict parser of HTTP/1.1 chunks (RFC 9112 7.1), fed piece by piece. The parser accepts only the output of a
//! careful encoder: lower-case hex without leading zeros, no extensions, no trailers, nothing after the end.

/// The state of one chunked body.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    buffer: Vec<u8>,
    is_over: bool,
}

impl Chunks {
    /// Returns the payloads that are whole now, in order. Panics at the first wrong byte.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.buffer.extend_from_slice(bytes);
        let mut payloads = Vec::new();
        let mut at = 0;
        while let Some((payload, used)) = self.next(&self.buffer[at..]) {
            at += used;
            self.is_over = payload.is_empty();
            if !self.is_over {
                payloads.push(payload);
            }
        }
        self.buffer.drain(..at);
        payloads
    }

    fn next(&self, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        assert!(!self.is_over || bytes.is_empty(), "bytes after the final chunk: {}", String::from_utf8_lossy(bytes));
        let digits = bytes.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        let context = || String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        if digits == bytes.len() {
            return None;
        }
        assert!(digits > 0 && (bytes[0] != b'0' || digits == 1), "a broken chunk size at {:?}", context());
        let head = digits + 2;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..digits]).unwrap(), 16).unwrap();
        let break_at = |at: usize| {
            let found = &bytes[at.min(bytes.len())..(at + 2).min(bytes.len())];
            assert!(b"\r\n".starts_with(found), "a broken line at {at} of {:?}", context());
            found.len() == 2
        };
        if !break_at(digits) || !break_at(head + size) {
            return None;
        }
        Some((bytes[head..head + size].to_vec(), head + size + 2))
    }

    /// Whether the final chunk has come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the parser is between two chunks.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.buffer.is_empty()
    }
}
