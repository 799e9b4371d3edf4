//! The rules for pages in browsers, which cannot be told from their users: which of them may publish, and which may read.
//!
//! A page elsewhere can make a browser post to us, and a rebound name can make its page look like ours. So an Origin must be one
//! that was allowed, or the server's own under a name that cannot be rebound. A server that only its own machine can reach
//! has the same rule for reading: any website could read it through the browser of that machine otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::{
    HeaderMap, Uri,
    header::{HOST, HeaderName, ORIGIN},
};

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

/// The rule for pages. `is_tls`: the request came over TLS. A preflight, which browsers send without credentials, has to pass it too.
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
    if is_allowed { Ok(()) } else { Err(unnamed(headers, "publish")) }
}

/// The rule for a publish whose token stands in a cookie, which a browser sends by itself. `*` and `null` list nobody here: any page can
/// have such an origin.
///
/// # Errors
/// 403 without an Origin, and from a page that is neither named nor the server's own.
pub(crate) fn check_cookie(config: &Config, is_tls: bool, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let is_literal = |listed: &str| listed != "*" && listed != "null";
    let is_named = |origin: &str| is_literal(origin) && is_listed(config, origin, is_literal);
    let is_own = |origin: &str| is_own(config, is_tls, origin, host(uri, headers)) && may_be_own(headers);
    match origin {
        Some(origin) if is_named(origin) || is_own(origin) => Ok(()),
        Some(_) => Err(unnamed(headers, "publish with a cookie")),
        None => Err(Problem::forbidden("a publish with a token in a cookie needs the header Origin")),
    }
}

/// The rule for who reads, where not every page may ([`Config::read_origins`]).
///
/// # Errors
/// 403 from a page that is not allowed, and to a name that could have been rebound: its page would need no Origin.
pub(crate) fn check_reader(config: &Config, is_tls: bool, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if is_any(&config.read_origins) {
        return Ok(());
    }
    let host = host(uri, headers);
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if host.is_none_or(|host| is_fixed(config, host)) && is_read_by_no_page(config, headers) => Ok(()),
        (None, _) if host.is_some_and(|host| !is_fixed(config, host)) => Err(Problem::forbidden(
            "this server is for its own machine, and does not know the name that it was reached by: if the name is yours, name it \
             with --public-host",
        )),
        (Some(origin), None) if origin.to_str().is_ok_and(|text| may_read(config, is_tls, text, host)) => Ok(()),
        _ => Err(unnamed(headers, "read")),
    }
}

/// Whether a request to a fixed name without an Origin comes from a program, a person, or a page that may read.
fn is_read_by_no_page(config: &Config, headers: &HeaderMap) -> bool {
    matches!(site(headers), None | Some("none" | "same-origin")) || is_any(&config.cors_origins)
}

fn may_read(config: &Config, is_tls: bool, origin: &str, host: Option<Host<'_>>) -> bool {
    let is_listed = |list: &[String]| list.iter().any(|listed| listed == "*" || listed.eq_ignore_ascii_case(origin));
    is_listed(&config.read_origins)
        || is_listed(&config.cors_origins)
        || is_own(config, is_tls, origin, host)
        || is_of_this_machine(origin)
}

/// Whether a page comes from the machine of its visitor: from a server of its own that is being developed, for instance.
fn is_of_this_machine(origin: &str) -> bool {
    let host = origin.split_once("://").and_then(|(_, authority)| Host::parse(authority));
    host.is_some_and(|Host { name, .. }| {
        let v6 = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_loopback = |text: &str| text.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        name.eq_ignore_ascii_case("localhost") || is_loopback(v6.unwrap_or(name))
    })
}

/// Whether a page of this origin was named: what a browser asks for before it lets a website reach into a private network.
pub(crate) fn is_named(config: &Config, origin: &str) -> bool {
    let listed = config.read_origins.iter().chain(&config.cors_origins);
    listed.filter(|listed| *listed != "*").any(|listed| listed.eq_ignore_ascii_case(origin))
}

fn is_any(origins: &[String]) -> bool {
    origins.iter().any(|origin| origin == "*")
}

/// A refusal that names the setting for whoever runs the server. `act` is what the page may not do.
fn unnamed(headers: &HeaderMap, act: &str) -> Problem {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).filter(|origin| *origin != "null");
    let page = origin.map_or_else(|| "of another site".to_owned(), |origin| format!("of {}", shown(origin)));
    let setting = if act == "read" { "--read-origin" } else { "--cors-origin" };
    Problem::forbidden(format!(
        "a page {page} may not {act} here; if it is yours, name its origin with {setting}, or, if it is this server's own, \
         its host with --public-host"
    ))
}

/// Whether a request without an Origin comes from a program, or from where a page may publish. A browser says by itself whether
/// a page of another site has sent it, and a page cannot change that (Fetch Metadata, `Sec-Fetch-Site`).
fn is_by_no_page(config: &Config, uri: &Uri, headers: &HeaderMap) -> bool {
    match site(headers) {
        None | Some("none") => true,
        Some("same-origin") => host(uri, headers).is_some_and(|host| is_fixed(config, host)),
        Some(_) => is_any(&config.cors_origins),
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

/// Whether the page came from this server: by the same name, which nobody else can point here, and by the same port. It came as
/// the request does, or by https under a name that was given and that a proxy may serve.
fn is_own(config: &Config, is_tls: bool, origin: &str, host: Option<Host<'_>>) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let (Some(page), Some(host)) = (Host::parse(authority), host) else { return false };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" if !is_tls => HTTP_PORT,
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

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    /// Whether TLS is spoken.
    const PLAIN: bool = false;
    const SECURE: bool = true;

    fn is_allowed(config: &Config, origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        check_origin(config, PLAIN, &Uri::from_static("/broadcast"), &headers).is_ok()
    }

    #[test]
    fn a_page_over_https_is_the_servers_own_if_https_is_spoken() {
        let config = Config { public_hosts: vec!["push.example.org".into()], ..Config::default() };
        for (origin, host, expected) in [
            ("https://localhost:3443", "localhost:3443", true),
            ("https://127.0.0.1", "127.0.0.1:443", true),
            ("https://push.example.org", "push.example.org", true),
            ("http://localhost:3443", "localhost:3443", false),
            ("https://localhost:3444", "localhost:3443", false),
            ("https://evil.example:3443", "evil.example:3443", false),
            ("https://evil.example", "localhost", false),
        ] {
            let host = Host::parse(host);
            assert_eq!(is_own(&config, SECURE, origin, host), expected, "{origin} {host:?}");
        }
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
            check_origin(config, PLAIN, &Uri::from_static("/broadcast"), &headers).is_ok()
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
    fn a_server_for_its_own_machine_is_read_by_programs_and_by_pages_that_were_named() {
        let config = Config {
            read_origins: vec!["https://reader.example".into()],
            cors_origins: vec!["https://app.example".into()],
            public_hosts: vec!["push.example.org".into()],
            ..Config::default()
        };
        let may_read = |origin: Option<&'static str>, host: &'static str, site: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            headers.extend(site.map(|site| (SEC_FETCH_SITE, HeaderValue::from_static(site))));
            check_reader(&config, PLAIN, &Uri::from_static("/sse"), &headers).is_ok()
        };
        let local = "127.0.0.1:3000";
        for host in [local, "localhost", "[::1]:3000", "push.example.org"] {
            assert!(may_read(None, host, None) && may_read(None, host, Some("same-origin")), "{host}");
        }
        for page in [
            "https://reader.example",
            "https://APP.example",
            "http://localhost:5173",
            "http://[::1]",
            "http://127.0.0.1",
        ] {
            assert!(may_read(Some(page), local, Some("cross-site")), "{page}");
        }
        for page in
            ["https://evil.example", "null", "http://localhost.evil.example", "http://evil.example:3000", "localhost"]
        {
            assert!(!may_read(Some(page), local, None), "{page}");
        }
        assert!(!may_read(None, "rebound.example", None) && !may_read(None, "rebound.example", Some("same-origin")));
        assert!(!may_read(Some("http://rebound.example"), "rebound.example", None));
        assert!(!may_read(None, local, Some("cross-site")) && !may_read(None, local, Some("same-site")));
        let open = Config::default();
        assert!(
            check_reader(
                &open,
                PLAIN,
                &Uri::from_static("/sse"),
                &HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://any.example"))])
            )
            .is_ok()
        );
    }

    #[test]
    fn listed_origins_may_publish_and_a_star_lists_all() {
        let listed = Config { cors_origins: vec!["https://app.example.org".into()], ..Config::default() };
        assert!(is_allowed(&listed, "https://app.example.org", "push.example.org"));
        assert!(!is_allowed(&listed, "http://app.example.org", "push.example.org"));
        let all = Config { cors_origins: vec!["*".into()], ..Config::default() };
        assert!(is_allowed(&all, "null", "x"));
    }
}
