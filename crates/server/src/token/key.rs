//! `fanfare token key`: makes the key of a publisher, and its entry for the file of `--api-keys`.

use std::{
    fmt::Write as _,
    io::{self, Write as _, stderr, stdout},
    time::{Duration, UNIX_EPOCH},
};

use fanfare_grants::{ApiKeys, NewApiKey};
use humantime::format_rfc3339_seconds;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::{
    input::{read_input, unix_ms},
    words::{grant, words},
};
use crate::{
    args::{KeyArgs, Life},
    failure::Failure,
};

/// Prints the key, alone, and its entry elsewhere. Or prints the hash of a key that is there already.
pub(super) fn run(args: &KeyArgs) -> Result<(), Failure> {
    let told = |printed: io::Result<()>| printed.map_err(|error| Failure::failed(format!("cannot print: {error}")));
    if args.hash {
        let key = read_input("the key")?;
        if key.is_empty() || key.len() > ApiKeys::KEY_BYTES_MAX {
            return Err(Failure::usage(format!("a key has 1 to {} bytes", ApiKeys::KEY_BYTES_MAX)));
        }
        return told(writeln!(stdout(), "{}", hash(&key)));
    }
    let NewApiKey { text, hash } = NewApiKey::of(rand::random());
    let entry = entry(args, &hash)?;
    // The file first: without its entry the key is good for nothing. A `#` keeps the whole a part of the file.
    told(write!(stderr(), "# For the file of --api-keys. The key itself is on standard output.\n{entry}"))?;
    told(writeln!(stdout(), "{text}"))
}

fn hash(key: &str) -> String {
    let hash = digest(&SHA256, key.as_bytes());
    hash.as_ref().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The entry of a key in the file.
fn entry(args: &KeyArgs, hash: &str) -> Result<String, Failure> {
    let words = words(&args.allows);
    grant(words.clone())?;
    let name = args.name.as_deref().unwrap_or_default();
    // JSON texts, numbers and lists of texts are TOML too.
    let mut entry = format!("[[key]]\nname = {}\nhash = \"{hash}\"\n", Value::from(name));
    if let Life(Some(life)) = args.expires {
        let end = UNIX_EPOCH + Duration::from_secs(unix_ms() / 1_000) + life;
        let _ = writeln!(entry, "expires = \"{}\"", format_rfc3339_seconds(end));
    }
    for (word, value) in words {
        let value = match value {
            Value::Object(limits) => {
                let limits: Vec<_> = limits.iter().map(|(name, number)| format!("{name} = {number}")).collect();
                format!("{{ {} }}", limits.join(", "))
            }
            value => value.to_string(),
        };
        let _ = writeln!(entry, "{word} = {value}");
    }
    match ApiKeys::parse(&entry) {
        Ok(_) => Ok(entry),
        Err(error) => Err(Failure::usage(error.fault.to_string())),
    }
}
