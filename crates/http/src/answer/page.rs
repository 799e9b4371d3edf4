//! The demo page that a browser gets at `/`: one file, no framework, no outside resource. It is put together here, of the files
//! beside this one.

use std::sync::LazyLock;

use hyper::{
    HeaderMap, Response,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, VARY},
};

use crate::answer::body::Body;

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let parts = [
        ("{{icon}}", ICON),
        ("{{version}}", env!("CARGO_PKG_VERSION")),
        ("{{page.css}}", include_str!("page.css")),
        ("{{page_stream.js}}", include_str!("page_stream.js")),
        ("{{page.js}}", include_str!("page.js")),
    ];
    parts.iter().fold(include_str!("page.html").to_owned(), |page, (name, part)| page.replace(name, part))
});
/// A source in the middle, and what it sends to all sides.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' \
                    stroke='white' stroke-width='3' stroke-linecap='round'%3E\
                    %3Crect width='32' height='32' rx='7' fill='rgb(179,38,30)' stroke='none'/%3E\
                    %3Ccircle cx='9' cy='16' r='3' fill='white' stroke='none'/%3E\
                    %3Cpath d='M15 10a9 9 0 0 1 0 12M20 6a15 15 0 0 1 0 20'/%3E%3C/svg%3E";
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
    let mut response = Response::new(Body::full(PAGE.as_str()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_place() {
        assert!(!PAGE.contains("{{"), "a place is empty");
        for end in ["</html>", "connect();", "--mono", "class EventStream"] {
            assert!(PAGE.contains(end), "{end} is missing");
        }
    }
}
