//! The file of API keys: TOML, with a table `[[key]]` for each.

use serde_json::{Map, Value};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

use crate::{
    api_keys::{ApiKeyFault, ApiKeys, DIGEST_BYTES, HASH},
    claim::ClaimFault,
    grant::Grant,
};

/// The place in a file of API keys that is wrong, and the reason.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {fault}")]
pub struct ApiKeysError {
    /// The line of the table, or of the mistake in the TOML. The first is 1.
    pub line: usize,
    /// The reason.
    pub fault: ApiKeyFault,
}

impl ApiKeys {
    /// The keys of a file in TOML. Each table `[[key]]` has a `name`, a `hash`, the words of a grant but for `client`, and may
    /// have an end (`expires`). The caller bounds the length.
    ///
    /// # Errors
    /// [`ApiKeysError`]: the first table that is wrong.
    pub fn parse(text: &str) -> Result<Self, ApiKeysError> {
        let wrong = |offset: usize, fault| ApiKeysError {
            line: 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count(),
            fault,
        };
        let table = DeTable::parse(text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), ApiKeyFault::NotToml))?;
        let mut keys = Self::default();
        for (name, value) in table.get_ref() {
            let tables = match value.get_ref() {
                DeValue::Array(tables) if name.get_ref() == "key" => tables,
                _ => return Err(wrong(name.span().start, ApiKeyFault::NotAKey)),
            };
            for table in tables {
                let start = table.span().start;
                let DeValue::Table(members) = table.get_ref() else {
                    return Err(wrong(start, ApiKeyFault::NotAKey));
                };
                let added = key(members).and_then(|(digest, grant)| keys.push(digest, grant));
                added.map_err(|fault| wrong(start, fault))?;
            }
        }
        Ok(keys)
    }
}

/// The digest of a key, and what it grants.
fn key(members: &DeTable<'_>) -> Result<([u8; DIGEST_BYTES], Grant), ApiKeyFault> {
    let mut words = json_object(members);
    let Some(Value::String(name)) = words.remove("name") else { return Err(ApiKeyFault::Name) };
    let hash = words.remove("hash");
    let digest = hash.as_ref().and_then(Value::as_str).and_then(digest).ok_or(ApiKeyFault::Hash)?;
    let expires = words.remove("expires").map(|value| seconds(&value).ok_or(ApiKeyFault::Expires)).transpose()?;
    if words.contains_key("client") {
        return Err(ApiKeyFault::Client);
    }
    let grant = Grant::from_claim(&Value::Object(words), name, expires).map_err(|fault| match fault {
        ClaimFault::Unknown(member) => ApiKeyFault::Unknown(member),
        fault => ApiKeyFault::Grant(fault),
    })?;
    Ok((digest, grant))
}

fn digest(hash: &str) -> Option<[u8; DIGEST_BYTES]> {
    let digits = hash.strip_prefix(HASH).filter(|digits| digits.len() == 2 * DIGEST_BYTES)?;
    let mut digest = [0; DIGEST_BYTES];
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let [high, low] = [pair.first()?, pair.get(1)?].map(|digit| char::from(*digit).to_digit(16));
        *byte = u8::try_from(16 * high? + low?).ok()?;
    }
    Some(digest)
}

/// A time in UTC (RFC 3339), or a number of Unix seconds.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => {
            let time = humantime::parse_rfc3339(&text.to_ascii_uppercase().replace(' ', "T")).ok()?;
            Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
        }
        value => value.as_u64(),
    }
}

/// The same table in JSON, whose words the claim of a token has too.
fn json_object(table: &DeTable<'_>) -> Map<String, Value> {
    table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref()))).collect()
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            // No word of a grant is below zero, or so large, or has a fraction.
            Err(_) => Value::Null,
        },
        DeValue::Float(_) => Value::Null,
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => Value::Object(json_object(table)),
    }
}
