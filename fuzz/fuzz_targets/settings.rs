//! The file of settings: it may be refused, with the line, and breaks nothing.
#![no_main]

#[path = "../../crates/server/src/settings/file.rs"]
#[allow(dead_code, reason = "reading the file is not what is fuzzed")]
mod file;
#[path = "../../crates/server/src/meant.rs"]
mod meant;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let key = |name: &str, is_limit, is_list| file::Key { name: name.to_owned(), is_limit, is_list, is_secret: false };
    let keys = [
        key("listen", false, false),
        key("shards", false, false),
        key("cors-origin", false, true),
        key("ring-messages", true, false),
    ];
    match file::parse(text, &file::Known { keys: &keys }) {
        Ok(entries) => assert!(entries.iter().all(|entry| keys.iter().any(|key| key.name == entry.key))),
        Err((line, reason)) => assert!(line >= 1 && !reason.is_empty()),
    }
});
