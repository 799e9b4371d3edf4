//! [`Version`]: three numbers, read from a tool's answer to `--version`. Tells whether an installed tool is new enough.
//! A part behind `-` or `+` is ignored, because pre-releases never matter here.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
}

impl Version {
    /// The first word of `text` that is a version: `cargo-deny 0.20.2` and `v20.19.0` both hold one.
    pub(crate) fn first_in(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.strip_prefix('v').unwrap_or(word);
        let numbers = word.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Option<Version> {
        Some(Version { major, minor, patch })
    }

    #[test]
    fn is_found_in_what_tools_answer() {
        assert_eq!(Version::first_in("cargo-deny 0.20.2\n"), version(0, 20, 2));
        assert_eq!(Version::first_in("v20.19.0"), version(20, 19, 0));
        assert_eq!(Version::first_in("cargo 1.95.0 (f2d3ce0bd 2026-03-21)"), version(1, 95, 0));
        assert_eq!(Version::first_in("tool 1.2.3-rc.1+5"), version(1, 2, 3));
    }

    #[test]
    fn is_not_found_where_there_is_none() {
        for text in ["", "cargo-deny", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "1..3", "99999999999.0.0"] {
            assert_eq!(Version::first_in(text), None, "{text}");
        }
    }

    #[test]
    fn are_ordered_by_number_not_by_digit() {
        assert!(version(0, 20, 2) > version(0, 9, 99));
        assert!(version(0, 20, 10) > version(0, 20, 2));
        assert!(version(1, 0, 0) > version(0, 20, 2));
    }
}
