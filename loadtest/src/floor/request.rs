//! Requests to the floor: to subscribe (`GET` of anything) or to publish (`POST` to anything, with a Content-Length).
//!
//! Everything else is refused. A publish in hand has a body without line breaks, so it is one line of data.

/// The most bytes a head may have.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// The most bytes a body may have.
const BODY_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, PartialEq)]
pub(super) enum Request {
    Subscribe,
    Publish(Vec<u8>),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Refusal {
    Malformed,
    Method,
}

impl Request {
    /// Takes one request off the start of `bytes`, or gives `None` while it is incomplete.
    pub(super) fn take(bytes: &mut Vec<u8>) -> Result<Option<Self>, Refusal> {
        let searched = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        let Some(head_bytes) = searched.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
            return if bytes.len() >= HEAD_BYTES_MAX { Err(Refusal::Malformed) } else { Ok(None) };
        };
        let head = std::str::from_utf8(&bytes[..head_bytes]).map_err(|_| Refusal::Malformed)?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let request_line = [words.next(), words.next(), words.next(), words.next()];
        let [Some(method), Some(_), Some("HTTP/1.1"), None] = request_line else { return Err(Refusal::Malformed) };
        match method {
            "GET" => {
                bytes.drain(..head_bytes);
                return Ok(Some(Self::Subscribe));
            }
            "POST" => {}
            _ => return Err(Refusal::Method),
        }
        let end = head_bytes + body_bytes(lines)?;
        if bytes.len() < end {
            return Ok(None);
        }
        let body = bytes[head_bytes..end].to_vec();
        bytes.drain(..end);
        if body.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            Err(Refusal::Malformed)
        } else {
            Ok(Some(Self::Publish(body)))
        }
    }
}

/// The length of the body, which the request must say.
fn body_bytes<'a>(headers: impl Iterator<Item = &'a str>) -> Result<usize, Refusal> {
    let mut length_bytes = None;
    for (name, value) in headers.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length_bytes = value.trim().parse().ok().filter(|bytes| *bytes <= BODY_BYTES_MAX);
        }
    }
    length_bytes.ok_or(Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> Result<Option<Request>, Refusal> {
        Request::take(&mut text.as_bytes().to_vec())
    }

    #[test]
    fn requests_are_taken_off_one_by_one_wherever_two_reads_cut_them() {
        let text = b"POST /x HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n";
        for cut in 0..text.len() {
            let mut bytes = text[..cut].to_vec();
            let mut taken = Vec::new();
            while let Some(request) = Request::take(&mut bytes).unwrap() {
                taken.push(request);
            }
            bytes.extend_from_slice(&text[cut..]);
            while let Some(request) = Request::take(&mut bytes).unwrap() {
                taken.push(request);
            }
            assert_eq!(taken, [Request::Publish(b"hello".to_vec()), Request::Subscribe], "cut at {cut}");
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for malformed in [
            "SSH-2.0\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nb",
        ] {
            assert_eq!(take(malformed), Err(Refusal::Malformed), "{malformed:?}");
        }
        assert_eq!(take("PUT / HTTP/1.1\r\n\r\n"), Err(Refusal::Method));
    }

    #[test]
    fn a_head_and_a_body_end_at_their_limits() {
        let head = |bytes: usize| format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(bytes - 23));
        assert_eq!(head(HEAD_BYTES_MAX).len(), HEAD_BYTES_MAX);
        assert_eq!(take(&head(HEAD_BYTES_MAX)), Ok(Some(Request::Subscribe)));
        assert_eq!(take(&head(HEAD_BYTES_MAX + 1)), Err(Refusal::Malformed));
        let post = |bytes: usize| take(&format!("POST / HTTP/1.1\r\nContent-Length: {bytes}\r\n\r\n"));
        assert_eq!(post(BODY_BYTES_MAX), Ok(None));
        assert_eq!(post(BODY_BYTES_MAX + 1), Err(Refusal::Malformed));
    }
}
