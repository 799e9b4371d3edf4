//! The output of `--check`: every setting as a line of TOML, with its source behind a `#`. The output can be used as a
//! file. Secrets are never printed.

use std::fmt::Write as _;

use fanfare_grants::KeySpec;

use super::{
    derived::Derived,
    file::{literal, quoted},
    layers::{Settings, Sourced},
    value::size_text,
};

/// What the help says behind the default of a limit for addresses.
const NOT_FOR_LOOPBACK: &str = ", and no limit for loopback addresses";

impl Settings {
    /// All settings, for a process that may open this many descriptors.
    pub(crate) fn report(&self, descriptors: u64) -> String {
        let line = |sourced: &Sourced| self.line(sourced, descriptors);
        let lines_of = |all: &[Sourced]| all.iter().map(line).collect::<Vec<_>>();
        let [flags, limits] = [&self.flags, &self.limits].map(|all| lines_of(all));
        let issuers: Vec<_> = self.issuers.iter().map(|all| lines_of(all)).collect();
        let lines = flags.iter().chain(&limits).chain(issuers.iter().flatten());
        let width = lines.map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(48);
        let mut report = String::new();
        for (line, source) in flags {
            let _ = writeln!(report, "{line:width$}  # {source}");
        }
        report.push_str("\n[limits]\n");
        for (line, source) in limits {
            let _ = writeln!(report, "{line:width$}  # {source}");
        }
        for issuer in issuers {
            report.push_str("\n[[issuer]]\n");
            for (line, source) in issuer {
                let _ = writeln!(report, "{line:width$}  # {source}");
            }
        }
        report
    }

    /// The line of one setting, and its source.
    pub(super) fn line(&self, sourced: &Sourced, descriptors: u64) -> (String, String) {
        let Sourced { key, values, is_list, is_secret, source, told_default } = sourced;
        if *is_list && *is_secret && !values.is_empty() {
            return (keys_line(key, values), (*source).to_owned());
        }
        if *is_list && let (true, Some((value, from))) = (values.is_empty(), self.follows(key, descriptors)) {
            return (format!("{key} = {value}"), format!("{source}: {from}"));
        }
        if *is_list && !*is_secret {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            return (format!("{key} = [{}]", values.join(", ")), (*source).to_owned());
        }
        let line = match values.last() {
            // A comment, so that the word does not become the key when the output is used as a file.
            Some(_) if *is_secret => format!("# {key} = \"set\""),
            Some(value) => format!("{key} = {}", literal(value)),
            None => match self.follows(key, descriptors) {
                Some((value, from)) => return (format!("{key} = {}", literal(&value)), format!("{source}: {from}")),
                None => match told_default.as_ref().and_then(|told| told.split_once(NOT_FOR_LOOPBACK)) {
                    // A comment, because a limit that is set holds for loopback addresses too.
                    Some((value, _)) => {
                        return (
                            format!("# {key} = {}", literal(value)),
                            format!("{source}: not for loopback addresses"),
                        );
                    }
                    None => format!("# {key} is not set"),
                },
            },
        };
        (line, (*source).to_owned())
    }

    /// The value of a setting that nobody gave and that has no fixed default, and the reason for it.
    fn follows(&self, key: &str, descriptors: u64) -> Option<(String, String)> {
        let serve = &self.serve;
        let Derived { history, rings, inbox, bodies, send_buffers } = serve.derived();
        let of_memory = |bytes| Some((size_text(bytes), "from memory".to_owned()));
        let counted = |count: usize, from: &str| Some((count.to_string(), from.to_owned()));
        match key {
            "read-origin" if !serve.is_local => Some(("[\"*\"]".to_owned(), "other machines can connect".to_owned())),
            "callers" => counted(serve.callers_max(descriptors), "65536, or as many as sockets-max"),
            "memory" => Some((size_text(serve.memory.bytes), serve.memory.reason())),
            "hub-history-bytes" => of_memory(history),
            "hub-ring-bytes" => of_memory(rings),
            "inbox-bytes" => of_memory(inbox),
            "bodies-bytes" => of_memory(bodies),
            "send-buffers-bytes" => of_memory(send_buffers),
            "shards" => counted(serve.shards(), "one for each core"),
            "connections-max" => counted(serve.connections_max(descriptors), "from sockets-max and h2-streams-total"),
            "sockets-max" => counted(serve.sockets_max(descriptors), "from the limit of open files"),
            _ => None,
        }
    }
}

/// The line of a list of keys. A line with a secret is a comment, so that what is left of it does not become the key when the
/// output is used as a file.
fn keys_line(key: &str, values: &[String]) -> String {
    let shown = |value: &String| match (KeySpec::parse(value), value.split_once(':')) {
        (Ok(KeySpec::Pem { .. } | KeySpec::JwksFile(_)), _) => (value.clone(), false),
        // The query of an address may have a secret.
        (Ok(KeySpec::JwksUrl(url)), _) if !url.contains('?') => (value.clone(), false),
        (_, Some((algorithm, _))) => (format!("{algorithm}:..."), true),
        (_, None) => ("...".to_owned(), true),
    };
    let shown: Vec<_> = values.iter().map(shown).collect();
    let comment = if shown.iter().any(|(_, is_cut)| *is_cut) { "# " } else { "" };
    let values: Vec<_> = shown.iter().map(|(value, _)| quoted(value)).collect();
    format!("{comment}{key} = [{}]", values.join(", "))
}
