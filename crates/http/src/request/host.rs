//! [`Host`]: the name and the port that a request was sent to, as its client says it.

use hyper::{
    Request, Version,
    header::{HOST, HeaderValue},
};

use crate::answer::problem::Problem;

/// `uri-host [ ":" port ]` (RFC 9110 7.2), and not empty: a URI of http has a name (RFC 9110 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// The name as it was written, an IPv6 address in its brackets.
    pub(crate) name: &'a str,
    /// The port. `None` if there is none, or an empty one.
    pub(crate) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads a host. `None` if `text` is none (RFC 3986 3.2.2).
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let colon = text.rfind(':').filter(|colon| !text[*colon..].contains(']'));
        let (name, port) = colon.map_or((text, ""), |colon| (&text[..colon], &text[colon + 1..]));
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|_| is_port)?) };
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_name = match address {
            Some(address) => is_address(address),
            None => !name.is_empty() && is_registered_name(name),
        };
        is_name.then_some(Self { name, port })
    }

    /// Whether both are the same place. Either may leave out the port of the scheme.
    pub(crate) fn is_same(&self, other: &Host<'_>, scheme_port: Option<u16>) -> bool {
        let port = |host: &Host<'_>| host.port.or(scheme_port);
        self.name.eq_ignore_ascii_case(other.name) && port(self) == port(other)
    }
}

/// An IPv6 address, or one of a later version (IPvFuture).
fn is_address(text: &str) -> bool {
    let is_later = || {
        let (version, rest) = text.strip_prefix(['v', 'V'])?.split_once('.')?;
        let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(is_version && !rest.is_empty() && rest.bytes().all(|byte| is_name_byte(byte) || byte == b':'))
    };
    text.parse::<std::net::Ipv6Addr>().is_ok() || is_later() == Some(true)
}

fn is_registered_name(text: &str) -> bool {
    let mut pieces = text.split('%');
    let is_plain = |piece: &str| piece.bytes().all(is_name_byte);
    let is_encoded = |piece: &str| {
        let (digits, rest) = (piece.get(..2), piece.get(2..));
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) && rest.is_some_and(is_plain)
    };
    pieces.next().is_some_and(is_plain) && pieces.all(is_encoded)
}

/// `unreserved` and `sub-delims` (RFC 3986 2.2, 2.3).
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// The host of a request, if it has one. The target counts, where it names one (RFC 9112 3.2.2).
///
/// # Errors
/// 400 for a host that is none, for none or several where HTTP/1.1 demands one (RFC 9112 3.2), and where HTTP/2 says two that
/// differ, or none (RFC 9113 8.3.1).
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut named = request.headers().get_all(HOST).iter();
    let header = named.next();
    let version = request.version();
    match header {
        None if version == Version::HTTP_11 => return Err(Problem::bad_request("exactly one Host header is needed")),
        _ if named.next().is_some() => return Err(Problem::bad_request("at most one Host header is allowed")),
        _ => {}
    }
    let wrong = || Problem::bad_request("the host is no name or address, with a port or without");
    let header = header.map(|value| of_header(value).ok_or_else(wrong)).transpose()?;
    let target = request.uri().authority().map(|authority| Host::parse(authority.as_str()).ok_or_else(wrong));
    match (target.transpose()?, header) {
        (Some(target), Some(header)) if version == Version::HTTP_2 && !target.is_same(&header, None) => {
            Err(Problem::bad_request("the Host header and :authority differ"))
        }
        (None, None) if version == Version::HTTP_2 => Err(Problem::bad_request(":authority is needed")),
        _ => Ok(()),
    }
}

/// The host in the value of a header.
pub(crate) fn of_header(value: &HeaderValue) -> Option<Host<'_>> {
    value.to_str().ok().and_then(Host::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_may_have_a_port() {
        for (text, name, port) in [
            ("a", "a", None),
            ("push.example.org", "push.example.org", None),
            ("a_b:8080", "a_b", Some(8080)),
            ("127.0.0.1:0", "127.0.0.1", Some(0)),
            ("[::1]:65535", "[::1]", Some(65_535)),
            ("[::1]", "[::1]", None),
            ("[v7.a:b]", "[v7.a:b]", None),
            ("a:", "a", None),
            ("a%20b", "a%20b", None),
        ] {
            assert_eq!(Host::parse(text), Some(Host { name, port }), "{text}");
        }
        for wrong in [
            "",
            " ",
            "a b",
            "<script>",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "user:word@b",
            "a,b c",
            "\u{fc}",
            "a:b",
            "a:65536",
            "a:+1",
            "a:-1",
            ":80",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]x",
            "[a]",
            "[::1]]",
            "a\\b",
            "a\"",
            "a|b",
            "%",
            "%2",
            "%zz",
            "a[",
            "[v.a]",
            "a:80:80",
            "`",
            "^",
            "{}",
            "a%2\u{fc}",
        ] {
            assert_eq!(Host::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ports_are_the_same_if_the_scheme_says_so() {
        let is_same =
            |one, other, scheme_port| Host::parse(one).unwrap().is_same(&Host::parse(other).unwrap(), scheme_port);
        assert!(is_same("A:80", "a", Some(80)) && is_same("a", "a:443", Some(443)) && is_same("a", "a", None));
        assert!(!is_same("a:80", "a", Some(443)) && !is_same("a:80", "a", None) && !is_same("a", "b", None));
    }
}
