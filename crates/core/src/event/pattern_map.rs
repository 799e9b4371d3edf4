//! [`PatternMap`]: values by pattern, and the lookup of all patterns that match one name.
//!
//! Patterns stand under their prefix, the text before the first star. A lookup asks for each length that a prefix has, at most one
//! for each byte of the name. A pattern whose only star is at the end then matches without a look at it. Those with an inner star
//! ([`Pattern::has_inner_star`]) are matched one by one among those with the same prefix, so their number needs a limit.

use std::collections::{BTreeMap, HashMap};

use crate::event::pattern::Pattern;

/// Values by pattern.
#[derive(Debug)]
pub(crate) struct PatternMap<V> {
    by_prefix: HashMap<Box<str>, Group<V>>,
    /// The number of prefixes of each length in bytes.
    lengths: BTreeMap<usize, usize>,
    /// The number of patterns with an inner star.
    inner: usize,
}

/// The patterns with one prefix.
#[derive(Debug)]
struct Group<V> {
    /// The pattern whose only star is at the end.
    open: Option<(Pattern, V)>,
    inner: Vec<(Pattern, V)>,
}

impl<V> Default for PatternMap<V> {
    fn default() -> Self {
        Self { by_prefix: HashMap::new(), lengths: BTreeMap::new(), inner: 0 }
    }
}

impl<V> Group<V> {
    fn entries(&self) -> impl Iterator<Item = &(Pattern, V)> {
        self.open.iter().chain(&self.inner)
    }
}

impl<V> PatternMap<V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }

    /// The number of patterns with an inner star.
    pub(crate) fn inner(&self) -> usize {
        self.inner
    }

    /// The pattern as the map has it, and its value.
    pub(crate) fn get(&self, pattern: &Pattern) -> Option<&(Pattern, V)> {
        self.by_prefix.get(pattern.prefix())?.entries().find(|(one, _)| one == pattern)
    }

    /// As [`PatternMap::get`]. Puts the pattern in with the default value if it is not there.
    pub(crate) fn entry(&mut self, pattern: &Pattern) -> (&Pattern, &mut V)
    where
        V: Default,
    {
        let prefix = pattern.prefix();
        if !self.by_prefix.contains_key(prefix) {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        let group = self.by_prefix.entry(prefix.into()).or_insert_with(|| Group { open: None, inner: Vec::new() });
        let new = || (pattern.clone(), V::default());
        let (pattern, value) = if pattern.has_inner_star() {
            let at = group.inner.iter().position(|(one, _)| one == pattern).unwrap_or_else(|| {
                group.inner.push(new());
                self.inner += 1;
                group.inner.len() - 1
            });
            &mut group.inner[at]
        } else {
            group.open.get_or_insert_with(new)
        };
        (pattern, value)
    }

    /// Takes a pattern out.
    pub(crate) fn remove(&mut self, pattern: &Pattern) {
        let prefix = pattern.prefix();
        let Some(group) = self.by_prefix.get_mut(prefix) else { return };
        if pattern.has_inner_star() {
            let before = group.inner.len();
            group.inner.retain(|(one, _)| one != pattern);
            self.inner -= before - group.inner.len();
        } else {
            group.open = None;
        }
        if group.entries().next().is_none() {
            self.by_prefix.remove(prefix);
            if let Some(prefixes) = self.lengths.get_mut(&prefix.len()) {
                *prefixes -= 1;
                if *prefixes == 0 {
                    self.lengths.remove(&prefix.len());
                }
            }
        }
    }

    /// The values of all patterns that match `name`.
    pub(crate) fn matching(&self, name: &str) -> impl Iterator<Item = &V> {
        let prefixes = self.lengths.range(..=name.len()).filter_map(|(length, _)| name.get(..*length));
        let groups = prefixes.filter_map(|prefix| self.by_prefix.get(prefix));
        groups.flat_map(move |group| {
            let inner = group.inner.iter().filter(move |(pattern, _)| pattern.matches(name));
            group.open.iter().chain(inner).map(|(_, value)| value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers below the length, from a multiplier that is good enough for a test.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }

        fn text(&mut self, letters: &[char]) -> String {
            (0..=self.below(5)).map(|_| letters[self.below(letters.len() as u64) as usize]).collect()
        }
    }

    #[test]
    fn all_patterns_that_match_are_found_whatever_came_and_went() {
        let mut random = Random(7);
        let (mut map, mut model) = (PatternMap::<u64>::default(), BTreeMap::<Pattern, u64>::new());
        for step in 0..20_000 {
            let mut text = random.text(&['a', 'b', 'ü', '*']);
            text.push_str(if random.below(2) == 0 { "*" } else { "" });
            let pattern = Pattern::new(&text).unwrap();
            if pattern.is_exact() {
                let mut found: Vec<_> = map.matching(&text).copied().collect();
                let mut expected: Vec<_> =
                    model.iter().filter(|(one, _)| one.matches(&text)).map(|(_, value)| *value).collect();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{text}");
            } else if random.below(2) == 0 {
                *map.entry(&pattern).1 = step;
                model.insert(pattern, step);
            } else {
                map.remove(&pattern);
                model.remove(&pattern);
            }
            assert_eq!(map.inner(), model.keys().filter(|pattern| pattern.has_inner_star()).count());
        }
        for pattern in model.keys() {
            assert_eq!(map.get(pattern).map(|(one, _)| one), Some(pattern));
            map.remove(pattern);
        }
        assert!(map.is_empty() && map.lengths.is_empty());
    }
}
