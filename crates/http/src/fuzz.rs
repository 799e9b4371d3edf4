//! Entries for the fuzz targets: every parser of this crate that reads what a client sent. Each may refuse anything and panic at
//! nothing.
//!
//! This module is there with `--cfg fuzzing` only, which `cargo fuzz` sets, and in the tests of this file: they hold each entry
//! against the files in fuzz/corpus.

use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};

use crate::{
    request::{data::Declared, destination, line, route::Route, start},
    text::query::{self, Query},
};

/// A path segment and a query, percent-encoded. Decoding keeps to what was there.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(segment) = query::decode(text) {
        assert!(segment.len() <= text.len(), "decoding makes nothing longer");
        assert!(text.contains('%') || segment == text, "without a percent sign it is itself");
    }
    if let Ok(query) = Query::parse(text) {
        let _ = query.one("id");
        let _ = start::of_stream(&HeaderMap::new(), &query, 0);
        assert!(query.all("channel").all(|value| value.len() <= text.len()));
        let targets = destination::targets(&query, 128);
        assert!(targets.is_err() || destination::is_in(text), "who names a target is not taken for a batch");
    }
}

/// A raw path under every method.
pub fn route(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::DELETE] {
        let _ = Route::parse(&method, path);
    }
}

/// A Content-Type, a line break, and a body, which becomes text whatever it is.
pub fn body(bytes: &[u8]) {
    let (kind, body) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let mut headers = HeaderMap::new();
    if let Ok(kind) = HeaderValue::from_bytes(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    let Ok(declared) = Declared::of(&headers) else { return };
    let data = declared.data(body.to_owned());
    assert!(data.len() <= 3 * body.len() + kind.len() + 64, "a character of a byte has three of UTF-8 at most");
}

/// A line of a batch. Only legal events come of it.
pub fn line(bytes: &[u8]) {
    if let Ok(line::Parsed { event, .. }) = line::parse(bytes.trim_ascii(), 128) {
        assert!(!event.targets().is_empty());
        assert!(event.kind().is_none_or(|kind| !kind.contains(char::is_control)));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, panic, path::PathBuf};

    /// Calls `entry` with every input in the corpus of that name, and names the one that breaks it.
    #[track_caller]
    fn hold(name: &str, entry: fn(&[u8])) {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(paths.len() >= 24, "only {} inputs in {}", paths.len(), directory.display());
        for path in paths {
            let input = fs::read(&path).unwrap();
            assert!(panic::catch_unwind(|| entry(&input)).is_ok(), "broken by {}", path.display());
        }
    }

    #[test]
    fn queries() {
        hold("queries", super::query);
    }

    #[test]
    fn routes() {
        hold("routes", super::route);
    }

    #[test]
    fn lines() {
        hold("lines", super::line);
    }

    #[test]
    fn bodies() {
        hold("bodies", super::body);
    }
}
