//! The commented file of `packaging`: it has every setting, and its lines are the defaults.

mod support;

use std::{fs, path::Path};

use support::{
    fanfare,
    settings::{File, checked},
};

/// The variable with which all other tests do without an admin listener.
const ADMIN: &str = "FANFARE_ADMIN";

fn file() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/fanfare.toml");
    fs::read_to_string(path).unwrap()
}

/// A default that is a comment: there is no space before its name.
fn is_default(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
}

fn uncommented() -> String {
    file().lines().map(|line| format!("{}\n", if is_default(line) { &line[1..] } else { line })).collect()
}

/// The values, without their sources.
fn values(all: Vec<(String, String)>) -> Vec<String> {
    all.into_iter().map(|(line, _)| line).collect()
}

#[test]
fn the_file_as_it_is_changes_nothing() {
    let all = checked(File::new(file()).command().env_remove(ADMIN));
    assert!(all.iter().all(|(_, source)| source != "file"), "{all:#?}");
}

#[test]
fn without_its_comments_it_has_every_default() {
    let all = checked(File::new(uncommented()).command().env_remove(ADMIN));
    let count = file().lines().filter(|line| is_default(line)).count();
    let from_file = all.iter().filter(|(_, source)| source.starts_with("file")).count();
    assert!(from_file == count && count > 60, "{from_file} of {count} are read");
    assert_eq!(values(all), values(checked(fanfare().env_remove(ADMIN))));
}

#[test]
fn every_setting_stands_in_it_behind_a_sentence() {
    let text = file();
    let lines: Vec<&str> = text.lines().collect();
    for (line, _) in checked(fanfare().env_remove(ADMIN)) {
        let key = line.trim_start_matches("# ").split(' ').next().unwrap();
        let place = lines.iter().position(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} = ")));
        let place = place.unwrap_or_else(|| panic!("{key} is missing"));
        let sentence = lines[place - 1];
        assert!(sentence.starts_with("# ") && sentence.ends_with('.'), "{key}: {sentence}");
    }
}
