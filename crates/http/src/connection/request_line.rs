//! [`RequestLine`]: looks for a `#` in a request line of HTTP/1 as it comes. A target has none (RFC 9112 3.2), and hyper cuts it off
//! with what stands behind it, so that a publish would go to another channel than it says.
//!
//! Only the line of a request that comes while nothing is under way is seen. A request that is sent before the answer to the one
//! before, and the path of HTTP/2, which is compressed, are seen by nobody but hyper.

/// Place of the last byte that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestLine {
    /// In front of the line, where empty lines may stand (RFC 9112 2.2).
    #[default]
    Ahead,
    /// In the line, and no `#` has come.
    Plain,
    /// In the line or behind it, and a `#` has come.
    Fragment,
    /// Behind the line, and no `#` has come.
    Over,
}

impl RequestLine {
    /// Goes on with `bytes`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            *self = match (*self, byte) {
                (Self::Fragment | Self::Over, _) => return,
                (Self::Ahead, b'\r' | b'\n') => Self::Ahead,
                (_, b'#') => Self::Fragment,
                (Self::Plain, b'\n') => Self::Over,
                (Self::Ahead | Self::Plain, _) => Self::Plain,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&str]) -> RequestLine {
        let mut line = RequestLine::default();
        pieces.iter().for_each(|piece| line.feed(piece.as_bytes()));
        line
    }

    #[test]
    fn only_the_first_line_counts_however_it_comes() {
        assert_eq!(of(&["\r\n", "GET /a", "#b HTTP/1.1\r\n"]), RequestLine::Fragment);
        assert_eq!(of(&["GET /a#b HTTP/1.1\r\nx: y\r\n"]), RequestLine::Fragment);
        assert_eq!(of(&["GET /a%23b HTTP/1.1\r", "\nx: #\r\n\r\n#"]), RequestLine::Over);
        assert_eq!(of(&["GET /"]), RequestLine::Plain);
        assert_eq!(of(&["\r\n\n"]), RequestLine::Ahead);
    }
}
