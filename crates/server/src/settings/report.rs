//! The output of `--check`: every setting as a line of TOML, with its source behind a `#`. The output can be used as a
//! file. The publish key is never printed.

use std::fmt::Write as _;

use super::{
    derived::Derived,
    file::{literal, quoted},
    layers::{Settings, Sourced},
    value::size_text,
};

impl Settings {
    /// All settings, for a process that may open this many descriptors.
    pub(crate) fn report(&self, descriptors: u64) -> String {
        let line = |sourced: &Sourced| self.line(sourced, descriptors);
        let [flags, limits] = [&self.flags, &self.limits].map(|all| all.iter().map(line).collect::<Vec<_>>());
        let lines = flags.iter().chain(&limits);
        let width = lines.map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(48);
        let mut report = String::new();
        for (line, source) in flags {
            let _ = writeln!(report, "{line:width$}  # {source}");
        }
        report.push_str("\n[limits]\n");
        for (line, source) in limits {
            let _ = writeln!(report, "{line:width$}  # {source}");
        }
        report
    }

    /// The line of one setting, and its source.
    fn line(&self, sourced: &Sourced, descriptors: u64) -> (String, String) {
        let Sourced { key, values, is_list, is_secret, source } = sourced;
        if *is_list {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            return (format!("{key} = [{}]", values.join(", ")), (*source).to_owned());
        }
        let line = match values.last() {
            // A comment, so that the word does not become the key when the output is used as a file.
            Some(_) if *is_secret => format!("# {key} = \"set\""),
            Some(value) => format!("{key} = {}", literal(value)),
            None => match self.follows(key, descriptors) {
                Some((value, from)) => return (format!("{key} = {}", literal(&value)), format!("{source}: {from}")),
                None => format!("# {key} is not set"),
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
