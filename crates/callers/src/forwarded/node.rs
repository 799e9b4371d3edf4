//! The address in one element: of `X-Forwarded-For`, or of `Forwarded` (RFC 7239 section 6).

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The value of `for` in an element of `Forwarded` (RFC 7239 section 4). `None` if there is none or are two, or if the element is
/// malformed. Spaces around the parts are let pass, as some proxies write them.
pub(super) fn forwarded_for(element: &str) -> Option<Cow<'_, str>> {
    let mut found = None;
    let mut rest = element;
    loop {
        let (pair, behind) = split_pair(rest)?;
        // An element may have empty pairs.
        if !pair.is_empty() {
            let (name, value) = pair.split_once('=')?;
            let value = unquoted(value)?;
            if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
                return None;
            }
        }
        match behind {
            Some(behind) => rest = behind,
            None => return found,
        }
    }
}

/// The first pair, and what is behind its semicolon. `None` if a quoted string has no end.
fn split_pair(text: &str) -> Option<(&str, Option<&str>)> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return Some((text.get(..at)?.trim_ascii(), text.get(at + 1..))),
            _ => {}
        }
    }
    (!is_quoted).then_some((text.trim_ascii(), None))
}

/// A value without its quotes (RFC 9110 5.6.4).
fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = value.strip_prefix('"') else {
        return (!value.contains('"')).then_some(Cow::Borrowed(value));
    };
    let quoted = quoted.strip_suffix('"')?;
    if !quoted.contains(['\\', '"']) {
        return Some(Cow::Borrowed(quoted));
    }
    let mut text = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next()?),
            '"' => return None,
            _ => text.push(letter),
        }
    }
    Some(Cow::Owned(text))
}

/// An address, with brackets or a port if it has them. `None` for `unknown` and for what begins with `_` (RFC 7239 6.2 and 6.3).
pub(super) fn address(node: &str) -> Option<IpAddr> {
    let address = match node.strip_prefix('[') {
        Some(node) => {
            let (address, behind) = node.split_once(']')?;
            let has_good_end = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
            IpAddr::from(address.parse::<Ipv6Addr>().ok().filter(|_| has_good_end)?)
        }
        None => match node.parse() {
            Ok(address) => address,
            Err(_) => {
                let (address, port) = node.split_once(':')?;
                IpAddr::from(address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port))?)
            }
        },
    };
    Some(address.to_canonical())
}

/// A port, or a name for one (RFC 7239 6, `node-port`).
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            !name.is_empty() && name.bytes().all(is_plain)
        }
        None => matches!(text.len(), 1..=5) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}
