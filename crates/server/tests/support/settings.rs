//! [`File`]: settings for `--config`; and what `fanfare serve --check` says of all of them.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{fanfare, run};

/// A file with settings.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    _directory: TempDir,
}

impl File {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fanfare.toml");
        fs::write(&path, text).unwrap();
        Self { path, _directory: directory }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = fanfare();
        command.args(["serve", "--config"]).arg(&self.path);
        command
    }
}

/// What `--check` says, without the blanks that align it.
pub(crate) fn checked(command: &mut Command) -> Vec<(String, String)> {
    let (code, text) = run(command.arg("--check"));
    assert_eq!(code, 0, "{text}");
    let pair =
        |line: &str| line.rsplit_once("  # ").map(|(left, right)| (left.trim_end().to_owned(), right.to_owned()));
    text.lines().map(|line| pair(line).unwrap()).collect()
}

#[track_caller]
pub(crate) fn has(checked: &[(String, String)], line: &str, source: &str) {
    let is_there = checked.iter().any(|(left, right)| left == line && right == source);
    assert!(is_there, "no {line} from {source} in {checked:#?}");
}
