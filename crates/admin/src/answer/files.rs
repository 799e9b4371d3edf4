//! The files of the dashboard, which are part of the program.

use std::sync::LazyLock;

use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderValue, IF_NONE_MATCH},
};

use crate::answer::{self, body::Body};

/// Nothing from elsewhere, and nobody may put the page into a frame.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// The page at `/`.
const PAGE: &str = "index.html";

/// A file: its name below `/assets/`, its type, its content.
struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
    tag: HeaderValue,
}

macro_rules! files {
    ($($name:literal: $kind:literal,)*) => {
        vec![$(File::new($name, $kind, include_bytes!(concat!("../dashboard/", $name))),)*]
    };
}

/// All of them. A new file of `dashboard/` needs a line here, and a test says so.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    files! {
        "act.js": "text/javascript; charset=utf-8",
        "advice.js": "text/javascript; charset=utf-8",
        "api.js": "text/javascript; charset=utf-8",
        "app.js": "text/javascript; charset=utf-8",
        "attention.js": "text/javascript; charset=utf-8",
        "channel.js": "text/javascript; charset=utf-8",
        "charts.js": "text/javascript; charset=utf-8",
        "client.js": "text/javascript; charset=utf-8",
        "connection.js": "text/javascript; charset=utf-8",
        "detail.js": "text/javascript; charset=utf-8",
        "dom.js": "text/javascript; charset=utf-8",
        "explain.js": "text/javascript; charset=utf-8",
        "feed.js": "text/javascript; charset=utf-8",
        "find.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "index.html": "text/html; charset=utf-8",
        "model.js": "text/javascript; charset=utf-8",
        "now.js": "text/javascript; charset=utf-8",
        "publish.js": "text/javascript; charset=utf-8",
        "series.js": "text/javascript; charset=utf-8",
        "server.js": "text/javascript; charset=utf-8",
        "streams.js": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
        "table.js": "text/javascript; charset=utf-8",
        "tail.js": "text/javascript; charset=utf-8",
        "text.js": "text/javascript; charset=utf-8",
        "tiles.js": "text/javascript; charset=utf-8",
        "uplot-license.txt": "text/plain; charset=utf-8",
        "uplot.iife.min.js": "text/javascript; charset=utf-8",
        "uplot.min.css": "text/css; charset=utf-8",
    }
});

impl File {
    fn new(name: &'static str, kind: &'static str, content: &'static [u8]) -> Self {
        let tag = format!("\"{}\"", &blake3::hash(content).to_hex()[..32]);
        // Hexadecimal digits are always a value.
        let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { name, kind, content, tag }
    }

    /// Whether the reader has this content (RFC 9110 13.1.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let tags = headers.get_all(IF_NONE_MATCH).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        tags.map(|tag| tag.trim_ascii()).any(|tag| tag == b"*" || self.tag == tag.strip_prefix(b"W/").unwrap_or(tag))
    }
}

/// The page of the dashboard.
pub(crate) fn page(headers: &HeaderMap) -> Option<Response<Body>> {
    file(PAGE, headers)
}

/// The file of this name. None if there is none.
pub(crate) fn file(name: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let file = FILES.iter().find(|file| file.name == name)?;
    let (status, content) = match file.is_known(headers) {
        true => (StatusCode::NOT_MODIFIED, &[][..]),
        false => (StatusCode::OK, file.content),
    };
    let mut response = answer::of(status, file.kind, content);
    let headers = response.headers_mut();
    headers.insert(ETAG, file.tag.clone());
    // The browser asks each time, so a new program has its new page shown.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Some(response)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_directory_is_served() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dashboard");
        let there = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(there.collect::<BTreeSet<_>>(), FILES.iter().map(|file| file.name.to_owned()).collect());
    }

    #[test]
    fn files_need_nothing_from_elsewhere() {
        for file in FILES.iter().filter(|file| file.name == PAGE || file.name.ends_with(".css")) {
            let text = String::from_utf8_lossy(file.content);
            for outside in ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "@import", "url(http", "url(//"] {
                assert!(!text.contains(outside), "{} has {outside}", file.name);
            }
        }
    }

    #[test]
    fn a_reader_that_has_a_file_gets_it_no_second_time() {
        let first = page(&HeaderMap::new()).unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        for (shown, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"x\", W/{tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"x\"".to_owned(), StatusCode::OK),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(&shown).unwrap())]);
            assert_eq!(page(&headers).unwrap().status(), status, "{shown}");
        }
        assert!(file("../lib.rs", &HeaderMap::new()).is_none());
    }
}
