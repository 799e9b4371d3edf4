//! [`Pattern`]: a set of channels by the form of their names. Settings, grants and subscriptions have the same patterns.

use std::sync::Arc;

use crate::event::name::{self, Channel, NameError};

/// A pattern for names of channels. `*` is any run of characters, also an empty one. All other characters are themselves. A pattern
/// without a `*` is the name of one channel.
///
/// A match takes time in proportion to the length of the name and of the pattern, whatever these are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// The pattern, if `text` obeys the rule of names.
    ///
    /// # Errors
    /// [`NameError`]: the broken rule.
    pub fn new(text: &str) -> Result<Self, NameError> {
        name::check(text).map(|()| Self(text.into()))
    }

    /// The pattern of channels to follow. Like [`Pattern::new`], but without `{` and `}`, which templates of names will need. An exact
    /// one follows that channel.
    ///
    /// ```
    /// use fanfare_core::{Channel, NameError, Pattern};
    ///
    /// let [news, orders] = ["news", "orders.*"].map(|text| Pattern::subscribed(text).unwrap());
    /// assert_eq!((news.channel(), orders.channel()), (Channel::new("news").ok(), None));
    /// assert_eq!(Pattern::subscribed("orders.{id}"), Err(NameError::Reserved));
    /// ```
    ///
    /// # Errors
    /// [`NameError`]: the broken rule.
    pub fn subscribed(text: &str) -> Result<Self, NameError> {
        if text.contains(['{', '}']) {
            return Err(NameError::Reserved);
        }
        Self::new(text)
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches `name`.
    ///
    /// ```
    /// use fanfare_core::Pattern;
    ///
    /// let orders = Pattern::new("orders.*").unwrap();
    /// assert!(orders.matches("orders.42") && !orders.matches("news"));
    /// ```
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // The first match is the best one: it leaves the most text for the following parts.
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }

    /// Whether every name that `other` matches is matched here too.
    ///
    /// ```
    /// use fanfare_core::Pattern;
    ///
    /// let [all, orders, paid] = ["*", "orders.*", "orders.*.paid"].map(|text| Pattern::new(text).unwrap());
    /// assert!(all.covers(&orders) && orders.covers(&paid) && orders.covers(&orders));
    /// assert!(!orders.covers(&all) && !paid.covers(&orders));
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        // Only a star of ours can take a star of `other`, and it takes whatever that stands for as well.
        self.matches(&other.0)
    }

    /// Whether this is the name of one channel.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// The one channel that the pattern names, if it has no star.
    pub fn channel(&self) -> Option<Channel> {
        if self.is_exact() { Channel::new(&self.0).ok() } else { None }
    }

    /// The text before the first star: every name that matches begins with it.
    pub(crate) fn prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// Whether a star stands elsewhere than at the end, so that names with the prefix have to be matched one by one. A hub follows
    /// only so many of these ([`crate::Config::inner_patterns_max`]).
    pub fn has_inner_star(&self) -> bool {
        self.prefix().len() + 1 < self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    fn matches(text: &str, name: &str) -> bool {
        pattern(text).matches(name)
    }

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, name) in
            [("news.*", "news."), ("news.*", "news.a"), ("*", "x"), ("a*b*c", "aXbbYc"), ("*.x", "a.x.x"), ("a", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("news.*", "new"), ("a", "ab"), ("a*a", "a"), ("a*b*c", "acb"), ("*.x", "x")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(Pattern::new("").is_err() && Pattern::new("a\n").is_err());
    }

    /// All texts of up to `length` letters of `letters`.
    fn texts(letters: &str, length: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut last = 0;
        for _ in 0..length {
            let longer =
                texts[last..].iter().flat_map(|text| letters.chars().map(move |letter| format!("{text}{letter}")));
            let longer: Vec<_> = longer.collect();
            last = texts.len();
            texts.extend(longer);
        }
        texts.remove(0);
        texts
    }

    #[test]
    fn a_pattern_covers_another_exactly_if_it_matches_all_of_its_names() {
        let patterns: Vec<_> = texts("ab*", 4).iter().map(|text| pattern(text)).collect();
        // A letter that no pattern has stands for all the others.
        let names = texts("abc", 5);
        for one in &patterns {
            for other in &patterns {
                let is_covered = names.iter().filter(|name| other.matches(name)).all(|name| one.matches(name));
                assert_eq!(one.covers(other), is_covered, "{one:?} {other:?}");
            }
        }
    }
}
