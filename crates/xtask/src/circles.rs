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

/// Checks every crate. `files` are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Result<Vec<String>, String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let mut faults = Vec::new();
    for (package, roots) in packages(files) {
        for root in roots {
            let (names, arrows) = imports_of(root, &read)?;
            faults.extend(storeys::faults(package, &names, &arrows));
            let circles = Graph::new(names, arrows).circles();
            faults.extend(circles.iter().map(|way| format!("{package}: files import each other in a circle: {way}")));
        }
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

#[cfg(test)]
mod tests;
