//! `cargo xtask tree`: rules on the files of this repository that no compiler checks.
//!
//! A Rust file opens with a `//!` comment that says what it holds, and has at most [`RUST_LINES_MAX`] lines. A
//! Cargo.lock names no registry but crates.io. Files of a crate do not import each other in a circle: see circles.rs.
//! The nouns are few: see nouns.rs. A package carries its licences: see packages.rs.
//! The image can be built from the repository: see image.rs. The files are those that git knows or would add. All
//! faults are printed, not only the first.

use std::fs;

use crate::circles;
use crate::image;
use crate::invocation::{Invocation, Workspace};
use crate::nouns;
use crate::packages;

/// Most lines of a Rust file. A longer file holds more than one noun.
const RUST_LINES_MAX: usize = 500;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = workspace.ask(&Invocation::new(&list))?;
    let mut faults = Vec::new();
    let mut has_lock = false;
    let mut files = 0;
    for path in listed.split_terminator('\0') {
        let lint: fn(&str) -> Vec<String> = match path.rsplit('/').next() {
            Some("Cargo.lock") => lock_faults,
            Some(name) if name.ends_with(".rs") => rust_faults,
            _ => continue,
        };
        let file = workspace.root().join(path);
        if !file.exists() {
            continue; // Deleted, and git has not been told yet.
        }
        let text = fs::read_to_string(&file).map_err(|error| format!("{path} cannot be read: {error}"))?;
        faults.extend(lint(&text).into_iter().map(|fault| format!("{path}: {fault}")));
        has_lock |= path == "Cargo.lock";
        files += 1;
    }
    if !has_lock {
        faults.push("Cargo.lock: not among the files of the repository".to_owned());
    }
    let paths: Vec<&str> = listed.split_terminator('\0').filter(|path| workspace.root().join(path).exists()).collect();
    faults.extend(circles::faults(workspace.root(), &paths)?);
    faults.extend(nouns::faults(workspace.root(), &paths));
    faults.extend(packages::faults(workspace.root(), &paths));
    faults.extend(image::faults(workspace.root(), &paths)?);
    if faults.is_empty() {
        println!("{files} files are in order");
        return Ok(());
    }
    Err(format!("the source tree has faults:\n  {}", faults.join("\n  ")))
}

fn rust_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let first = text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_none_or(|words| words.trim().is_empty()) {
        faults.push("does not open with a `//!` comment that says what it holds".to_owned());
    }
    let lines = text.lines().count();
    if lines > RUST_LINES_MAX {
        faults.push(format!("has {lines} lines, {RUST_LINES_MAX} are allowed: split it"));
    }
    faults
}

fn lock_faults(text: &str) -> Vec<String> {
    let mut sources: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("source = ")).collect();
    sources.sort_unstable();
    sources.dedup();
    let sources = sources.into_iter().map(|source| source.trim_matches('"'));
    let registries = sources.filter(|source| source.starts_with("registry+") || source.starts_with("sparse+"));
    registries.filter(|source| *source != CRATES_IO).map(|source| format!("names the registry {source}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(source: &str) -> String {
        format!("version = 4\n\n[[package]]\nname = \"bytes\"\nversion = \"1.12.1\"\nsource = \"{source}\"\n")
    }

    #[test]
    fn a_file_that_says_what_it_holds_is_in_order() {
        assert!(rust_faults("//! A noun.\n\nfn main() {}\n").is_empty());
    }

    #[test]
    fn a_file_that_opens_with_anything_else_is_a_fault() {
        for text in
            ["", "fn main() {}\n", "// A noun.\n", "\n//! A noun.\n", "//!\n//! A noun.\n", "use a;\n//! A noun.\n"]
        {
            assert_eq!(rust_faults(text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn the_longest_file_allowed_has_500_lines() {
        assert!(rust_faults(&"//! A noun.\n".repeat(500)).is_empty());
        assert_eq!(rust_faults(&"//! A noun.\n".repeat(501)).len(), 1);
        assert_eq!(rust_faults(&"fn f() {}\n".repeat(501)).len(), 2);
    }

    #[test]
    fn crates_io_is_the_only_registry() {
        assert!(lock_faults(&lock(CRATES_IO)).is_empty());
        assert!(lock_faults("version = 4\n\n[[package]]\nname = \"xtask\"\nversion = \"0.1.0\"\n").is_empty());
        for source in ["registry+https://mirror.example/index", "sparse+https://mirror.example/index/"] {
            assert_eq!(lock_faults(&lock(source)), [format!("names the registry {source}")]);
        }
        assert_eq!(lock_faults(&lock(&format!("{CRATES_IO}-mirror"))).len(), 1);
    }

    #[test]
    fn a_registry_is_told_once_however_many_crates_it_brings() {
        assert_eq!(lock_faults(&lock("sparse+https://mirror.example/").repeat(3)).len(), 1);
    }
}
