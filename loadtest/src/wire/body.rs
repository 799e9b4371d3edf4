//! The body of an HTTP/1.1 answer, taken out of its framing piece by piece, wherever the reads cut it (RFC 9112 6, 7).
//!
//! Used for event streams and for the answers to publishes. Strict, so that a server's mistake shows. Never copies.

/// How the rest of a body is framed, and how far it has been read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Chunked(Chunk),
    /// A body of known length. This many bytes are still to come.
    Length(u64),
    UntilClose,
}

/// Where inside the chunked coding a read ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chunk {
    Size {
        value: u64,
        digits: u8,
    },
    Extension {
        value: u64,
    },
    SizeLf {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// At or inside a trailer line. An empty one ends the body.
    Trailer {
        line_is_empty: bool,
    },
    TrailerLf {
        line_is_empty: bool,
    },
    Over,
}

/// The chunked coding is broken.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the chunked coding is broken")]
pub(crate) struct Malformed;

impl Body {
    pub(crate) fn chunked() -> Self {
        Self::Chunked(Chunk::START)
    }

    /// Hands the content within `bytes` to `content` and returns how many bytes belonged to this body.
    pub(crate) fn decode(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        match self {
            Self::UntilClose => {
                content(bytes);
                Ok(bytes.len())
            }
            Self::Length(left) => {
                let part = first(bytes, *left);
                *left -= part.len() as u64;
                content(part);
                Ok(part.len())
            }
            Self::Chunked(chunk) => {
                let mut used = 0;
                while used < bytes.len() && *chunk != Chunk::Over {
                    used += chunk.step(&bytes[used..], &mut content)?;
                }
                Ok(used)
            }
        }
    }

    /// Whether nothing more belongs to this body. A body that lasts until the close is never over before it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }
}

impl Chunk {
    const START: Self = Self::Size { value: 0, digits: 0 };

    /// Takes one byte, or one piece of content, off the start of `bytes`, which is not empty.
    fn step(&mut self, bytes: &[u8], content: &mut impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let byte = bytes[0];
        *self = match *self {
            Self::Data { left } => {
                let part = first(bytes, left);
                content(part);
                let left = left - part.len() as u64;
                *self = if left == 0 { Self::DataCr } else { Self::Data { left } };
                return Ok(part.len());
            }
            Self::Size { value, digits } => match (char::from(byte).to_digit(16), byte) {
                // 15 digits cannot overflow, and no sound server sends more.
                (Some(digit), _) if digits < 15 => {
                    Self::Size { value: (value << 4) | u64::from(digit), digits: digits + 1 }
                }
                (None, b'\r') if digits > 0 => Self::SizeLf { value },
                (None, b';' | b' ' | b'\t') if digits > 0 => Self::Extension { value },
                _ => return Err(Malformed),
            },
            Self::Extension { value } => match byte {
                b'\r' => Self::SizeLf { value },
                b'\n' => return Err(Malformed),
                _ => Self::Extension { value },
            },
            Self::SizeLf { value } => match (byte, value) {
                (b'\n', 0) => Self::Trailer { line_is_empty: true },
                (b'\n', left) => Self::Data { left },
                _ => return Err(Malformed),
            },
            Self::DataCr if byte == b'\r' => Self::DataLf,
            Self::DataLf if byte == b'\n' => Self::START,
            Self::Trailer { line_is_empty } => match byte {
                b'\r' => Self::TrailerLf { line_is_empty },
                _ => Self::Trailer { line_is_empty: false },
            },
            Self::TrailerLf { line_is_empty: true } if byte == b'\n' => Self::Over,
            Self::TrailerLf { line_is_empty: false } if byte == b'\n' => Self::Trailer { line_is_empty: true },
            Self::DataCr | Self::DataLf | Self::TrailerLf { .. } | Self::Over => return Err(Malformed),
        };
        Ok(1)
    }
}

/// The first bytes, at most `left` of them.
fn first(bytes: &[u8], left: u64) -> &[u8] {
    &bytes[..usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"5\r\nhello\r\n00C;x=\"y\"\r\n, wide world\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\nREST";

    fn decode(body: &mut Body, bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, Malformed> {
        body.decode(bytes, |part| text.extend_from_slice(part))
    }

    #[test]
    fn chunks_are_taken_apart_wherever_two_reads_cut_them() {
        for cut in 0..=CHUNKED.len() {
            let (mut body, mut text) = (Body::chunked(), Vec::new());
            let (before, after) = CHUNKED.split_at(cut);
            let used = decode(&mut body, before, &mut text).unwrap() + decode(&mut body, after, &mut text).unwrap();
            assert!(body.is_over(), "cut at {cut}");
            assert_eq!(text, b"hello, wide world!", "cut at {cut}");
            assert_eq!(used, CHUNKED.len() - b"REST".len(), "cut at {cut}");
        }
    }

    #[test]
    fn chunks_are_taken_apart_byte_by_byte() {
        let (mut body, mut text) = (Body::chunked(), Vec::new());
        for byte in b"A\r\n0123456789\r\n0\r\n\r\n" {
            assert!(!body.is_over());
            assert_eq!(decode(&mut body, &[*byte], &mut text), Ok(1));
        }
        assert!(body.is_over());
        assert_eq!(text, b"0123456789");
    }

    #[test]
    fn broken_chunks_are_refused() {
        for broken in [
            "\r\n",
            "g\r\n",
            "5\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\rx",
            "1\rx",
            "0\r\n\rx",
            ";x\r\n",
            "1;x\ny",
            "1111111111111111\r\n",
            "-1\r\n",
        ] {
            let mut text = Vec::new();
            assert_eq!(decode(&mut Body::chunked(), broken.as_bytes(), &mut text), Err(Malformed), "{broken:?}");
        }
    }

    #[test]
    fn a_length_ends_the_body_and_a_close_does_not() {
        let (mut body, mut text) = (Body::Length(5), Vec::new());
        assert_eq!(decode(&mut body, b"hel", &mut text), Ok(3));
        assert!(!body.is_over());
        assert_eq!(decode(&mut body, b"lo there", &mut text), Ok(2));
        assert!(body.is_over());
        assert_eq!(text, b"hello");
        let mut body = Body::UntilClose;
        assert_eq!(decode(&mut body, b" and more", &mut text), Ok(9));
        assert!(!body.is_over());
    }
}
