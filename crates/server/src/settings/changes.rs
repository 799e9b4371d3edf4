//! [`Change`]: a setting that has another value when the settings are read again. [`Part`]: what takes it.

use serde::Serialize;

use super::{
    layers::{Settings, Sourced},
    limits::Limits,
    meaning::Serve,
};

/// The part of a server that takes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The filter of the log.
    Log,
    /// The rules of who may do what.
    Access,
    /// How long and how much the history keeps.
    Retention,
    /// Bounds on streams, requests, callers and memory.
    Limits,
    /// Everything that is made once, at the start.
    Start,
}

/// Settings of the rules of who may do what. All keys of `[[issuer]]` belong to them.
const OF_ACCESS: [&str; 15] = [
    "token-key",
    "token-issuer",
    "token-audience",
    "token-leeway",
    "token-without-exp",
    "token-cookie",
    "api-keys",
    "public",
    "public-publish",
    "authorize-url",
    "authorize-publish",
    "authorize-header",
    "authorize-timeout",
    "authorize-under-way",
    "authorize-cache",
];
/// Settings of the history.
const OF_RETENTION: [&str; 5] =
    ["history-events", "history-bytes", "history-age", "history-channel", "hub-history-bytes"];
/// Bounds that are flags. Those of the file are all keys of `[limits]`.
const OF_LIMITS: [&str; 3] = ["connections-max", "body-bytes", "memory"];

impl Part {
    fn of(key: &str, is_limit: bool) -> Self {
        match key {
            "log" => Self::Log,
            key if OF_ACCESS.contains(&key) => Self::Access,
            key if OF_RETENTION.contains(&key) => Self::Retention,
            // A journal on disk has made room for its targets.
            "history-targets" => Self::Start,
            key if is_limit || OF_LIMITS.contains(&key) => Self::Limits,
            _ => Self::Start,
        }
    }

    /// Whether a running server takes another value.
    pub(crate) fn can_change(self) -> bool {
        match self {
            Self::Log | Self::Access | Self::Retention => true,
            Self::Limits | Self::Start => false,
        }
    }
}

/// A setting with another value than the one in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The name of the setting, as an operator writes it. Limits and issuers have their table in front.
    pub(crate) setting: String,
    /// What `--check` prints of it, without secrets.
    pub(crate) line: String,
    #[serde(skip)]
    pub(crate) part: Part,
}

impl Settings {
    /// What `new` has otherwise than these settings, for a process that may open this many descriptors.
    pub(crate) fn changes(&self, new: &Self, descriptors: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (old, now, table) in [(&self.flags, &new.flags, ""), (&self.limits, &new.limits, "[limits] ")] {
            for now in now.iter().filter(|now| old.iter().any(|old| old.key == now.key && old.values != now.values)) {
                let (line, _) = new.line(now, descriptors);
                let part = Part::of(&now.key, !table.is_empty());
                changes.push(Change { setting: format!("{table}{}", now.key), line: uncommented(&line), part });
            }
        }
        changes.extend(of_issuers(&self.issuers, &new.issuers));
        changes
    }

    /// These settings, with the values of `new` where a running server takes another value.
    ///
    /// # Errors
    /// A sentence: some of them do not go together.
    pub(crate) fn changed_to(&self, new: Self) -> Result<Self, String> {
        let serve = self.serve.changed_to(&new.serve);
        serve
            .check(&[self.listen, self.listen_tls])
            .map_err(|reason| format!("what changes now does not go together with what a restart changes: {reason}"))?;
        let merged = |old: &[Sourced], new: Vec<Sourced>, is_limit| -> Vec<Sourced> {
            let chosen = |new: Sourced| match Part::of(&new.key, is_limit).can_change() {
                true => new,
                false => old.iter().find(|old| old.key == new.key).cloned().unwrap_or(new),
            };
            new.into_iter().map(chosen).collect()
        };
        let (flags, limits) = (merged(&self.flags, new.flags, false), merged(&self.limits, new.limits, true));
        Ok(Self { serve, flags, limits, issuers: new.issuers, ..self.clone() })
    }
}

impl Serve {
    /// These settings with those of `new` whose part can change.
    fn changed_to(&self, new: &Self) -> Self {
        let mut changed = self.clone();
        changed.flags.log.clone_from(&new.flags.log);
        changed.flags.access = new.flags.access.clone();
        changed.issuers.clone_from(&new.issuers);
        changed.flags.history = new.flags.history.clone();
        changed.limits.events.hub_history_bytes = new.limits.events.hub_history_bytes;
        let Limits { requests, .. } = &new.limits;
        changed.limits.requests.authorize_under_way = requests.authorize_under_way;
        changed.limits.requests.authorize_cache = requests.authorize_cache;
        changed
    }
}

/// The line of a setting that has no value, or a secret one, is a comment.
fn uncommented(line: &str) -> String {
    line.trim_start_matches("# ").to_owned()
}

/// The issuers that are other ones, by their names. Their keys may be secrets, and are not shown.
fn of_issuers(old: &[Vec<Sourced>], new: &[Vec<Sourced>]) -> Vec<Change> {
    let mut names: Vec<&str> = old.iter().chain(new).map(|table| name(table)).collect();
    names.sort_unstable();
    names.dedup();
    let told = |name: &str| match (find(old, name), find(new, name)) {
        (None, Some(_)) => Some("is new"),
        (Some(_), None) => Some("is gone"),
        (old, new) => (old != new).then_some("has changed"),
    };
    let change = |name: &str, told| Change {
        setting: format!("[[issuer]] {name}"),
        line: format!("[[issuer]] {name} {told}"),
        part: Part::Access,
    };
    let mut changes: Vec<_> = names.iter().filter_map(|name| Some(change(name, told(name)?))).collect();
    let in_order = |all: &[Vec<Sourced>]| all.iter().map(|table| name(table).to_owned()).collect::<Vec<_>>();
    if changes.is_empty() && in_order(old) != in_order(new) {
        let (setting, line) = ("[[issuer]]".to_owned(), "[[issuer]] stand in another order".to_owned());
        changes.push(Change { setting, line, part: Part::Access });
    }
    changes
}

/// What the issuer of this name has.
fn find<'a>(all: &'a [Vec<Sourced>], wanted: &str) -> Option<Vec<(&'a str, &'a [String])>> {
    all.iter().find(|table| name(table) == wanted).map(|table| values(table))
}

fn name(table: &[Sourced]) -> &str {
    let name = table.iter().find(|sourced| sourced.key == "name");
    name.and_then(|name| name.values.last()).map_or("", String::as_str)
}

fn values(table: &[Sourced]) -> Vec<(&str, &[String])> {
    table.iter().map(|sourced| (sourced.key.as_str(), sourced.values.as_slice())).collect()
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use clap::{Args as _, Command};

    use super::*;
    use crate::settings::{flags::Flags, limits};

    #[test]
    fn every_name_is_one_of_a_setting() {
        let names = |command: &Command| {
            let names = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        let known = [names(&Flags::augment_args(Command::new("serve"))), names(&limits::definition())].concat();
        for name in OF_ACCESS.into_iter().chain(OF_RETENTION).chain(OF_LIMITS).chain(["log"]) {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn a_setting_belongs_to_one_part() {
        for (key, is_limit, part) in [
            ("log", false, Part::Log),
            ("log-format", false, Part::Start),
            ("api-keys", false, Part::Access),
            ("authorize-cache", true, Part::Access),
            ("history-age", false, Part::Retention),
            ("history-targets", true, Part::Start),
            ("ring-messages", true, Part::Limits),
            ("memory", false, Part::Limits),
            ("listen", false, Part::Start),
            ("publish-key", false, Part::Start),
        ] {
            assert_eq!(Part::of(key, is_limit), part, "{key}");
        }
    }

    #[test]
    fn an_issuer_that_differs_is_told_by_its_name_and_never_with_its_keys() {
        let sourced = |key: &str, value: &str| Sourced {
            key: key.to_owned(),
            values: vec![value.to_owned()],
            is_list: false,
            is_secret: false,
            source: "file",
            told_default: None,
        };
        let table = |name: &str, key: &str| vec![sourced("name", name), sourced("keys", key)];
        let [a, b, other] = [table("a", "s3cr3t"), table("b", "s3cr3t"), table("a", "s3cr3t-too")];
        let lines = |old: &[Vec<Sourced>], new: &[Vec<Sourced>]| {
            of_issuers(old, new).into_iter().map(|change| change.line).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(lines(&[a.clone(), b.clone()], &[a.clone(), b.clone()]), "");
        assert_eq!(lines(from_ref(&a), &[other, b.clone()]), "[[issuer]] a has changed; [[issuer]] b is new");
        assert_eq!(lines(&[a.clone(), b.clone()], from_ref(&b)), "[[issuer]] a is gone");
        assert_eq!(lines(&[a.clone(), b.clone()], &[b, a]), "[[issuer]] stand in another order");
    }
}
