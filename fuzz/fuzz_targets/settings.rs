//! The file of settings: it may be refused, with the line, and breaks nothing.
#![no_main]

#[path = "../../crates/server/src/settings/file.rs"]
#[allow(dead_code, reason = "reading the file is not what is fuzzed")]
mod file;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let keys = [("listen".to_owned(), false), ("shards".to_owned(), false), ("cors-origin".to_owned(), true)];
    match file::parse(text, &file::Known { keys: &keys }) {
        Ok(entries) => assert!(entries.iter().all(|entry| keys.iter().any(|(key, _)| *key == entry.key))),
        Err((line, reason)) => assert!(line >= 1 && !reason.is_empty()),
    }
});
