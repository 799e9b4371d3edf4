//! The demo page that a browser gets at `/`: one file, no framework, no outside resource.

use hyper::{
    HeaderMap, Response,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, VARY},
};

use crate::body::Body;

const PAGE: &str = include_str!("page.html");
/// Nothing on it comes from elsewhere, and nobody else may frame it.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; script-src 'unsafe-inline'; \
                      style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Whether the page is meant: who opens it in a browser names HTML first; EventSource names event streams, and curl
/// anything.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let first = accept.and_then(|text| text.split([',', ';']).next());
    first.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

/// The page.
pub(crate) fn page() -> Response<Body> {
    let mut response = Response::new(Body::full(PAGE));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
