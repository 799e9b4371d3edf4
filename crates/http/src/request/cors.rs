//! [`Cors`]: which pages may read an answer, and what a page may send (the CORS protocol of the Fetch standard). Errors have the
//! same headers as other answers, or a page could not read why it was refused. The right to publish is in `origin`.

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderName, HeaderValue, ORIGIN, VARY,
    },
};

use crate::{
    answer::body::Body,
    config::Config,
    request::origin::{self, is_listed, is_named},
};

/// Headers of an answer that a page may read besides those that any page may.
const EXPOSED: HeaderValue = HeaderValue::from_static("idempotent-replayed, retry-after");
/// Seconds for which a browser may remember the answer to a preflight.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");
/// Headers that a page may send when it does not say which it wants to: those that readers and publishers need.
const READ_HEADERS: HeaderValue = HeaderValue::from_static("authorization, cache-control, last-event-id");
const PUBLISH_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, idempotency-key");
/// The question of a browser before a page of a public website reaches into a private network, and the answer (WICG Private Network
/// Access 3.1).
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// Bytes of the names that a preflight asks for: far more than any page sends.
const ASKED_BYTES_MAX: usize = 2 << 10;

/// The pages that may read the answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cors {
    reader: Reader,
    /// Another origin gets other headers, so a cache has to tell origins apart.
    varies: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reader {
    /// The request came from no page, and pages have no business with its answer. Or it came from one that may not read.
    Nobody,
    /// Any page, without credentials: it could have asked in any other way.
    Any,
    /// The page of this origin, which may publish.
    Page(HeaderValue),
    /// The page of this origin, and its user's cookies may come along.
    Trusted(HeaderValue),
}

impl Cors {
    pub(crate) fn of<B>(config: &Config, is_tls: bool, request: &Request<B>) -> Self {
        let headers = request.headers();
        let is_publish = *request.method() == Method::POST || asks_for_post(headers);
        let origin = headers.get(ORIGIN);
        let reader = match origin {
            None if is_publish => Reader::Nobody,
            _ if !is_publish && origin::check_reader(config, is_tls, request.uri(), headers).is_err() => Reader::Nobody,
            None => Reader::Any,
            Some(origin) if is_trusted(config, origin, is_publish) => Reader::Trusted(origin.clone()),
            Some(origin) if is_publish && origin::check_origin(config, is_tls, request.uri(), headers).is_ok() => {
                Reader::Page(origin.clone())
            }
            // A page that may not publish may read that it may not.
            Some(_) => Reader::Any,
        };
        let is_any = config.read_origins.iter().any(|listed| listed == "*");
        let varies = is_publish || !is_any || config.cors_origins.iter().any(|listed| is_literal(listed));
        Self { reader, varies }
    }

    pub(crate) fn apply(&self, response: &mut Response<Body>) {
        let is_error = response.status().is_client_error() || response.status().is_server_error();
        let headers = response.headers_mut();
        if self.varies {
            headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        let origin = match &self.reader {
            Reader::Nobody => return,
            Reader::Any => HeaderValue::from_static("*"),
            Reader::Page(origin) | Reader::Trusted(origin) => origin.clone(),
        };
        if origin != "*" || is_error {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if matches!(self.reader, Reader::Trusted(_)) {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Whether cookies may come along: only from an origin that the operator has written down, and only where nobody else can
/// have it (any page can make one that is `null`).
fn is_trusted(config: &Config, origin: &HeaderValue, is_publish: bool) -> bool {
    let may_read =
        |origin: &str| !is_publish && config.read_origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin));
    let is_named = |origin: &str| is_listed(config, origin, is_literal) || may_read(origin);
    origin.to_str().is_ok_and(|origin| is_literal(origin) && is_named(origin))
}

fn is_literal(origin: &str) -> bool {
    origin != "*" && origin != "null"
}

/// Whether a browser asks if a page may post.
pub(crate) fn asks_for_post(headers: &HeaderMap) -> bool {
    headers.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|method| method == "POST")
}

/// The answer to OPTIONS, from a browser or not. `allow` is what the route understands.
pub(crate) fn options(config: &Config, allow: &'static str, headers: &HeaderMap) -> Response<Body> {
    let (methods, default) =
        if asks_for_post(headers) { ("POST", PUBLISH_HEADERS) } else { ("GET, HEAD", READ_HEADERS) };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(ALLOW, HeaderValue::from_static(allow));
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked(headers).unwrap_or(default));
    answer.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    let is_named = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| is_named(config, origin));
    if headers.get(REQUEST_PRIVATE_NETWORK).is_some_and(|asks| asks == "true")
        && headers.get(ORIGIN).is_some_and(is_named)
    {
        answer.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

/// The names of the headers that a page wants to send: a token for a proxy in front, or what libraries for tracing add to
/// every request. None of them gives a right here but the publish key, and that is asked of everybody.
fn asked(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut names: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        for name in value.as_bytes().split(|byte| *byte == b',') {
            names.push(HeaderName::from_bytes(name.trim_ascii()).ok()?);
        }
    }
    let list = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
    if list.is_empty() || list.len() > ASKED_BYTES_MAX {
        return None;
    }
    HeaderValue::try_from(list).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether TLS is spoken.
    const PLAIN: bool = false;

    fn asked(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_str(value).unwrap());
        }
        super::asked(&headers).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_list_of_names_is_allowed_as_it_was_asked_for() {
        assert_eq!(asked(&["authorization,traceparent , X-Y"]).as_deref(), Some("authorization, traceparent, x-y"));
        assert_eq!(asked(&["a", "b,c"]).as_deref(), Some("a, b, c"));
        for wrong in [&[][..], &[""], &["a b"], &["a,,b"], &["a,"], &["a\"b"], &["a:b"], &["*,é"], &["a", "b c"]] {
            assert_eq!(asked(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_names_have_a_limit() {
        let name = "x".repeat(ASKED_BYTES_MAX - 3);
        assert!(asked(&[&format!("{name},a")]).is_some());
        assert_eq!(asked(&[&format!("{name},ab")]), None);
    }

    #[test]
    fn cookies_come_along_from_an_origin_that_was_written_down_and_no_other() {
        let cors = |listed: &[&str], method, origin: &'static str| {
            let cors_origins = listed.iter().map(|&origin| origin.to_owned()).collect();
            let config = Config { cors_origins, ..Config::default() };
            let request = Request::builder().method(method).uri("/broadcast").header(ORIGIN, origin);
            Cors::of(&config, PLAIN, &request.body(()).unwrap()).reader
        };
        let (app, other) = ("https://app.example", "https://other.example");
        let value = HeaderValue::from_static;
        for method in ["GET", "POST"] {
            assert_eq!(cors(&["*", app], method, app), Reader::Trusted(value(app)));
            assert_eq!(cors(&[app], method, "https://APP.example"), Reader::Trusted(value("https://APP.example")));
            assert_eq!(cors(&[app], method, other), Reader::Any);
        }
        assert_eq!(cors(&["*"], "GET", other), Reader::Any);
        assert_eq!(cors(&["*"], "GET", "*"), Reader::Any);
        assert_eq!(cors(&["*"], "POST", other), Reader::Page(value(other)));
        assert_eq!(cors(&["null"], "GET", "null"), Reader::Any);
        assert_eq!(cors(&["null"], "POST", "null"), Reader::Page(value("null")));
    }
}
