//! [`Refused`]: why a token or an API key was refused. Its text is for the operator's log, and never for the client.

use std::sync::Arc;

use thiserror::Error;

use crate::{claim::ClaimFault, excerpt::Excerpt, key_set::KeySet};

/// A token or an API key was refused.
#[derive(Clone, Debug, Error)]
#[error("{rule}{}", issuer.as_ref().map(|name| format!(" (issuer {name})")).unwrap_or_default())]
pub struct Refused {
    /// The rule that it broke.
    pub rule: Rule,
    /// The name of the issuer whose rule it is.
    pub issuer: Option<Arc<str>>,
    /// The sets that may have the key after a fetch. See [`KeySet::ask`].
    pub unknown_keys: Vec<Arc<KeySet>>,
}

impl From<Rule> for Refused {
    fn from(rule: Rule) -> Self {
        Self { rule, issuer: None, unknown_keys: Vec::new() }
    }
}

/// The rule that a token or an API key broke.
///
/// The texts have nothing secret: of a token they have `alg`, `kid`, `iss` and the names of members, as [`Excerpt`]s.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Rule {
    /// More than [`Tokens::BYTES_MAX`](crate::Tokens::BYTES_MAX) bytes.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not three parts between dots, each in base64url without padding (RFC 7515 3.1). An encrypted token has five.
    #[error("the token is not three parts of base64url with dots between them")]
    Form,
    /// The header or the claims are no JSON object in UTF-8, or have a member twice.
    #[error("the {0} of the token is no JSON object, or has a member twice")]
    Json(Part),
    /// A header with `crit`: nothing that can stand in it is understood here (RFC 7515 4.1.11).
    #[error("the token has extensions that must be understood (`crit`)")]
    Critical,
    /// A registered member has another type than its standard says, or a time is no number of seconds between 1970 and the year 10000.
    #[error("the token's `{0}` is malformed")]
    Malformed(&'static str),
    /// None of the issuers that the token may be of has the algorithm.
    #[error("the token has the algorithm `{0}`, which is none of the issuer's")]
    Algorithm(Excerpt),
    /// There is no issuer of that name.
    #[error("no issuer has the token's iss `{0}`")]
    UnknownIssuer(Excerpt),
    /// The token names no issuer, and each that is configured has a name.
    #[error("the token has no iss, and no issuer takes such tokens")]
    NoIssuer,
    /// The issuer has no key of that name for the algorithm.
    #[error("no key has the token's kid `{0}`")]
    UnknownKey(Excerpt),
    /// The keys of the issuer were not fetched yet.
    #[error("the keys of the issuer are not known yet")]
    NoKeys,
    /// No key that may have made the signature has made it.
    #[error("the token's signature fits no key")]
    Signature,
    /// The signature fits, but the token is of another issuer.
    #[error("the token has another iss than the issuer of its key")]
    WrongIssuer,
    /// The token is for somebody else.
    #[error("the token's aud has none of the configured audiences")]
    WrongAudience,
    /// The token is for anybody, and the issuer has an audience.
    #[error("the token has no aud, and the issuer has an audience")]
    NoAudience,
    /// The token is for somebody, and nobody knows whether that is us (RFC 7519 4.1.3).
    #[error("the token has an aud, and the issuer has no audience configured")]
    UnexpectedAudience,
    /// The token would hold for ever.
    #[error("the token has no exp")]
    NoExpiry,
    /// The token has expired, leeway included.
    #[error("the token has expired")]
    Expired,
    /// The token does not hold yet, leeway included.
    #[error("the token is not valid yet (`nbf`)")]
    NotYetValid,
    /// The claim `fanfare` is malformed.
    #[error("the token's claim `fanfare` is wrong: {0}")]
    Claim(#[from] ClaimFault),
    /// What was shown is no API key.
    #[error("the key that was shown is not known")]
    UnknownApiKey,
    /// The API key has expired.
    #[error("the API key has expired")]
    ApiKeyExpired,
}

/// A part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first part.
    Header,
    /// The second part.
    Payload,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
        })
    }
}
