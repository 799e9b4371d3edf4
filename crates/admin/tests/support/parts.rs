//! Programs that the tests run, where `cargo xtask` has put them.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What to do where one is missing.
const HOW_TO_INSTALL: &str = "`cargo xtask test -p fanfare-admin` installs it";

/// A program of Debian.
#[track_caller]
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/bin").join(name);
    assert!(path.is_file(), "{name} is missing: {HOW_TO_INSTALL}");
    path
}

/// A program of a pip package.
#[track_caller]
pub(crate) fn python_program(name: &str) -> PathBuf {
    let told = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
    let parts = told.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"));
    let path = parts.join("python/bin").join(name);
    assert!(path.is_file(), "{name} is missing: {HOW_TO_INSTALL}");
    path
}

/// The directory of this package, also where the checkout was moved after it was built.
pub(crate) fn package() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// The text of a file of the repository.
#[track_caller]
pub(crate) fn repository_file(path: &str) -> String {
    let path = package().join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
