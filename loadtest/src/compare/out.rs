//! The directory that a comparison is kept in: `summary.json` with everything, `README.md` and
//! `report.html` for people.

use std::io;
use std::path::{Path, PathBuf};

use crate::compare::summary::Comparison;

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}", path.display())]
pub(crate) struct OutError {
    path: PathBuf,
    cause: io::Error,
}

/// Makes the directory if it is not there.
pub(crate) fn prepare(directory: &Path) -> Result<(), OutError> {
    std::fs::create_dir_all(directory).map_err(|cause| OutError { path: directory.to_owned(), cause })
}

/// Writes every file. A further form of a comparison is a further line here.
pub(crate) fn write(directory: &Path, comparison: &Comparison) -> Result<(), OutError> {
    let files = [
        ("summary.json", json(comparison)),
        ("README.md", comparison.markdown()),
        ("report.html", comparison.page().html()),
    ];
    files.into_iter().try_for_each(|(name, text)| save(&directory.join(name), &text))
}

pub(crate) fn save(path: &Path, text: &str) -> Result<(), OutError> {
    std::fs::write(path, text).map_err(|cause| OutError { path: path.to_owned(), cause })
}

/// The whole comparison as one JSON object.
pub(crate) fn json(comparison: &Comparison) -> String {
    // Its keys are texts and its numbers finite: it cannot fail.
    let text = serde_json::to_string_pretty(comparison).expect("a comparison is JSON");
    format!("{text}\n")
}
