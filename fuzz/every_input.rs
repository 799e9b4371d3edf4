//! The corpus of the fuzz targets as plain tests. The tests of the crates under crates/ take this file in by its path.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Calls `property` with every input in the corpus of that name, and names the input that breaks it. `inputs_min` is the
/// least number of inputs there.
#[track_caller]
pub(crate) fn every_input(name: &str, inputs_min: usize, mut property: impl FnMut(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= inputs_min, "only {} inputs in {}", paths.len(), directory.display());
    for path in paths {
        let input = fs::read(&path).unwrap();
        let holds = catch_unwind(AssertUnwindSafe(|| property(&input)));
        assert!(holds.is_ok(), "broken by {}", path.display());
    }
}
