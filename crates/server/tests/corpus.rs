//! The corpus of the fuzz target for settings, as a plain test. With any file the command either runs, or prints the
//! error and exits with 2.

mod support;

use std::{fs, path::PathBuf};

use support::{fanfare, run};

#[test]
fn whatever_the_file_holds_the_command_takes_it_or_says_what_is_wrong() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/settings");
    let paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(paths.len() >= 24, "only {} inputs", paths.len());
    let mut taken = 0;
    for path in &paths {
        let (code, text) = run(fanfare().args(["serve", "--check", "--config"]).arg(path));
        match code {
            0 => taken += 1,
            2 => assert!(text.contains("error: "), "{}: {text}", path.display()),
            _ => panic!("{}: exit {code}: {text}", path.display()),
        }
    }
    assert!(taken >= 5 && taken < paths.len(), "{taken} of {} were taken", paths.len());
}
