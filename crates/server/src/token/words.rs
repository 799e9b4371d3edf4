//! [`words`]: what flags allow, in the words of a grant.

use fanfare_grants::Grant;
use serde_json::{Map, Value};

use crate::{args::Allows, failure::Failure};

/// The words of a grant as a claim has them.
pub(super) fn words(allows: &Allows) -> Map<String, Value> {
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
pub(super) fn grant(words: Map<String, Value>) -> Result<Grant, Failure> {
    let grant = Grant::from_claim(&Value::Object(words), String::new(), None);
    grant.map_err(|error| Failure::usage(error.to_string()))
}
