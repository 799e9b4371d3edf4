//! [`TraceContext`]: the header `traceparent` (W3C Trace Context 3.2), by which a caller names its trace and its span.

use std::fmt;

use hyper::{HeaderMap, header::HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Bytes of the header in version 00. Later versions may have more behind them.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// The trace of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    parent: [u8; 8],
    flags: u8,
}

/// The id of a trace. Its `Display` is that of the header: 32 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

impl TraceContext {
    /// The trace that the headers name. None if they name none, or if the header is not as the standard has it: it is ignored then (4.3).
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(TRACEPARENT)?;
        // Several are as good as none.
        let is_alone = headers.get_all(TRACEPARENT).iter().nth(1).is_none();
        Self::parse(value.as_bytes()).filter(|_| is_alone)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (fields, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = fields.split(|byte| *byte == b'-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = bytes::<1>(version)?;
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        if !is_whole || parts.next().is_some() {
            return None;
        }
        let (trace, parent, [flags]) = (bytes::<16>(trace)?, bytes::<8>(parent)?, bytes::<1>(flags)?);
        (trace != [0; 16] && parent != [0; 8]).then_some(Self { trace, parent, flags })
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> TraceId {
        TraceId(self.trace)
    }

    /// The id of the caller's span.
    pub fn parent_id(&self) -> [u8; 8] {
        self.parent
    }

    /// All flags, also those that this version of the standard does not know.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether the caller records the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl TraceId {
    /// The bytes, most significant first.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The bytes that `N` pairs of hexadecimal digits in lower case stand for.
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read() {
        let context = TraceContext::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent_id(), [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7]);
        assert!(context.is_sampled());
        let unsampled = TraceContext::parse(GOOD.replace("-01", "-fe").as_bytes()).unwrap();
        assert!(!unsampled.is_sampled() && unsampled.flags() == 0xfe);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for text in [GOOD.replacen("00-", "01-", 1), GOOD.replacen("00-", "fe-", 1) + "-more"] {
            assert!(TraceContext::parse(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_not_as_the_standard_has_it_is_ignored() {
        for text in [
            String::new(),
            GOOD[1..].to_owned(),
            GOOD.to_uppercase(),
            format!("{GOOD}-"),
            format!("{GOOD}0"),
            GOOD.replacen("00-", "ff-", 1),
            GOOD.replacen("00-", "01-", 1) + "0",
            GOOD.replace('-', "_"),
            GOOD.replace("-01", "-0g"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("4736-", "-4736"),
            GOOD.replace("4736-", "47-6-"),
            "-".repeat(55),
            "\u{e9}".repeat(28),
        ] {
            assert_eq!(TraceContext::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn two_headers_are_as_good_as_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(TraceContext::of(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(TraceContext::of(&headers), None);
    }
}
