//! The settings file of the Debian package: fanfare takes it as it is, and with all its examples turned on.

use std::fs;

use crate::{desk::Desk, site::run, support::PATIENCE, tree::root};

const SETTINGS: &str = "packaging/debian/fanfare.toml";

/// The file with its examples turned on: lines that begin with `#` and a letter.
fn with_examples(text: &str) -> (String, usize) {
    let mut count = 0;
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(example) if example.starts_with(|first: char| first.is_ascii_lowercase()) => {
            count += 1;
            example
        }
        _ => line,
    });
    (lines.collect::<Vec<_>>().join("\n"), count)
}

#[test]
fn fanfare_takes_the_settings_of_the_package_and_each_of_its_examples() {
    let text = fs::read_to_string(root().join(SETTINGS)).unwrap();
    let (whole, examples) = with_examples(&text);
    assert!(examples >= 8, "{examples} examples");
    let desk = Desk::new();
    for text in [text, whole] {
        let [path, journal] = ["fanfare.toml", "journal"].map(|name| desk.path(name).display().to_string());
        fs::write(&path, &text).unwrap();
        // Not everybody may write to the directory that the file names.
        let words = ["serve", "--check", "--config", &path, "--journal", &journal];
        let mut check = desk.program("fanfare", &words);
        let (code, output) = run(&desk, check.env("FANFARE_PUBLISH_KEY", "secret"), PATIENCE).unwrap();
        assert!(code == 0 && output.contains("listen = \"127.0.0.1:3000\""), "{output}");
        let taken = output.lines().filter(|line| line.contains("# file")).count();
        let given = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        // The journal is given by a flag here.
        assert_eq!(taken, given - 1, "{output}");
    }
}
