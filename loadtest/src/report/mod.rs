//! The result of a run, as lines for people or one JSON object for programs.
//!
//! A fault has a line of its own in either form and makes the exit status 1: no result is printed without it.

pub(crate) mod findings;

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Map, Value};

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// The figures of one run. Units are last in the names.
#[derive(Debug)]
pub(crate) struct Report {
    title: String,
    figures: Map<String, Value>,
    rows: Vec<(&'static str, String)>,
    faults: Vec<String>,
}

impl Report {
    pub(crate) fn new(scenario: &str, title: String) -> Self {
        let figures = Map::from_iter([("scenario".to_owned(), Value::from(scenario))]);
        Self { title, figures, rows: Vec::new(), faults: Vec::new() }
    }

    /// A line of the text.
    pub(crate) fn row(&mut self, name: &'static str, text: String) {
        self.rows.push((name, text));
    }

    /// A member of the JSON object; `None` is null.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Something that must not happen.
    pub(crate) fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    pub(crate) fn print(&self, format: Format) -> ExitCode {
        let text = match format {
            Format::Text => self.text(),
            Format::Json => self.json(),
        };
        if format == Format::Json {
            for fault in &self.faults {
                // Also where a person looks. Nothing is left to be done about a closed stderr.
                let _ = writeln!(io::stderr().lock(), "fanfare-loadtest: FAULT: {fault}");
            }
        }
        let printed = io::stdout().lock().write_all(text.as_bytes());
        if self.faults.is_empty() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn text(&self) -> String {
        let rows = self.rows.iter().map(|(name, text)| format!("  {name:<16} {text}\n"));
        let faults = self.faults.iter().map(|fault| format!("FAULT: {fault}\n"));
        std::iter::once(format!("{}\n", self.title)).chain(rows).chain(faults).collect()
    }

    fn json(&self) -> String {
        let mut figures = self.figures.clone();
        figures.insert("faults".to_owned(), self.faults.clone().into());
        format!("{}\n", Value::Object(figures))
    }
}

/// A time in milliseconds for a row.
pub(crate) fn ms(time_ms: Option<f64>) -> String {
    time_ms.map_or("none".to_owned(), |time_ms| format!("{time_ms:.3} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_in_both_forms() {
        let mut report = Report::new("fanout", "2 streams".to_owned());
        report.row("latency", ms(Some(1.5)));
        report.figure("latency_p50_ms", 1.5);
        report.figure("spread_max_ms", None::<f64>);
        report.fault("lost 1 of 2 deliveries".to_owned());
        assert_eq!(report.text(), "2 streams\n  latency          1.500 ms\nFAULT: lost 1 of 2 deliveries\n");
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["faults"][0], "lost 1 of 2 deliveries");
        assert_eq!((&json["latency_p50_ms"], &json["spread_max_ms"]), (&Value::from(1.5), &Value::Null));
    }
}
