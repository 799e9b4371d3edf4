//! [`Excerpt`]: foreign text in a log. [`is_name`]: the rule for names that the log shows.

use std::fmt;

/// Foreign text that may stand in a log: escaped, and at most [`Excerpt::CHARS_MAX`] characters of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// Characters at most. An ellipsis behind them stands for the rest.
    pub const CHARS_MAX: usize = 64;

    /// What a log may show of `text`.
    pub fn new(text: &str) -> Self {
        // No character becomes none, so what is behind these cannot be among the first.
        let start: String = text.chars().take(Self::CHARS_MAX + 1).collect();
        let mut escaped = start.escape_debug().to_string();
        if let Some((end, _)) = escaped.char_indices().nth(Self::CHARS_MAX) {
            escaped.truncate(end);
            escaped.push('…');
        }
        Self(escaped)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `name` may name an issuer or an API key: 1 to 64 letters and digits of ASCII, `.`, `_` and `-`. No such name can be
/// taken for two in a log, or for the holder of another.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// The sentence for a name that is none.
pub(crate) const NAME_RULE: &str = "a name has 1 to 64 letters, digits, dots, dashes and underscores";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_escaped_and_short() {
        assert_eq!(Excerpt::new("a\n\"\u{1b}[31m").to_string(), "a\\n\\\"\\u{1b}[31m");
        assert_eq!(Excerpt::new(&"x".repeat(64)).to_string(), "x".repeat(64));
        assert_eq!(Excerpt::new(&"x".repeat(65)).to_string(), format!("{}…", "x".repeat(64)));
        assert_eq!(Excerpt::new(&"\n".repeat(65)).to_string(), format!("{}…", "\\n".repeat(32)));
    }

    #[test]
    fn a_name_has_64_plain_characters_at_most() {
        assert!(is_name("key.of_shop-1") && is_name(&"x".repeat(64)));
        for bad in ["", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
