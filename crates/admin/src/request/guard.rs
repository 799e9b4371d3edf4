//! Who may ask. A page of another site may not, and with a token only who shows it.
//!
//! A name that an attacker owns can be made to mean 127.0.0.1 (DNS rebinding). The browser then takes the listener for that site. So
//! the name of the host decides. What comes from a page says so in `Origin` or `Sec-Fetch-Site`, which no script can change.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, HeaderName, ORIGIN},
    http::{request::Parts, uri::Authority},
};

use crate::{answer::problem::Problem, config::Admin};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses hosts that are not this listener's, and pages of other sites.
///
/// # Errors
/// [`Problem`]: 400, 403 or 421.
pub(crate) fn check_site(admin: &Admin, parts: &Parts) -> Result<(), Problem> {
    let host = host(parts)?;
    if !is_ours(admin, &host) {
        let detail = format!(
            "the admin listener answers for addresses, for localhost and for configured names, not for \"{}\"",
            host.host()
        );
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    match is_foreign(parts, &host) {
        true => Err(Problem::foreign_page()),
        false => Ok(()),
    }
}

/// Refuses who does not show the token, if there is one.
///
/// # Errors
/// [`Problem`]: 401.
pub(crate) fn check_token(admin: &Admin, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &admin.token else { return Ok(()) };
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let Some(credential) = shown.next() else { return Err(Problem::without_token()) };
    match bearer(credential.as_bytes()) {
        Some(credential) if token.is(credential) && shown.next().is_none() => Ok(()),
        _ => Err(Problem::wrong_token()),
    }
}

/// The credential of the scheme Bearer, whose name has any case (RFC 9110 11.1).
fn bearer(credential: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = credential.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// The host of the request. The target counts before the header (RFC 9112 3.2.2).
fn host(parts: &Parts) -> Result<Authority, Problem> {
    let mut named = parts.headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return Err(Problem::bad_request("exactly one Host header is needed"));
    };
    let host = Authority::try_from(host.as_bytes()).ok().filter(|host| !host.as_str().contains('@'));
    let host = host.ok_or_else(|| Problem::bad_request("the Host header is no host"))?;
    match parts.uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err(Problem::bad_request("the target has no valid host"))
        }
        Some(authority) => Ok(authority.clone()),
        None => Ok(host),
    }
}

fn is_ours(admin: &Admin, host: &Authority) -> bool {
    let name = host.host();
    // Browsers take 0.0.0.0 and [::] for this machine, and send nothing that says whose page asks.
    let is_address = name.parse::<Ipv4Addr>().is_ok_and(|address| !address.is_unspecified())
        || in_brackets(name)
            .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_unspecified()));
    let names = ["localhost"].into_iter().chain(admin.hosts.iter().map(String::as_str));
    is_address || names.into_iter().any(|ours| ours.eq_ignore_ascii_case(name.strip_suffix('.').unwrap_or(name)))
}

fn in_brackets(name: &str) -> Option<&str> {
    name.strip_prefix('[')?.strip_suffix(']')
}

/// Whether a page of another site sends this. Only the dashboard's own page may be opened from a link elsewhere.
fn is_foreign(parts: &Parts, host: &Authority) -> bool {
    let site = parts.headers.get(FETCH_SITE).map(|site| site.as_bytes());
    let is_opened = parts.method == Method::GET
        && parts.uri.path() == "/"
        && parts.headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate");
    let is_from_elsewhere = !matches!(site, None | Some(b"same-origin" | b"none"));
    (is_from_elsewhere && !is_opened)
        || parts.headers.get_all(ORIGIN).iter().any(|origin| !is_of(origin.as_bytes(), host))
}

/// Whether an origin is this host. The scheme does not count: a proxy may speak TLS in front.
fn is_of(origin: &[u8], host: &Authority) -> bool {
    let Ok(origin) = Uri::try_from(origin) else { return false };
    let is_web = matches!(origin.scheme_str(), Some("http" | "https"));
    is_web && origin.authority().is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(host.as_str()))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::config::AdminToken;

    fn checked(target: &str, fields: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::get(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let admin = Admin { hosts: vec!["admin.example".to_owned()], ..Admin::default() };
        check_site(&admin, &parts).err().map(|problem| problem.response().status().as_u16())
    }

    #[test]
    fn addresses_localhost_and_configured_names_are_ours() {
        for host in ["127.0.0.1", "192.0.2.1:3001", "[::1]:3001", "localhost:1", "LOCALHOST.", "Admin.Example:3001"] {
            assert_eq!(checked("/", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "[evil]",
            "1.2.3",
            "admin.example.evil",
            "0.0.0.0:3001",
            "[::]:3001",
        ] {
            assert!(matches!(checked("/", &[("host", host)]), Some(421 | 400)), "{host}");
        }
        for host in ["", "a b", "a@localhost", "localhost/x"] {
            assert_eq!(checked("/", &[("host", host)]), Some(400), "{host}");
        }
        assert_eq!(checked("/", &[]), Some(400));
        assert_eq!(checked("/", &[("host", "localhost"), ("host", "localhost")]), Some(400));
        assert_eq!(checked("http://evil.example/", &[("host", "localhost")]), Some(421), "the target counts");
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let host = ("host", "localhost:3001");
        for origin in ["http://localhost:3001", "https://LOCALHOST:3001"] {
            assert_eq!(checked("/api/v1/status", &[host, ("origin", origin)]), None, "{origin}");
        }
        for origin in
            ["null", "http://evil.example", "http://localhost", "http://localhost:30011", "file://localhost:3001", ""]
        {
            assert_eq!(checked("/api/v1/status", &[host, ("origin", origin)]), Some(403), "{origin}");
        }
        for (site, found) in
            [("same-origin", None), ("none", None), ("same-site", Some(403)), ("cross-site", Some(403))]
        {
            assert_eq!(checked("/metrics", &[host, ("sec-fetch-site", site)]), found, "{site}");
        }
        let link = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(checked("/", &link), None, "a link to the dashboard");
        assert_eq!(checked("/api/v1/status", &link), Some(403));
    }

    #[test]
    fn only_the_token_itself_is_taken() {
        let admin = Admin { token: AdminToken::new("secret").ok(), ..Admin::default() };
        let check = |values: &[&str]| {
            let headers = values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect();
            check_token(&admin, &headers).is_ok()
        };
        assert!(check(&["Bearer secret"]) && check(&["bEARER  secret"]));
        for wrong in
            [&[][..], &["secret"], &["Bearer"], &["Bearer Secret"], &["Basic secret"], &["Bearer secret", "Bearer x"]]
        {
            assert!(!check(wrong), "{wrong:?}");
        }
        assert!(check_token(&Admin::default(), &HeaderMap::new()).is_ok());
    }
}
