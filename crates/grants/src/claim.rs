//! The words of a grant in JSON: the claim `fanfare` of a token, and the answer of an application that decides.
//!
//! A member that is malformed or unknown refuses the whole claim: a limit that is misspelt must not be no limit.

use fanfare_core::{ClientId, NameError, Pattern};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{
    excerpt::Excerpt,
    grant::{Grant, GrantLimits, PATTERNS_MAX},
    json,
};

/// The reason why words are no grant.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClaimFault {
    /// The text is no JSON in UTF-8, nests too deep, or has a member twice.
    #[error("the grant is no JSON, or has a member twice")]
    NotJson,
    /// The words, or their `limits`, are something else than an object.
    #[error("`{0}` is no object")]
    NotAnObject(&'static str),
    /// A member that means nothing.
    #[error("the grant has no member `{0}`: there are subscribe, publish, clients, all, client and limits")]
    Unknown(Excerpt),
    /// A limit that means nothing.
    #[error("there is no limit `{0}`: there are streams, publishes_per_second, bytes_per_second and channels")]
    UnknownLimit(Excerpt),
    /// A list of patterns that is something else.
    #[error("`{0}` is no list of texts")]
    NotAList(&'static str),
    /// More than [`PATTERNS_MAX`] patterns.
    #[error("`{0}` has more than {max} patterns", max = PATTERNS_MAX)]
    TooMany(&'static str),
    /// A pattern or a client id that breaks the rule of names.
    #[error("`{0}`: {1}")]
    Name(&'static str, NameError),
    /// `all` or `client` has another type.
    #[error("`{0}` has the wrong type")]
    Type(&'static str),
    /// A limit of streams, and no client whose streams they are.
    #[error("the limit `streams` counts the streams of a client, and there is no `client`")]
    StreamsOfNobody,
    /// A limit that is no whole number, or too large a one.
    #[error("the limit `{0}` is no whole number from 0 to {1}")]
    Limit(&'static str, u64),
}

impl Grant {
    /// The grant that the words of `claim` are: `{"subscribe": ["news"], "publish": ["orders.*"], "clients": ["42"], "all": true,
    /// "client": "42", "limits": {"streams": 3}}`. Each member may be left out.
    ///
    /// # Errors
    /// [`ClaimFault`]: the first member that is wrong.
    pub fn from_claim(claim: &Value, holder: String, expires: Option<u64>) -> Result<Self, ClaimFault> {
        let mut grant = Self { holder, expires, ..Self::default() };
        for (name, value) in claim.as_object().ok_or(ClaimFault::NotAnObject(CLAIM))? {
            match name.as_str() {
                "subscribe" => grant.subscribe = patterns("subscribe", value)?,
                "publish" => grant.publish = patterns("publish", value)?,
                "clients" => grant.clients = patterns("clients", value)?,
                "all" => grant.all = value.as_bool().ok_or(ClaimFault::Type("all"))?,
                "client" => {
                    let client = value.as_str().ok_or(ClaimFault::Type("client"))?;
                    let client = ClientId::new(client).map_err(|error| ClaimFault::Name("client", error))?;
                    grant.client = Some(client);
                }
                "limits" => grant.limits = limits(value.as_object().ok_or(ClaimFault::NotAnObject("limits"))?)?,
                other => return Err(ClaimFault::Unknown(Excerpt::new(other))),
            }
        }
        match grant.limits.streams {
            Some(_) if grant.client.is_none() => Err(ClaimFault::StreamsOfNobody),
            _ => Ok(grant),
        }
    }

    /// The grant that the JSON in `text` is. As [`Grant::from_claim`], and no member may be there twice. The caller bounds the
    /// length.
    ///
    /// # Errors
    /// [`ClaimFault`]: the first member that is wrong.
    pub fn from_json(text: &[u8], holder: String, expires: Option<u64>) -> Result<Self, ClaimFault> {
        Self::from_claim(&json::parse(text).ok_or(ClaimFault::NotJson)?, holder, expires)
    }

    /// The words of the grant. [`Grant::from_claim`] reads them back.
    pub fn to_claim(&self) -> Value {
        let mut words = Map::new();
        for (name, patterns) in [("subscribe", &self.subscribe), ("publish", &self.publish), ("clients", &self.clients)]
        {
            if !patterns.is_empty() {
                words.insert(name.to_owned(), patterns.iter().map(Pattern::as_str).collect());
            }
        }
        if self.all {
            words.insert("all".to_owned(), Value::Bool(true));
        }
        if let Some(client) = &self.client {
            words.insert("client".to_owned(), client.as_str().into());
        }
        let limits = limits_claim(&self.limits);
        if !limits.is_empty() {
            words.insert("limits".to_owned(), Value::Object(limits));
        }
        Value::Object(words)
    }
}

/// The name of the claim in a token.
pub(crate) const CLAIM: &str = "fanfare";

fn patterns(name: &'static str, value: &Value) -> Result<Vec<Pattern>, ClaimFault> {
    let list = value.as_array().ok_or(ClaimFault::NotAList(name))?;
    if list.len() > PATTERNS_MAX {
        return Err(ClaimFault::TooMany(name));
    }
    let texts = list.iter().map(|item| item.as_str().ok_or(ClaimFault::NotAList(name)));
    texts.map(|text| Pattern::new(text?).map_err(|error| ClaimFault::Name(name, error))).collect()
}

fn limits(members: &Map<String, Value>) -> Result<GrantLimits, ClaimFault> {
    let mut limits = GrantLimits::default();
    for (name, value) in members {
        match name.as_str() {
            "streams" => limits.streams = Some(limit("streams", value, u32::MAX.into())?),
            "publishes_per_second" => {
                limits.publishes_per_second = Some(limit("publishes_per_second", value, u32::MAX.into())?);
            }
            "bytes_per_second" => limits.bytes_per_second = Some(limit("bytes_per_second", value, u64::MAX)?),
            "channels" => limits.channels = Some(limit("channels", value, u16::MAX.into())?),
            other => return Err(ClaimFault::UnknownLimit(Excerpt::new(other))),
        }
    }
    Ok(limits)
}

fn limit<N: TryFrom<u64>>(name: &'static str, value: &Value, max: u64) -> Result<N, ClaimFault> {
    value.as_u64().and_then(|number| N::try_from(number).ok()).ok_or(ClaimFault::Limit(name, max))
}

fn limits_claim(limits: &GrantLimits) -> Map<String, Value> {
    let all = [
        ("streams", limits.streams.map(u64::from)),
        ("publishes_per_second", limits.publishes_per_second.map(u64::from)),
        ("bytes_per_second", limits.bytes_per_second),
        ("channels", limits.channels.map(u64::from)),
    ];
    all.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), json!(limit?)))).collect()
}
