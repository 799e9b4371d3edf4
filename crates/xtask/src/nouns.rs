//! The nouns of the product: words that a reader has to learn. Each stands in the module doc of the folder that owns it, as an item of
//! a list under `# Nouns`, and all crates together have at most [`NOUNS_MAX`].

use std::{fs, path::Path};

/// More than this nobody can hold in the head. HTTP/2, TLS and grants have brought two each, and a gate one.
const NOUNS_MAX: usize = 52;

const HEADING: &str = "//! # Nouns";

/// Counts the nouns in `files`, which are all files of the repository.
pub(crate) fn faults(root: &Path, files: &[&str]) -> Vec<String> {
    let sources = files.iter().filter(|path| path.starts_with("crates/") && path.ends_with(".rs"));
    let lists = sources.filter_map(|path| Some((*path, fs::read_to_string(root.join(path)).ok()?)));
    let counted: Vec<_> = lists.map(|(path, text)| (path, count(&text))).filter(|(_, nouns)| *nouns > 0).collect();
    verdict(&counted)
}

fn verdict(counted: &[(&str, usize)]) -> Vec<String> {
    let nouns: usize = counted.iter().map(|(_, nouns)| nouns).sum();
    if nouns <= NOUNS_MAX {
        return Vec::new();
    }
    let each = counted.iter().map(|(path, nouns)| format!("{path} {nouns}")).collect::<Vec<_>>().join(", ");
    vec![format!("{nouns} nouns, {NOUNS_MAX} are allowed: {each}")]
}

/// The items of the list under the heading.
fn count(text: &str) -> usize {
    let below = text.lines().skip_while(|line| *line != HEADING).skip(1);
    let list = below.take_while(|line| line.starts_with("//!") && !line.starts_with("//! #"));
    list.filter(|line| line.starts_with("//! - ")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_under_the_heading_count_and_no_others() {
        let text = "//! A folder.\n//!\n//! - no noun\n//!\n//! # Nouns\n//!\n//! - One: a,\n//!   b.\n//! - Two: c.\n//!\n//! # Walk\n//!\n//! - no noun\n";
        assert_eq!((count(text), count("//! - none\n")), (2, 0));
    }

    #[test]
    fn too_many_are_a_fault_that_names_the_files() {
        assert_eq!(verdict(&[("a.rs", 40), ("b.rs", 12)]), [""; 0]);
        assert_eq!(verdict(&[("a.rs", 40), ("b.rs", 13)]), ["53 nouns, 52 are allowed: a.rs 40, b.rs 13"]);
    }
}
