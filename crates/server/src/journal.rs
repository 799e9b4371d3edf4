//! `fanfare journal`: reads a journal on disk, also while a server has it open. `check` says whether the journal is
//! whole. `dump` prints its events as lines for `fanfare publish --ndjson`.

use std::{
    io::{self, BufWriter, ErrorKind, Write, stdout},
    path::Path,
};

use bytesize::ByteSize;
use fanfare_core::{Event, EventId, Target};
use fanfare_disk::{Finding, OpenError, ReadOnlyDirectory, Report, SegmentReport};
use serde_json::{Map, Value, json};

use crate::{
    args::{Journal, JournalCommand},
    failure::Failure,
};

/// Most tries to read. A server that has the journal open rewrites a segment now and then.
const TRIES_MAX: usize = 10;

/// Runs the subcommand.
pub(crate) fn run(journal: &Journal) -> Result<(), Failure> {
    match &journal.command {
        JournalCommand::Check { path } => check(path),
        JournalCommand::Dump { path, since } => dump(path, *since),
    }
}

fn check(path: &Path) -> Result<(), Failure> {
    let report = while_it_changes(path, |directory| Ok(directory.check()?))?;
    quiet(print_report(&report))?;
    if report.findings.iter().any(Finding::is_loss) {
        return Err(Failure::failed("events may be missing: see above"));
    }
    Ok(())
}

fn print_report(report: &Report) -> io::Result<()> {
    let mut output = stdout().lock();
    for SegmentReport { number, through, events, keys, bytes, range } in &report.segments {
        let numbers = if through > number { format!("{number} to {through}") } else { number.to_string() };
        let range = range.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
        let keys = if *keys > 0 { format!(", {keys} keys without theirs") } else { String::new() };
        writeln!(output, "segment {numbers}: {events} events{keys}, {}{range}", ByteSize(*bytes))?;
    }
    for finding in &report.findings {
        writeln!(output, "{finding}")?;
    }
    let bytes = report.segments.iter().map(|segment| segment.bytes).sum();
    let open = if report.is_open { "; a server has it open" } else { "" };
    writeln!(output, "{} events in {} segments, {}{open}", report.events, report.segments.len(), ByteSize(bytes))
}

fn dump(path: &Path, since: EventId) -> Result<(), Failure> {
    let (mut output, mut after) = (BufWriter::new(stdout().lock()), since);
    while_it_changes(path, |directory| {
        for stored in directory.events(after) {
            let (id, event) = stored?;
            for line in lines(&event) {
                if !quiet(writeln!(output, "{line}"))? {
                    return Ok(());
                }
            }
            after = id;
        }
        Ok(())
    })?;
    quiet(output.flush()).map(|_| ())
}

/// Reads again if a server that has the journal open has just rewritten or removed a file.
fn while_it_changes<T>(
    path: &Path,
    mut read: impl FnMut(&ReadOnlyDirectory) -> Result<T, ReadError>,
) -> Result<T, Failure> {
    let mut tries = TRIES_MAX;
    loop {
        tries -= 1;
        let directory = match ReadOnlyDirectory::open(path) {
            Ok(directory) => directory,
            Err(OpenError::Io { .. }) if tries > 0 => continue,
            Err(error) => return Err(Failure::failed(error.to_string())),
        };
        match read(&directory) {
            Ok(done) => return Ok(done),
            Err(ReadError::Failure(failure)) => return Err(failure),
            Err(ReadError::Io(_)) if directory.is_open() && tries > 0 => {}
            Err(ReadError::Io(error)) => return Err(Failure::failed(format!("{}: {error}", path.display()))),
        }
    }
}

/// An error while a journal is read.
#[derive(Debug)]
enum ReadError {
    /// A file cannot be read, or has changed meanwhile.
    Io(io::Error),
    /// Any other error.
    Failure(Failure),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Turns a broken pipe into `false`: the reader of the output is gone.
fn quiet(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(format!("cannot write: {error}"))),
    }
}

/// The event as lines of a batch. A line names one kind of target, so an event for several kinds is several lines.
fn lines(event: &Event) -> Vec<Value> {
    let (mut channels, mut targets) = (Vec::new(), Vec::new());
    for target in event.targets() {
        match target {
            Target::Channel(channel) => channels.push(channel.as_str()),
            Target::Client(client) => targets.push(("client", json!(client.as_str()))),
            Target::All => targets.push(("all", json!(true))),
        }
    }
    match channels.as_slice() {
        [] => {}
        [channel] => targets.insert(0, ("channel", json!(channel))),
        channels => targets.insert(0, ("channels", json!(channels))),
    }
    let line = |(name, target): (&str, Value)| {
        let mut line = Map::new();
        line.insert(name.to_owned(), target);
        line.extend(event.kind().map(|kind| ("event".to_owned(), json!(kind))));
        line.extend(event.own_id().map(|id| ("id".to_owned(), json!(id))));
        line.extend(event.retry_ms().map(|ms| ("retry".to_owned(), json!(ms))));
        line.insert("data".to_owned(), json!(event.data()));
        Value::Object(line)
    };
    targets.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Channel, ClientId};

    use super::*;

    #[test]
    fn an_event_is_a_line_for_each_kind_of_target() {
        let channel = |name| Target::Channel(Channel::new(name).unwrap());
        let text = |event: &Event| lines(event).iter().map(Value::to_string).collect::<Vec<_>>();
        let event = Event::new(channel("a"), "x\ny").with_kind("k").unwrap().with_own_id("i").unwrap();
        let event = event.with_retry_ms(100).unwrap();
        assert_eq!(text(&event), [r#"{"channel":"a","event":"k","id":"i","retry":100,"data":"x\ny"}"#]);
        let client = Target::Client(ClientId::new("c").unwrap());
        let event = Event::for_targets(vec![channel("b"), client, Target::All, channel("a")], "1").unwrap();
        let expected =
            [r#"{"channels":["a","b"],"data":"1"}"#, r#"{"all":true,"data":"1"}"#, r#"{"client":"c","data":"1"}"#];
        assert_eq!(text(&event), expected);
    }
}
