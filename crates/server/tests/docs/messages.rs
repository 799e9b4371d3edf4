//! The messages of the server that the pages quote: each is in the server's sources.
//!
//! Quotes are in the first column of each table with the heading "the server says". Three dots stand for parts that
//! vary.

use std::fs;

use crate::tree::{documentation, root, sources};

const HEADER: &str = "| the server says |";

#[test]
fn what_the_server_is_said_to_say_stands_in_its_sources() {
    let lines: Vec<_> =
        sources().iter().flat_map(|path| said(&fs::read_to_string(root().join(path)).unwrap())).collect();
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in documentation() {
        for quoted in quotes(&fs::read_to_string(root().join(&page)).unwrap()) {
            count += 1;
            if !quoted.as_ref().is_ok_and(|message| lines.iter().any(|line| has(line, message))) {
                faults.push(format!("{page}: {quoted:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "nothing in crates/*/src says this:\n{}", faults.join("\n"));
    assert!(count > 0, "no table is headed {HEADER:?}");
}

/// The messages in the tables of a page. A cell that is no message is an error.
fn quotes(page: &str) -> Vec<Result<String, String>> {
    let mut quotes = Vec::new();
    let mut is_quoting = false;
    for line in page.lines() {
        is_quoting = line.starts_with(HEADER) || is_quoting && line.starts_with('|');
        let cell = line.trim_start_matches('|').split('|').next().unwrap_or_default().trim();
        if is_quoting && !line.starts_with(HEADER) && !cell.starts_with("---") {
            let text = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            quotes.push(text.map(str::to_owned).ok_or(cell.to_owned()));
        }
    }
    quotes
}

/// The lines of a source, without comments and tests. The parts of a string are on one line.
fn said(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        let part = line.strip_suffix('\\').unwrap_or(line).replace("\\\"", "\"");
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(&part),
            None => lines.push(part),
        }
        goes_on = line.ends_with('\\');
    }
    lines
}

/// Whether a line has all parts of a message, in order.
fn has(line: &str, message: &str) -> bool {
    // Quotes beside the dots are made when the line is printed.
    let mut parts = message.split("...").map(|part| part.trim_matches(['"', ' ']));
    parts.try_fold(line, |rest, part| Some(&rest[rest.find(part)? + part.len()..])).is_some()
}

#[test]
fn a_message_is_found_in_parts_and_not_in_tests() {
    let source =
        "    // no such thing\n    Err(format!(\"a {} \\\"b\\\": \\\n        c\"))\n#[cfg(test)]\nmod tests {\nd\n";
    let lines = said(source);
    assert_eq!(lines, ["Err(format!(\"a {} \"b\": c\"))"]);
    assert!(has(&lines[0], "a \"...\" \"b\": c") && !has(&lines[0], "c ... a") && !has(&lines[0], "d"));
    let page = "| the server says | do |\n|---|---|\n| `a ...` | b |\n| c | d |\n\n| `e` | f |\n";
    assert_eq!(quotes(page), [Ok("a ...".to_owned()), Err("c".to_owned())]);
}
