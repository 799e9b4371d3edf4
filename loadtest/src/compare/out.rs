//! The directory that a comparison is kept in: `summary.json` with everything, `README.md` and
//! `report.html` for people.

use std::path::Path;

use crate::compare::error::CompareError;
use crate::compare::summary::Comparison;

/// Makes the directory if it is not there.
pub(crate) fn prepare(directory: &Path) -> Result<(), CompareError> {
    std::fs::create_dir_all(directory).map_err(|cause| CompareError::Write { path: directory.to_owned(), cause })
}

/// Writes every file. A further form of a comparison is a further line here.
pub(crate) fn write(directory: &Path, comparison: &Comparison) -> Result<(), CompareError> {
    let files = [
        ("summary.json", json(comparison)),
        ("README.md", comparison.markdown()),
        ("report.html", comparison.page().html()),
    ];
    files.into_iter().try_for_each(|(name, text)| save(&directory.join(name), &text))
}

pub(crate) fn save(path: &Path, text: &str) -> Result<(), CompareError> {
    std::fs::write(path, text).map_err(|cause| CompareError::Write { path: path.to_owned(), cause })
}

/// The whole comparison as one JSON object.
pub(crate) fn json(comparison: &Comparison) -> String {
    // Its keys are texts and its numbers finite: it cannot fail.
    let text = serde_json::to_string_pretty(comparison).expect("a comparison is JSON");
    format!("{text}\n")
}
