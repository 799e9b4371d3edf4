//! `fanfare token`: makes tokens and the keys of publishers, and explains tokens.

mod explain;
mod key;
mod mint;

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _, stderr, stdin},
    time::{SystemTime, UNIX_EPOCH},
};

use fanfare_grants::Grant;
use serde_json::{Map, Value};

use crate::{
    args::{Allows, TokenTask},
    failure::Failure,
};

/// Most bytes that are read of a token or a key.
const SHOWN_BYTES_MAX: u64 = 64 << 10;

/// Runs one of the commands.
pub(crate) fn run(task: &TokenTask) -> Result<(), Failure> {
    match task {
        TokenTask::Mint(args) => mint::run(args),
        TokenTask::Key(args) => key::run(args),
        TokenTask::Explain { token, settings } => explain::run(token.as_deref(), settings),
    }
}

/// The words of a grant as a claim has them.
fn words(allows: &Allows) -> Map<String, Value> {
    let Allows { publish, clients, all, limits } = allows;
    let mut words = Map::new();
    for (name, patterns) in [("publish", publish), ("clients", clients)] {
        if !patterns.is_empty() {
            words.insert(name.to_owned(), patterns.iter().map(|pattern| pattern.as_str()).collect());
        }
    }
    if *all {
        words.insert("all".to_owned(), Value::Bool(true));
    }
    if !limits.is_empty() {
        let limits = limits.iter().map(|(name, number)| (name.clone(), Value::from(*number)));
        words.insert("limits".to_owned(), Value::Object(limits.collect()));
    }
    words
}

/// The grant of these words.
fn grant(words: Map<String, Value>) -> Result<Grant, Failure> {
    let grant = Grant::from_claim(&Value::Object(words), String::new(), None);
    grant.map_err(|error| Failure::usage(error.to_string()))
}

/// What stands on standard input, without the end of its last line.
fn read_input(what: &str) -> Result<String, Failure> {
    if stdin().is_terminal() {
        let _ = writeln!(stderr(), "reading {what} from the terminal; Ctrl-D ends it");
    }
    let mut text = String::new();
    let read = stdin().lock().take(SHOWN_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error: io::Error| Failure::failed(format!("cannot read {what}: {error}")))?;
    if text.len() as u64 > SHOWN_BYTES_MAX {
        return Err(Failure::usage(format!("{what} is larger than 64KiB")));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

/// Now, in Unix milliseconds.
fn unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}
