//! [`Printer`]: prints events on standard output, for people or, with `--json`, for programs. Each event is flushed
//! alone.

use std::io::{self, IsTerminal as _, Stdout, Write as _, stdout};

use serde_json::json;

use crate::{event_stream::Event, harmless::harmless};

/// The form of printed events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Plain,
    /// Plain, without characters that could steer the terminal.
    Terminal,
}

/// Prints to standard output.
#[derive(Debug)]
pub(crate) struct Printer {
    form: Form,
    output: Stdout,
}

impl Printer {
    pub(crate) fn new(is_json: bool) -> Self {
        let output = stdout();
        let form = match (is_json, output.is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Terminal,
            (false, false) => Form::Plain,
        };
        Self { form, output }
    }

    /// Prints one event and flushes it.
    pub(crate) fn print(&mut self, event: &Event) -> io::Result<()> {
        self.output.write_all(shown(event, self.form).as_bytes())?;
        self.output.flush()
    }
}

fn shown(event: &Event, form: Form) -> String {
    let Event { id, kind, data } = event;
    if form == Form::Json {
        return format!("{}\n", json!({ "id": id, "event": kind, "data": data }));
    }
    let mut text = String::new();
    if let Some(id) = id.as_deref().filter(|id| !id.is_empty()) {
        text.push_str(&format!("[{id}] "));
    }
    if kind != "message" {
        text.push_str(&format!("{kind}: "));
    }
    text.push_str(data);
    text.push('\n');
    if form == Form::Terminal { harmless(&text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, kind: &str, data: &str) -> Event {
        Event { id: id.map(ToOwned::to_owned), kind: kind.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn people_see_what_is_there_and_nothing_else() {
        assert_eq!(shown(&event(None, "message", "a\nb"), Form::Plain), "a\nb\n");
        assert_eq!(shown(&event(Some(""), "t", "a"), Form::Plain), "t: a\n");
        assert_eq!(shown(&event(Some("1-0"), "t", "a"), Form::Plain), "[1-0] t: a\n");
    }

    #[test]
    fn programs_get_one_object_a_line() {
        let line = shown(&event(Some("1"), "message", "a\nb\""), Form::Json);
        assert_eq!(line, "{\"id\":\"1\",\"event\":\"message\",\"data\":\"a\\nb\\\"\"}\n");
        assert!(shown(&event(None, "t", ""), Form::Json).starts_with("{\"id\":null,"));
    }

    #[test]
    fn a_publisher_cannot_steer_the_terminal() {
        let event = event(Some("\u{9b}"), "message", "\u{1b}[2J\t\n\r");
        assert_eq!(shown(&event, Form::Terminal), "[\\u{9b}] \\u{1b}[2J\t\n\\r\n");
        assert_eq!(shown(&event, Form::Plain), "[\u{9b}] \u{1b}[2J\t\n\r\n");
    }
}
