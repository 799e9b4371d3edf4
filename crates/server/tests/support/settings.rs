//! [`File`]: settings for `--config`. [`limits`]: a flag that names a file with limits. [`checked`]: the output of
//! `fanfare serve --check`.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
    process::Command,
};

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

/// The flag that names a file with these lines of `[limits]`. The file stays below the target directory, so that a server
/// can be started with it again and again; the same lines are the same file.
pub(crate) fn limits(lines: &[&str]) -> String {
    let text = format!("[limits]\n{}\n", lines.join("\n"));
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let directory = env!("CARGO_TARGET_TMPDIR");
    let path = PathBuf::from(directory).join(format!("limits-{:016x}.toml", hasher.finish()));
    // Others may read it meanwhile, so it comes to its place as a whole.
    let file = tempfile::NamedTempFile::new_in(directory).unwrap();
    fs::write(file.path(), text).unwrap();
    file.persist(&path).unwrap();
    format!("--config={}", path.display())
}

/// The output of `--check`, without the blanks that align it.
pub(crate) fn checked(command: &mut Command) -> Vec<(String, String)> {
    let (code, text) = run(command.arg("--check"));
    assert_eq!(code, 0, "{text}");
    let pair =
        |line: &str| line.rsplit_once("  # ").map(|(left, right)| (left.trim_end().to_owned(), right.to_owned()));
    let lines = text.lines().filter(|line| !["", "[limits]", "[[issuer]]"].contains(line));
    lines.map(|line| pair(line).unwrap()).collect()
}

#[track_caller]
pub(crate) fn has(checked: &[(String, String)], line: &str, source: &str) {
    let is_there = checked.iter().any(|(left, right)| left == line && right == source);
    assert!(is_there, "no {line} from {source} in {checked:#?}");
}
