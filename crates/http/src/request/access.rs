//! The right to publish: the publish key, and the rule for pages in browsers, which cannot be told from their users.
//!
//! A page elsewhere can make a browser post to us, and a rebound name can make its page look like ours. So an Origin must be one
//! that was allowed, or the server's own under a name that cannot be rebound.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, HOST, HeaderName, ORIGIN},
};
use subtle::ConstantTimeEq as _;

use crate::{
    answer::problem::Problem,
    config::Config,
    request::{
        host::{self, Host},
        parameters::shown,
    },
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Ports that an Origin and a Host leave out.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// The longest publish key. All are compared over this many bytes, whatever their length, so that time tells nothing
/// of it.
pub const PUBLISH_KEY_BYTES_MAX: usize = 256;

/// Whether a request shows the publish key, if there is one.
///
/// # Errors
/// 401 without a key, with a header that is none, and with another key.
pub(crate) fn check_key(config: &Config, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(key) = &config.publish_key else { return Ok(()) };
    let Some(value) = headers.get(AUTHORIZATION) else { return Err(Problem::without_key()) };
    let shown = bearer(value.as_bytes()).ok_or_else(Problem::not_bearer)?;
    if is_same(shown, key.as_bytes()) { Ok(()) } else { Err(Problem::wrong_key()) }
}

/// The rule for pages. A preflight, which browsers send without credentials, has to pass it too.
///
/// # Errors
/// 403 from a page that is not allowed.
pub(crate) fn check_origin(config: &Config, is_tls: bool, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_allowed = match (origins.next(), origins.next()) {
        (None, _) => is_by_no_page(config, uri, headers),
        (Some(origin), None) => origin.to_str().is_ok_and(|text| {
            is_listed(config, text, |_| true)
                || (is_own(config, is_tls, text, host(uri, headers)) && may_be_own(headers))
        }),
        (Some(_), Some(_)) => false,
    };
    if is_allowed { Ok(()) } else { Err(refused(headers)) }
}

/// A refusal that names the setting for whoever runs the server.
fn refused(headers: &HeaderMap) -> Problem {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).filter(|origin| *origin != "null");
    let page = origin.map_or_else(|| "of another site".to_owned(), |origin| format!("of {}", shown(origin)));
    Problem::forbidden(format!(
        "a page {page} may not publish here; if it is yours, name its origin with --cors-origin, or, if it is this server's own, \
         its host with --public-host"
    ))
}

/// Whether a request without an Origin comes from a program, or from where a page may publish. A browser says by itself whether
/// a page of another site has sent it, and a page cannot change that (Fetch Metadata, `Sec-Fetch-Site`).
fn is_by_no_page(config: &Config, uri: &Uri, headers: &HeaderMap) -> bool {
    match site(headers) {
        None | Some("none") => true,
        Some("same-origin") => host(uri, headers).is_some_and(|host| is_fixed(config, host)),
        Some(_) => config.cors_origins.iter().any(|listed| listed == "*"),
    }
}

/// The site of the page, in the words of the browser. `None` if it says nothing. Anything that is not said once and clearly counts
/// as another site.
fn site(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(SEC_FETCH_SITE).iter();
    let value = values.next()?;
    Some(value.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default())
}

/// Whether the browser does not know better. It knows whether it has come by TLS, which ends at a proxy.
fn may_be_own(headers: &HeaderMap) -> bool {
    site(headers).is_none_or(|site| site == "same-origin")
}

/// Whether one of the origins of `--cors-origin` that `counts` is this one, or `*`.
pub(crate) fn is_listed(config: &Config, origin: &str, counts: impl Fn(&str) -> bool) -> bool {
    let mut listed = config.cors_origins.iter().filter(|listed| counts(listed));
    listed.any(|listed| listed == "*" || listed.eq_ignore_ascii_case(origin))
}

/// Whether the page came from this server: by the same name, which nobody else can point here, and by the same port. It came by
/// http, or by https: of this server itself, or under a name that was given and that a proxy may serve.
fn is_own(config: &Config, is_tls: bool, origin: &str, host: Option<Host<'_>>) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let (Some(page), Some(host)) = (Host::parse(authority), host) else { return false };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => HTTP_PORT,
        "https" if is_tls || is_public(config, host) => HTTPS_PORT,
        _ => return false,
    };
    is_fixed(config, host) && page.is_same(&host, Some(port))
}

/// Whether nobody else can make this name theirs.
fn is_fixed(config: &Config, host: Host<'_>) -> bool {
    let name = host.name;
    let is_v6 =
        name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    name.eq_ignore_ascii_case("localhost") || name.parse::<Ipv4Addr>().is_ok() || is_v6 || is_public(config, host)
}

fn is_public(config: &Config, host: Host<'_>) -> bool {
    config.public_hosts.iter().any(|public| public.eq_ignore_ascii_case(host.name))
}

/// The host of a request. HTTP/2 has it in the URI.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Host<'a>> {
    match uri.authority() {
        Some(authority) => Host::parse(authority.as_str()),
        None => headers.get(HOST).and_then(host::of_header),
    }
}

/// The key of a header (RFC 6750 2.1). The case of the scheme's name does not matter.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = header.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
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
        is_allowed_over(config, false, origin, host)
    }

    fn is_allowed_over(config: &Config, is_tls: bool, origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        check_origin(config, is_tls, &Uri::from_static("/broadcast"), &headers).is_ok()
    }

    #[test]
    fn the_servers_own_page_may_publish_over_tls() {
        let is_allowed = |origin, host| is_allowed_over(&Config::default(), true, origin, host);
        assert!(is_allowed("https://127.0.0.1:3000", "127.0.0.1:3000"));
        assert!(is_allowed("https://localhost", "localhost:443"));
        assert!(!is_allowed("https://127.0.0.1:3001", "127.0.0.1:3000"));
        assert!(!is_allowed("https://rebound.example", "rebound.example"));
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
            ("http://push.example.org", "push.example.org:80"),
            ("http://push.example.org:8080", "push.example.org:8080"),
            ("https://push.example.org:8443", "push.example.org:8443"),
            ("http://127.0.0.1", "127.0.0.1:80"),
        ] {
            assert!(is_allowed(&config, origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://evil.example:3000", "evil.example:3000"),
            ("http://127.0.0.1:3001", "127.0.0.1:3000"),
            ("http://evil.example", "127.0.0.1:3000"),
            ("null", "127.0.0.1:3000"),
            ("http://push.example.org:8080", "push.example.org"),
            ("http://push.example.org", "push.example.org:443"),
            ("https://push.example.org", "push.example.org:80"),
            ("http://push.example.org:443", "push.example.org"),
            ("https://127.0.0.1:3000", "127.0.0.1:3000"),
            ("https://localhost", "localhost"),
            ("ftp://push.example.org", "push.example.org"),
            ("http://push.example.org/x", "push.example.org"),
            ("http://user@push.example.org", "push.example.org"),
            ("", "127.0.0.1"),
        ] {
            assert!(!is_allowed(&config, origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn what_the_browser_says_of_a_page_counts() {
        let listed = |cors_origins: &[&str]| Config {
            public_hosts: vec!["push.example.org".into()],
            cors_origins: cors_origins.iter().map(|&origin| origin.to_owned()).collect(),
            ..Config::default()
        };
        let is_allowed = |config: &Config, origin: Option<&'static str>, host: &'static str, sites: &[&'static str]| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            for site in sites {
                headers.append(SEC_FETCH_SITE, HeaderValue::from_static(site));
            }
            let is_tls = false;
            check_origin(config, is_tls, &Uri::from_static("/broadcast"), &headers).is_ok()
        };
        let (none, star) = (listed(&[]), listed(&["*"]));
        assert!(is_allowed(&none, None, "x", &[]) && is_allowed(&none, None, "x", &["none"]));
        assert!(is_allowed(&none, None, "127.0.0.1:3000", &["same-origin"]));
        assert!(!is_allowed(&none, None, "rebound.example", &["same-origin"]));
        for site in
            [&["cross-site"][..], &["same-site"], &["other"], &[""], &["none", "none"], &["same-origin", "cross-site"]]
        {
            assert!(!is_allowed(&none, None, "127.0.0.1", site), "{site:?}");
            assert!(is_allowed(&star, None, "127.0.0.1", site), "{site:?}");
        }
        // By http, to a proxy that speaks TLS: the Host is the same.
        let (page, host) = (Some("http://push.example.org"), "push.example.org");
        assert!(is_allowed(&none, page, host, &[]) && is_allowed(&none, page, host, &["same-origin"]));
        assert!(!is_allowed(&none, page, host, &["cross-site"]) && !is_allowed(&none, page, host, &["same-site"]));
        assert!(is_allowed(&listed(&["http://push.example.org"]), page, host, &["cross-site"]));
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
        let config = Config { publish_key: Some("secret".into()), ..Config::default() };
        let check = |value: &'static str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            check_key(&config, &headers)
        };
        assert_eq!(check_key(&config, &HeaderMap::new()), Err(Problem::without_key()));
        assert_eq!((check("Bearer secret"), check("bearer  secret ")), (Ok(()), Ok(())));
        for wrong in ["", "Bearer", "Basic secret", "secret"] {
            assert_eq!(check(wrong), Err(Problem::not_bearer()), "{wrong}");
        }
        for wrong in ["Bearer ", "Bearer secre", "Bearer secrets"] {
            assert_eq!(check(wrong), Err(Problem::wrong_key()), "{wrong}");
        }
    }
}
