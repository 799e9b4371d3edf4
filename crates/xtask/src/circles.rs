//! `cargo xtask tree` and import circles: files of one crate that import each other.
//!
//! The folders of some crates have an order besides, and no file imports from above: see storeys.rs.
//!
//! A file in a circle cannot be understood, tested or moved alone. Only files of the product count: tests and loom models may
//! import any file. The `pub use` of a lib.rs or main.rs does not count: it is a table of contents.

mod cursor;
mod graph;
mod modules;
mod paths;
mod storeys;
mod tokens;

use std::{collections::BTreeSet, fs, path::Path};

use graph::Graph;
use modules::Tree;

/// Crates that still have circles. The list may only get shorter: a crate without a circle has to leave it.
const ALLOWED: &[&str] = &["loadtest"];

/// Checks every crate. `files` are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Result<Vec<String>, String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let packages = packages(files);
    let gone = ALLOWED.iter().filter(|allowed| !packages.iter().any(|(package, _)| package == *allowed));
    let mut faults: Vec<String> = gone.flat_map(|package| verdict(package, &[], true)).collect();
    for (package, roots) in packages {
        let mut circles = Vec::new();
        for root in roots {
            let (names, arrows) = imports_of(root, &read)?;
            faults.extend(storeys::faults(package, &names, &arrows));
            circles.extend(Graph::new(names, arrows).circles());
        }
        faults.extend(verdict(package, &circles, ALLOWED.contains(&package)));
    }
    Ok(faults)
}

/// Directories with a lib.rs, a main.rs or both in `src`, each with these files.
fn packages<'a>(files: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let package = |file: &'a str| file.strip_suffix("/src/lib.rs").or_else(|| file.strip_suffix("/src/main.rs"));
    let packages: BTreeSet<&str> = files.iter().filter_map(|file| package(file)).collect();
    let roots = |name| files.iter().copied().filter(|file| package(file) == Some(name)).collect();
    packages.into_iter().map(|name| (name, roots(name))).collect()
}

/// The files of the crate with this root file, and for each the files that it imports. Paths are relative to the directory of the
/// root file.
fn imports_of(
    root: &str,
    read: &dyn Fn(&str) -> Option<String>,
) -> Result<(Vec<String>, Vec<BTreeSet<usize>>), String> {
    let tree = Tree::read(root, read)?;
    let directory = root.rsplit_once('/').map_or("", |(directory, _)| directory);
    let name = |file: &String| file.strip_prefix(directory).unwrap_or(file).trim_start_matches('/').to_owned();
    let names = tree.files().iter().map(name).collect();
    Ok((names, tree.arrows()))
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
