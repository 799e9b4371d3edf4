//! What `--check` prints: every setting as a line of TOML, with where it comes from behind a `#`. It can be used as a
//! file again. The publish key is never printed.

use std::fmt::Write as _;

use super::{
    file::{literal, quoted},
    layers::{Settings, Sourced},
};

impl Settings {
    /// All settings, for a process that may have so many descriptors open.
    pub(crate) fn report(&self, descriptors: u64) -> String {
        let lines: Vec<_> =
            self.sources.iter().map(|sourced| (self.line(sourced, descriptors), sourced.source)).collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(48);
        let mut report = String::new();
        for (line, source) in lines {
            let _ = writeln!(report, "{line:width$}  # {source}");
        }
        report
    }

    fn line(&self, sourced: &Sourced, descriptors: u64) -> String {
        let Sourced { key, values, is_list, is_secret, .. } = sourced;
        if *is_list {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            return format!("{key} = [{}]", values.join(", "));
        }
        match values.last() {
            // As a comment: the word must not become the key when somebody uses the output as a file.
            Some(_) if *is_secret => format!("# {key} = \"set\""),
            Some(value) => format!("{key} = {}", literal(value)),
            None if key == "shards" => format!("{key} = {}", self.serve.shards()),
            None if key == "connections-max" => format!("{key} = {}", self.serve.connections_max(descriptors)),
            None if key == "sockets-max" => format!("{key} = {}", self.serve.sockets_max(descriptors)),
            None => format!("# {key} is not set"),
        }
    }
}
