//! [`Issuer`]: who makes tokens, and by which rules they are judged.

use std::sync::Arc;

use ring::digest;
use thiserror::Error;

use crate::{
    algorithm::Algorithm,
    claim::CLAIM,
    claims::Claims,
    excerpt::{Excerpt, NAME_RULE, is_name},
    grant::Grant,
    jwks::Jwks,
    key::Key,
    key_set::KeySet,
    refused::Rule,
    token::Token,
};

/// What is known about an issuer.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// The name in logs and in front of holders: 1 to 64 letters, digits, dots, dashes and underscores.
    pub name: String,
    /// Keys that stay, at most 128: each of a JWK set may be there for two algorithms.
    pub keys: Vec<Key>,
    /// Keys that are fetched, at most 8 sets.
    pub sets: Vec<Arc<KeySet>>,
    /// The `iss` of all its tokens. `None` takes tokens with any or none.
    pub iss: Option<String>,
    /// Audiences, one of which must be in `aud`. If there is none here, a token with an `aud` is refused.
    pub aud: Vec<String>,
    /// Seconds by which clocks may differ: 0 to 300, by default 5.
    pub leeway_s: u64,
    /// Whether a token without `exp` is refused, as it is by default.
    pub requires_exp: bool,
}

impl IssuerConfig {
    /// An issuer without keys, and with the defaults.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            keys: Vec::new(),
            sets: Vec::new(),
            iss: None,
            aud: Vec::new(),
            leeway_s: LEEWAY_S,
            requires_exp: true,
        }
    }
}

const LEEWAY_S: u64 = 5;
const LEEWAY_S_MAX: u64 = 300;
const KEYS_MAX: usize = 128;
const SETS_MAX: usize = 8;
/// Keys of one issuer that are tried for a token at most.
const TRIED_MAX: usize = 8;

/// The reason why a configuration is no issuer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IssuerError {
    /// The name breaks its rule.
    #[error("{NAME_RULE}")]
    Name,
    /// Neither keys nor sets.
    #[error("an issuer needs a key")]
    NoKeys,
    /// Too many keys or sets.
    #[error("an issuer has at most {KEYS_MAX} keys and {SETS_MAX} JWK sets with an address")]
    TooManyKeys,
    /// The leeway is longer than 300 seconds.
    #[error("clocks may differ by {LEEWAY_S_MAX} seconds at most")]
    Leeway,
}

/// Who makes tokens, and by which rules they are judged.
#[derive(Debug)]
pub struct Issuer {
    name: Arc<str>,
    config: IssuerConfig,
}

/// A rule of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Some key of the issuer may have signed the token, and has.
    Signature,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp`.
    Expiry,
    /// `nbf`.
    NotBefore,
    /// The claim `fanfare`, and who holds it.
    Grant,
}

impl Check {
    /// What the rule looks at: `signature`, or the name of a claim.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Issuer => "iss",
            Self::Audience => "aud",
            Self::Expiry => "exp",
            Self::NotBefore => "nbf",
            Self::Grant => CLAIM,
        }
    }
}

/// Judges one rule at a time in Unix milliseconds.
type ClaimCheck = fn(&Issuer, Claims<'_>, u64) -> Result<(), Rule>;

/// The rules for claims, in the order in which they are judged. They are judged behind the signature, and the grant is behind them.
pub(crate) const CLAIM_CHECKS: [(Check, ClaimCheck); 4] = [
    (Check::Issuer, Issuer::check_issuer),
    (Check::Audience, Issuer::check_audience),
    (Check::Expiry, Issuer::check_expiry),
    (Check::NotBefore, Issuer::check_not_before),
];

/// A signature that fits no key, and the sets that may have the key after a fetch.
#[derive(Debug)]
pub(crate) struct Unsigned {
    pub(crate) rule: Rule,
    pub(crate) unknown_keys: Vec<Arc<KeySet>>,
}

impl Issuer {
    /// An issuer, if the configuration is one.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn new(config: IssuerConfig) -> Result<Self, IssuerError> {
        if !is_name(&config.name) {
            return Err(IssuerError::Name);
        }
        if config.keys.is_empty() && config.sets.is_empty() {
            return Err(IssuerError::NoKeys);
        }
        if config.keys.len() > KEYS_MAX || config.sets.len() > SETS_MAX {
            return Err(IssuerError::TooManyKeys);
        }
        if config.leeway_s > LEEWAY_S_MAX {
            return Err(IssuerError::Leeway);
        }
        Ok(Self { name: config.name.as_str().into(), config })
    }

    /// The name in logs.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The `iss` of all its tokens.
    pub fn iss(&self) -> Option<&str> {
        self.config.iss.as_deref()
    }

    /// The sets whose keys are fetched.
    pub fn sets(&self) -> &[Arc<KeySet>] {
        &self.config.sets
    }

    /// Whether a key of this issuer has signed the token.
    ///
    /// A `kid` chooses the keys of that name, and those without a name come behind them. A key checks its own algorithm only.
    pub(crate) fn check_signature(&self, token: &Token<'_>) -> Result<(), Unsigned> {
        let sets: Vec<_> = self.config.sets.iter().map(|set| (set, set.keys())).collect();
        let all = || self.config.keys.iter().chain(sets.iter().flat_map(|(_, jwks)| jwks.keys()));
        let kid = token.kid.as_deref();
        let other_algorithm = || Rule::Algorithm(Excerpt::new(&token.algorithm));
        let algorithm = Algorithm::named(&token.algorithm)
            .filter(|named| self.takes(*named))
            .ok_or_else(|| Unsigned { rule: other_algorithm(), unknown_keys: Vec::new() })?;

        let fitting = || all().filter(|key| key.algorithm() == algorithm);
        let named = fitting().filter(|key| kid.is_some() && key.kid() == kid);
        let others = fitting().filter(|key| kid.is_none() || key.kid().is_none());
        let mut tried = named.chain(others).take(TRIED_MAX).peekable();
        let rule = match (tried.peek(), kid) {
            (Some(_), _) => Rule::Signature,
            (None, Some(kid)) => Rule::UnknownKey(Excerpt::new(kid)),
            (None, None) if sets.iter().any(|(_, jwks)| jwks.keys().is_empty()) => Rule::NoKeys,
            (None, None) => other_algorithm(),
        };
        if tried.any(|key| key.has_signed(token.signed, token.signature)) {
            return Ok(());
        }

        let may_have_it = |set: &KeySet, jwks: &Jwks| {
            let has_name = kid.is_none_or(|kid| jwks.keys().iter().any(|key| key.kid() == Some(kid)));
            set.algorithms().contains(&algorithm) && (jwks.keys().is_empty() || !has_name)
        };
        let unknown_keys = sets.iter().filter(|(set, jwks)| may_have_it(set, jwks));
        Err(Unsigned { rule, unknown_keys: unknown_keys.map(|(set, _)| Arc::clone(set)).collect() })
    }

    /// Whether a key has the algorithm, or may have it after a fetch.
    fn takes(&self, algorithm: Algorithm) -> bool {
        self.config.keys.iter().any(|key| key.algorithm() == algorithm)
            || self.config.sets.iter().any(|set| set.algorithms().contains(&algorithm))
    }

    fn check_issuer(&self, claims: Claims<'_>, _: u64) -> Result<(), Rule> {
        let iss = claims.text("iss")?;
        if self.iss().is_none_or(|wanted| iss == Some(wanted)) { Ok(()) } else { Err(Rule::WrongIssuer) }
    }

    fn check_audience(&self, claims: Claims<'_>, _: u64) -> Result<(), Rule> {
        let ours = &self.config.aud;
        match claims.audiences()? {
            None if ours.is_empty() => Ok(()),
            None => Err(Rule::NoAudience),
            Some(_) if ours.is_empty() => Err(Rule::UnexpectedAudience),
            Some(all) if all.iter().any(|one| ours.iter().any(|our| our == one)) => Ok(()),
            Some(_) => Err(Rule::WrongAudience),
        }
    }

    fn check_expiry(&self, claims: Claims<'_>, unix_ms: u64) -> Result<(), Rule> {
        match claims.seconds("exp")? {
            None if self.config.requires_exp => Err(Rule::NoExpiry),
            Some(exp) if unix_ms >= 1_000 * (exp + self.config.leeway_s) => Err(Rule::Expired),
            _ => Ok(()),
        }
    }

    fn check_not_before(&self, claims: Claims<'_>, unix_ms: u64) -> Result<(), Rule> {
        match claims.seconds("nbf")? {
            Some(nbf) if unix_ms < 1_000 * nbf.saturating_sub(self.config.leeway_s) => Err(Rule::NotYetValid),
            _ => Ok(()),
        }
    }

    /// The grant of a token, without looking at anything else of it. A token without the claim grants nothing.
    pub(crate) fn grant(&self, claims: Claims<'_>) -> Result<Grant, Rule> {
        let (subject, id) = (claims.text("sub")?, claims.text("jti")?);
        let holder = match subject.or(id) {
            Some(subject) => holder(&self.name, subject),
            None => nameless(&self.name, claims),
        };
        let expires = claims.seconds("exp")?;
        match claims.get(CLAIM) {
            Some(words) => Ok(Grant::from_claim(words, holder, expires)?),
            None => Ok(Grant { holder, expires, ..Grant::default() }),
        }
    }
}

/// Characters of a subject that a holder's name keeps.
const SUBJECT_CHARS_MAX: usize = 64;

/// The name of a holder. Two holders have two names, also where their subjects begin with the same long text.
fn holder(issuer: &str, subject: &str) -> String {
    let excerpt = Excerpt::new(subject);
    if subject.chars().nth(SUBJECT_CHARS_MAX).is_none() && excerpt.to_string() == subject {
        return format!("{issuer}/{subject}");
    }
    format!("{issuer}/{excerpt}#{}", hash(subject.as_bytes()))
}

/// The name of a holder whose token has neither `sub` nor `jti`: each such token is a holder of its own.
fn nameless(issuer: &str, claims: Claims<'_>) -> String {
    format!("{issuer}/#{}", hash(&serde_json::to_vec(claims.0).unwrap_or_default()))
}

fn hash(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_with_different_subjects_have_different_names() {
        assert_eq!(holder("a", "42"), "a/42");
        assert_eq!(holder("a", &"x".repeat(64)), format!("a/{}", "x".repeat(64)));
        let names =
            [format!("{}1", "x".repeat(64)), format!("{}2", "x".repeat(64)), "a\nb".to_owned(), "a\\nb".to_owned()];
        let names: Vec<_> = names.iter().map(|subject| holder("a", subject)).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(name.chars().count() <= 163 && !name.contains(char::is_control), "{name}");
            assert!(!names[..index].contains(name), "{name}");
        }
    }
}
