//! The result of a run, as a table for people, one JSON object for programs, or a page to send to somebody.
//!
//! A fault has a line of its own in each form and makes the exit status 1: no result is printed without it.

pub(crate) mod attack;
pub(crate) mod chart;
pub(crate) mod findings;
pub(crate) mod page;
pub(crate) mod rolling;
pub(crate) mod rush;
pub(crate) mod scale;
pub(crate) mod speeds;
pub(crate) mod storm;
pub(crate) mod told;
pub(crate) mod usage;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value};

use self::chart::{Axis, Chart, Series};
use self::page::Page;
use self::scale::Scale;
use self::told::{own_command, shell};
use crate::failure::Failure;
use crate::measure::latency::Latency;
use crate::measure::sum::Sum;
use crate::wire::transport::Transport;

/// The form in which a report is printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// The data of the charts, for one group of streams.
#[derive(Debug)]
struct Curve {
    name: String,
    latency: Latency,
    throughput: Vec<(f64, f64)>,
    latency_max_ms: Vec<(f64, f64)>,
}

/// The figures of one run. Units are last in the names.
#[derive(Debug)]
pub(crate) struct Report {
    title: String,
    figures: Map<String, Value>,
    rows: Vec<(String, String)>,
    faults: Vec<String>,
    curves: Vec<Curve>,
    /// The statement of a run without a fault.
    pub(crate) clean: String,
    /// Remarks beside it on the page.
    notes: Vec<String>,
    /// The server's memory over time: seconds and MiB.
    pub(crate) memory_mib: Vec<(f64, f64)>,
}

impl Report {
    pub(crate) fn new(scenario: &str, title: String) -> Self {
        let figures = Map::from_iter([("scenario".to_owned(), Value::from(scenario))]);
        let (rows, faults, curves) = (Vec::new(), Vec::new(), Vec::new());
        let clean = "Every event reached every stream that reads, once and in order.".to_owned();
        Self { title, figures, rows, faults, curves, clean, notes: Vec::new(), memory_mib: Vec::new() }
    }

    /// A line of the text.
    pub(crate) fn row(&mut self, name: &str, text: String) {
        self.rows.push((name.to_owned(), text));
    }

    /// Adds a member of the JSON object. `None` is null.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Tells what carried the streams and publishes.
    pub(crate) fn transport(&mut self, transport: &Transport) {
        let each = transport.streams_per_connection;
        let shared = if each > 1 { format!(", {each} streams a connection") } else { String::new() };
        self.row("transport", format!("{transport}{shared}"));
        self.figure("transport", transport.to_string());
        self.figure("streams_per_connection", each);
    }

    /// Adds a group of streams to the charts.
    pub(crate) fn curve(&mut self, name: &str, sum: &Sum) {
        self.curves.push(Curve {
            name: name.to_owned(),
            latency: sum.latency.clone(),
            throughput: sum.timeline.throughput(),
            latency_max_ms: sum.timeline.latency_max_ms(),
        });
    }

    /// Something that is no fault, but may not be hidden by a green line either.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
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

    /// Writes the page.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        std::fs::write(path, self.page().html())
            .map_err(|cause| Failure::Save { path: path.display().to_string(), cause })
    }

    fn text(&self) -> String {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let rows = self.rows.iter().map(|(name, text)| format!("  {name:<width$}  {text}\n"));
        let faults = self.faults.iter().map(|fault| format!("FAULT: {fault}\n"));
        std::iter::once(format!("{}\n", self.title)).chain(rows).chain(faults).collect()
    }

    fn json(&self) -> String {
        let mut figures = self.figures.clone();
        figures.insert("faults".to_owned(), self.faults.clone().into());
        format!("{}\n", Value::Object(figures))
    }

    fn page(&self) -> Page {
        let mut page = Page::new(self.title.clone());
        page.command(shell(&own_command()));
        if self.faults.is_empty() {
            page.clean(&self.clean);
        }
        page.faults(&self.faults);
        self.notes.iter().for_each(|note| page.text(note));
        let rows: Vec<_> = self.rows.iter().map(|(name, text)| vec![name.clone(), text.clone()]).collect();
        page.table("Result", &["what", "found"], &rows);
        let series = |points: fn(&Curve) -> Vec<(f64, f64)>| -> Vec<Series> {
            self.curves.iter().map(|curve| Series::new(&curve.name, points(curve))).collect()
        };
        let latency = self.curves.iter().map(|curve| {
            let Curve { name, latency, .. } = curve;
            Series::distribution(name, latency.count(), |share| latency.quantile_ms(share))
        });
        let shares = Axis::new("share of the deliveries", Scale::Quantile);
        page.chart("Latency", &Chart::lines(shares, Axis::new("at most, ms", Scale::Log), latency.collect()));
        let time = || Axis::new("seconds since the first delivery", Scale::Linear);
        let throughput = series(|curve| curve.throughput.clone());
        let per_s = Axis::new("deliveries per second", Scale::Linear);
        page.chart("Throughput over time", &Chart::lines(time(), per_s, throughput));
        let longest = series(|curve| curve.latency_max_ms.clone());
        let axis = Axis::new("longest of a tenth of a second, ms", Scale::Log);
        page.chart("Latency over time", &Chart::lines(time(), axis, longest));
        if !self.memory_mib.is_empty() {
            let memory = vec![Series::new("server", self.memory_mib.clone())];
            let since = Axis::new("seconds since the first publish", Scale::Linear);
            page.chart("Memory of the server", &Chart::lines(since, Axis::new("PSS, MiB", Scale::Linear), memory));
        }
        page
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
    fn a_fault_is_in_every_form() {
        let mut report = Report::new("fanout", "2 streams".to_owned());
        report.row("latency", ms(Some(1.5)));
        report.row("spread of all", "none".to_owned());
        report.figure("latency_p50_ms", 1.5);
        report.figure("spread_max_ms", None::<f64>);
        report.fault("lost 1 of 2 deliveries".to_owned());
        let text = "2 streams\n  latency        1.500 ms\n  spread of all  none\nFAULT: lost 1 of 2 deliveries\n";
        assert_eq!(report.text(), text);
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["faults"][0], "lost 1 of 2 deliveries");
        assert_eq!((&json["latency_p50_ms"], &json["spread_max_ms"]), (&Value::from(1.5), &Value::Null));
        assert!(report.page().html().contains("lost 1 of 2 deliveries"));
    }
}
