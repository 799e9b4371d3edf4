//! The corpus of the fuzz targets as plain tests: the properties of every input hold for each file in fuzz/corpus.

#[path = "support/properties.rs"]
mod properties;

use std::{fs, panic, path::PathBuf};

/// Calls `property` with every input in the corpus of that name, and names the one that breaks it.
#[track_caller]
fn hold(name: &str, property: fn(&[u8])) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(paths.len() >= 24, "only {} inputs in {}", paths.len(), directory.display());
    for path in paths {
        let input = fs::read(&path).unwrap();
        assert!(panic::catch_unwind(|| property(&input)).is_ok(), "broken by {}", path.display());
    }
}

#[test]
fn proxy_headers() {
    hold("proxy_headers", properties::proxy_headers);
}

#[test]
fn forwarded() {
    hold("forwarded", properties::forwarded);
}
