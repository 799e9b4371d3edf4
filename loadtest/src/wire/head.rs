//! The head of an HTTP/1.1 answer: status, framing of the body, whether it is an event stream, whether it closes.
//!
//! Read once per connection or publish, so it is written for clearness. Interim (1xx) answers are passed over.

use crate::wire::body::Body;

/// The most bytes a head may have before it is refused.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The parts of a head that the rest of the program needs.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// The content type as the server sent it, in lower case. Empty if it sent none.
    pub(crate) content_type: String,
    /// The server closes the connection after this answer.
    pub(crate) closes: bool,
}

/// Why an answer is not HTTP/1.1 that could be read on.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub(crate) enum HeadError {
    #[error("the answer is not HTTP/1.1")]
    NotHttp,
    #[error("the head of the answer is larger than {HEAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the answer's Content-Length is not a number")]
    Length,
}

/// A head that is not complete yet.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    bytes: Vec<u8>,
}

impl HeadReader {
    /// Takes bytes that were read. Gives the head once it is complete, and the bytes of the body that came along.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Option<(Head, Vec<u8>)>, HeadError> {
        self.bytes.extend_from_slice(bytes);
        // A wrong protocol is told at once, and not only when a blank line happens to come.
        let opening = b"HTTP/1.";
        let same = opening.len().min(self.bytes.len());
        if self.bytes[..same] != opening[..same] {
            return Err(HeadError::NotHttp);
        }
        while let Some(at) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = self.bytes.split_off(at + 4);
            let head = parse(&std::mem::replace(&mut self.bytes, rest))?;
            if !(100..200).contains(&head.status) {
                return Ok(Some((head, std::mem::take(&mut self.bytes))));
            }
        }
        if self.bytes.len() > HEAD_BYTES_MAX { Err(HeadError::TooLarge) } else { Ok(None) }
    }
}

fn parse(bytes: &[u8]) -> Result<Head, HeadError> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let (version, rest) = status_line.split_once(' ').ok_or(HeadError::NotHttp)?;
    let status = rest.get(..3).and_then(|digits| digits.parse().ok()).ok_or(HeadError::NotHttp)?;
    let mut head = Head { status, body: Body::UntilClose, content_type: String::new(), closes: version == "HTTP/1.0" };
    let (mut is_chunked, mut length_bytes) = (false, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => head.content_type = value,
            "content-length" => length_bytes = Some(value.parse().map_err(|_| HeadError::Length)?),
            "transfer-encoding" => is_chunked = value.ends_with("chunked"),
            "connection" => {
                head.closes = match value.as_str() {
                    "keep-alive" => false,
                    value => head.closes || value.split(',').any(|token| token.trim() == "close"),
                }
            }
            _ => {}
        }
    }
    // RFC 9112 6.3: chunked wins over a length, and some statuses have no body at all.
    head.body = match (status, is_chunked, length_bytes) {
        (204 | 304, _, _) => Body::Length(0),
        (_, true, _) => Body::chunked(),
        (_, false, Some(length_bytes)) => Body::Length(length_bytes),
        (_, false, None) => Body::UntilClose,
    };
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\n\
        transfer-encoding: chunked\r\nConnection: close\r\n\r\n2\r\n:\n";

    #[test]
    fn a_head_is_read_wherever_two_reads_cut_it() {
        for cut in 0..=STREAM.len() {
            let mut reader = HeadReader::default();
            let (head, rest) = match reader.take(&STREAM[..cut]).unwrap() {
                Some((head, rest)) => (head, [&rest, &STREAM[cut..]].concat()),
                None => reader.take(&STREAM[cut..]).unwrap().expect("the head is complete"),
            };
            assert_eq!((head.status, head.closes, &head.body), (200, true, &Body::chunked()), "cut at {cut}");
            assert_eq!(head.content_type, "text/event-stream");
            assert_eq!(rest, b"2\r\n:\n", "cut at {cut}");
        }
    }

    #[test]
    fn the_framing_follows_the_head() {
        let body = |head: &str| HeadReader::default().take(head.as_bytes()).unwrap().unwrap().0.body;
        assert_eq!(body("HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n"), Body::Length(12));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n"), Body::Length(0));
        assert_eq!(body("HTTP/1.1 200\r\n\r\n"), Body::UntilClose);
        let both = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(body(both), Body::chunked());
    }

    #[test]
    fn what_is_not_http_is_refused_at_once() {
        let take = |bytes: &[u8]| HeadReader::default().take(bytes).unwrap_err();
        assert_eq!(take(b"SSH-2.0"), HeadError::NotHttp);
        assert_eq!(take(b"HTTP/1.1 abc\r\n\r\n"), HeadError::NotHttp);
        assert_eq!(take(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), HeadError::Length);
        assert_eq!(take(&[b"HTTP/1.1 ".as_slice(), &[b'x'; HEAD_BYTES_MAX]].concat()), HeadError::TooLarge);
    }
}
