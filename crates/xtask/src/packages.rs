//! The checks of `cargo xtask tree` on packages: each crate that is published carries the licence texts, and says what a registry
//! shows of it.

use std::{fs, path::Path};

/// The texts of the licences, beside each published manifest. They are links to those at the root, and cargo packs what they name.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The start of the `include` that packs them.
const INCLUDE: &str = "include = [\"/LICENSE-*\", ";

/// Keys of a published manifest, by itself or for the whole workspace.
const KEYS: [&str; 7] = ["categories", "description", "keywords", "license", "readme", "rust-version", "version"];

/// Returns all faults. `files` are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Vec<String> {
    let manifests = files.iter().filter(|path| path.starts_with("crates/") && path.ends_with("/Cargo.toml"));
    let read = manifests.filter_map(|path| Some((*path, fs::read_to_string(root.join(path)).ok()?)));
    read.flat_map(|(path, manifest)| faults_of(path, &manifest, files)).collect()
}

fn faults_of(path: &str, manifest: &str, files: &[&str]) -> Vec<String> {
    if manifest.lines().any(|line| line == "publish = false") {
        return Vec::new();
    }
    let beside = |name: &str| path.replace("Cargo.toml", name);
    let missing = LICENCES.iter().filter(|name| !files.contains(&beside(name).as_str()));
    let mut faults: Vec<String> =
        missing.map(|name| format!("{path}: is published, and has no {name} beside it")).collect();
    if !manifest.lines().any(|line| line.starts_with(INCLUDE)) {
        faults.push(format!("{path}: is published, and its list of files does not begin with {INCLUDE}"));
    }
    let says = |key: &str| manifest.lines().any(|line| line.split([' ', '.']).next() == Some(key));
    faults.extend(KEYS.iter().filter(|key| !says(key)).map(|key| format!("{path}: is published, and has no {key}")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
description = \"A noun.\"
version.workspace = true
rust-version.workspace = true
license.workspace = true
readme.workspace = true
keywords.workspace = true
categories.workspace = true
include = [\"/LICENSE-*\", \"/src\"]
";

    fn faults(manifest: &str, files: &[&str]) -> Vec<String> {
        faults_of("crates/a/Cargo.toml", manifest, files)
    }

    #[test]
    fn a_whole_package_is_in_order() {
        assert_eq!(faults(MANIFEST, &["crates/a/LICENSE-MIT", "crates/a/LICENSE-APACHE"]), [""; 0]);
    }

    #[test]
    fn each_licence_that_is_not_there_and_each_key_is_a_fault() {
        let files = ["crates/a/LICENSE-MIT", "LICENSE-APACHE"];
        assert_eq!(
            faults(MANIFEST, &files),
            ["crates/a/Cargo.toml: is published, and has no LICENSE-APACHE beside it"]
        );
        let files = ["crates/a/LICENSE-MIT", "crates/a/LICENSE-APACHE"];
        assert_eq!(faults(&MANIFEST.replace("keywords", "words"), &files).len(), 1);
        assert_eq!(faults(&MANIFEST.replace("\"/LICENSE-*\", ", ""), &files).len(), 1);
    }

    #[test]
    fn what_nobody_publishes_needs_nothing() {
        assert_eq!(faults("[package]\npublish = false\n", &[]), [""; 0]);
    }
}
