//! Paths in the repository, and the list of its documentation.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()));
    package.ancestors().nth(2).unwrap().to_owned()
}

/// The directory below `target` where cargo lets tests write.
pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The programs that `cargo xtask test` has installed.
pub(crate) fn parts() -> PathBuf {
    // `cargo xtask test` says where it has installed them; without it they are in the target directory.
    let parts = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
    parts.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"))
}

/// Pages whose commands are run: README.md, docs, and the README.md of each example.
pub(crate) fn documentation() -> Vec<String> {
    let examples = markdown("examples").into_iter().filter(|path| path.ends_with("/README.md"));
    [vec!["README.md".to_owned()], markdown("docs"), examples.collect()].concat()
}

/// Pages whose links are checked: those above, and the pages that they link to.
pub(crate) fn linked() -> Vec<String> {
    let more = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "crates/http/contract.md",
        "packaging/README.md",
    ];
    [documentation(), more.map(str::to_owned).into(), markdown("loadtest")].concat()
}

/// The sources of the server: what is below `src` of each crate.
pub(crate) fn sources() -> Vec<String> {
    let crates = files("crates", ".rs");
    let is_source = |path: &String| path.split('/').nth(2) == Some("src") && !path.starts_with("crates/xtask/");
    crates.into_iter().filter(is_source).collect()
}

/// All Markdown files below this directory.
fn markdown(directory: &str) -> Vec<String> {
    files(directory, ".md")
}

/// All files below this directory with this ending.
fn files(directory: &str, ending: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join(directory)).unwrap_or_else(|error| panic!("{directory}: {error}")) {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            paths.extend(files(&path, ending));
        } else if path.ends_with(ending) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    paths
}
