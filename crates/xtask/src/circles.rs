//! `cargo xtask tree` and import circles: files of one crate that import each other.
//!
//! A file in a circle cannot be understood, tested or moved alone. What counts is what the product is built of: tests and
//! loom models may import what they like, and the `pub use` of a lib.rs or main.rs is a table of contents.

mod cursor;
mod graph;
mod modules;
mod paths;
mod tokens;

use std::{collections::BTreeSet, fs, path::Path};

use graph::Graph;
use modules::Tree;

/// Crates that have circles still. None may be added, and one without a circle has to go.
const ALLOWED: &[&str] = &["crates/core", "crates/http", "crates/server", "loadtest"];

/// `files` are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Result<Vec<String>, String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let mut faults = Vec::new();
    for (package, roots) in packages(files) {
        let mut circles = Vec::new();
        for root in roots {
            circles.extend(circles_of(root, &read)?);
        }
        faults.extend(verdict(package, &circles, ALLOWED.contains(&package)));
    }
    Ok(faults)
}

/// Directories with a lib.rs, a main.rs or both in `src`, and these files.
fn packages<'a>(files: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let package = |file: &'a str| file.strip_suffix("/src/lib.rs").or_else(|| file.strip_suffix("/src/main.rs"));
    let packages: BTreeSet<&str> = files.iter().filter_map(|file| package(file)).collect();
    let roots = |name| files.iter().copied().filter(|file| package(file) == Some(name)).collect();
    packages.into_iter().map(|name| (name, roots(name))).collect()
}

/// A way round each circle of the crate whose first file is `root`. Paths are relative to the directory of that file.
fn circles_of(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
    let tree = Tree::read(root, read)?;
    let directory = root.rsplit_once('/').map_or("", |(directory, _)| directory);
    let name = |file: &String| file.trim_start_matches(directory).trim_start_matches('/').to_owned();
    let names = tree.files().iter().map(name).collect();
    Ok(Graph::new(names, tree.arrows()).circles())
}

fn verdict(package: &str, circles: &[String], is_allowed: bool) -> Vec<String> {
    match (circles.is_empty(), is_allowed) {
        (true, true) => {
            vec![format!(
                "{package}: has no import circle any more, take it off the list in crates/xtask/src/circles.rs"
            )]
        }
        (_, true) => Vec::new(),
        (_, false) => {
            circles.iter().map(|way| format!("{package}: files import each other in a circle: {way}")).collect()
        }
    }
}

#[cfg(test)]
mod tests;
