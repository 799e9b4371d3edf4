//! [`Rule`]: the rule by which a request was refused. [`Refusals`] counts them for operators.

use std::sync::atomic::{AtomicU64, Ordering};

use fanfare_callers::Limit;

/// The rule by which a request was refused, where an operator may want to know how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No key or token was shown where one is needed.
    NoCredential,
    /// The key or token is not valid here.
    InvalidCredential,
    /// The grant does not cover what was asked for.
    NotGranted,
    /// The application has denied it.
    Denied,
    /// The application could not be asked.
    Undecided,
    /// The page, or the name of the host, may not.
    Page,
    /// The client id has as many streams as it may have.
    ClientStreams,
    /// The caller, or the holder of the grant, is over a limit. Its table has counted that.
    OverLimit(Limit),
}

/// All rules that are counted here, each with its name.
const COUNTED: [(Rule, &str); 7] = [
    (Rule::NoCredential, "no-credential"),
    (Rule::InvalidCredential, "invalid-credential"),
    (Rule::NotGranted, "not-granted"),
    (Rule::Denied, "denied"),
    (Rule::Undecided, "undecided"),
    (Rule::Page, "page"),
    (Rule::ClientStreams, "client-streams"),
];

impl Rule {
    /// The name of the rule in the log and among the counts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OverLimit(limit) => limit.name(),
            counted => COUNTED.iter().find(|(rule, _)| *rule == counted).map_or("", |(_, name)| name),
        }
    }
}

impl Rule {
    /// All rules, those of callers as one.
    pub(crate) const KINDS: usize = COUNTED.len() + 1;

    /// The place of the rule among [`Rule::KINDS`].
    pub(crate) fn kind(self) -> usize {
        COUNTED.iter().position(|(counted, _)| *counted == self).unwrap_or(COUNTED.len())
    }
}

/// The number of refusals by each rule. Relaxed everywhere: figures for people.
#[derive(Debug, Default)]
pub(crate) struct Refusals([AtomicU64; COUNTED.len()]);

impl Refusals {
    pub(crate) fn count(&self, rule: Rule) {
        if let Some(at) = COUNTED.iter().position(|(counted, _)| *counted == rule) {
            self.0[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The name of each rule, and how often it has refused.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        COUNTED.iter().zip(&self.0).map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_counts_for_itself_and_limits_count_elsewhere() {
        let refusals = Refusals::default();
        for rule in [Rule::Page, Rule::Page, Rule::NotGranted, Rule::OverLimit(Limit::ALL[0])] {
            refusals.count(rule);
            assert!(!rule.name().is_empty());
        }
        let counted: Vec<_> = refusals.each().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("not-granted", 1), ("page", 2)]);
    }
}
