//! Who may publish: the publish key, and the rule for pages in browsers, which cannot be told from their users.
//!
//! A page elsewhere can make a browser post to us, and a rebound name can make its page look like ours; so an Origin
//! must be one that was allowed, or the server's own under a name that cannot be rebound.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use subtle::ConstantTimeEq as _;

use crate::{config::Config, problem::Problem};

/// The longest publish key. All are compared over this many bytes, whatever their length, so that time tells nothing
/// of it.
pub const PUBLISH_KEY_BYTES_MAX: usize = 256;

/// Whether a request shows the publish key, if there is one.
///
/// # Errors
/// 401 without it.
pub(crate) fn check_key(config: &Config, headers: &HeaderMap) -> Result<(), Problem> {
    match &config.publish_key {
        Some(key) if !shows(headers, key) => Err(Problem::unauthorized()),
        _ => Ok(()),
    }
}

/// The Origin rule; a preflight, which browsers send without credentials, has to pass it too.
///
/// # Errors
/// 403 from a page that is not allowed.
pub(crate) fn check_origin(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let is_allowed = origins.next().is_none()
        && origin
            .to_str()
            .is_ok_and(|text| is_listed(config, text, |_| true) || is_own(config, text, host(uri, headers)));
    if is_allowed { Ok(()) } else { Err(Problem::forbidden()) }
}

/// Whether one of the origins of `--cors-origin` that `counts` is this one, or `*`.
pub(crate) fn is_listed(config: &Config, origin: &str, counts: impl Fn(&str) -> bool) -> bool {
    let mut listed = config.cors_origins.iter().filter(|listed| counts(listed));
    listed.any(|listed| listed == "*" || listed.eq_ignore_ascii_case(origin))
}

/// Whether the page came from this server: same host and port, by a name that nobody else can point here.
fn is_own(config: &Config, origin: &str, host: Option<&str>) -> bool {
    let (Some((_, authority)), Some(host)) = (origin.split_once("://"), host) else { return false };
    let (origin_name, origin_port) = split(authority);
    let (name, port) = split(host);
    let is_fixed = name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok())
        || config.public_hosts.iter().any(|public| public.eq_ignore_ascii_case(name));
    is_fixed && origin_name.eq_ignore_ascii_case(name) && origin_port == port
}

/// Name and port; the ports that schemes imply count as none, because either side may leave them out.
fn split(authority: &str) -> (&str, Option<&str>) {
    let port_at = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
    let (name, port) = port_at.map_or((authority, None), |colon| (&authority[..colon], Some(&authority[colon + 1..])));
    (name, port.filter(|port| !["", "80", "443"].contains(port)))
}

/// HTTP/2 has it in the URI.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = headers.get(HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(hyper::http::uri::Authority::as_str).or(named)
}

/// RFC 6750 2.1; the scheme's name in any case.
fn shows(headers: &HeaderMap, key: &str) -> bool {
    let Some(value) = headers.get(AUTHORIZATION) else { return false };
    let bytes = value.as_bytes();
    let Some((scheme, shown)) = bytes.split_at_checked("bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && is_same(shown.trim_ascii(), key.as_bytes())
}

fn is_same(shown: &[u8], key: &[u8]) -> bool {
    let padded = |bytes: &[u8]| {
        let mut space = [0; PUBLISH_KEY_BYTES_MAX];
        let count = bytes.len().min(PUBLISH_KEY_BYTES_MAX);
        space[..count].copy_from_slice(&bytes[..count]);
        space
    };
    if shown.len() > PUBLISH_KEY_BYTES_MAX || key.len() > PUBLISH_KEY_BYTES_MAX {
        return false;
    }
    let is_equal = padded(shown).ct_eq(&padded(key)) & shown.len().ct_eq(&key.len());
    is_equal.into()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn is_allowed(config: &Config, origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        check_origin(config, &Uri::from_static("/broadcast"), &headers).is_ok()
    }

    #[test]
    fn the_servers_own_page_may_publish_under_names_that_cannot_be_rebound() {
        let config = Config { public_hosts: vec!["push.example.org".into()], ..Config::default() };
        for (origin, host) in [
            ("http://127.0.0.1:3000", "127.0.0.1:3000"),
            ("http://[::1]:3000", "[::1]:3000"),
            ("http://LOCALHOST:3000", "localhost:3000"),
            ("https://push.example.org", "push.example.org"),
            ("https://push.example.org", "push.example.org:443"),
        ] {
            assert!(is_allowed(&config, origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://evil.example:3000", "evil.example:3000"),
            ("http://127.0.0.1:3001", "127.0.0.1:3000"),
            ("http://evil.example", "127.0.0.1:3000"),
            ("null", "127.0.0.1:3000"),
            ("http://push.example.org:8080", "push.example.org"),
            ("", "127.0.0.1"),
        ] {
            assert!(!is_allowed(&config, origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn listed_origins_may_publish_and_a_star_lists_all() {
        let listed = Config { cors_origins: vec!["https://app.example.org".into()], ..Config::default() };
        assert!(is_allowed(&listed, "https://app.example.org", "push.example.org"));
        assert!(!is_allowed(&listed, "http://app.example.org", "push.example.org"));
        let all = Config { cors_origins: vec!["*".into()], ..Config::default() };
        assert!(is_allowed(&all, "null", "x"));
    }

    #[test]
    fn only_the_key_opens() {
        let shows = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            super::shows(&headers, "secret")
        };
        assert!(shows("Bearer secret") && shows("bearer  secret "));
        for wrong in ["", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret"] {
            assert!(!shows(wrong), "{wrong}");
        }
    }
}
