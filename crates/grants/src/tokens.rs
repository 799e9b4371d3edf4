//! [`Tokens`]: all issuers, and the judgement of a token.

use std::sync::Arc;

use thiserror::Error;

use crate::{
    claims::Claims,
    excerpt::Excerpt,
    grant::Grant,
    issuer::{CLAIM_CHECKS, Issuer},
    refused::{Refused, Rule},
    token::{TOKEN_BYTES_MAX, Token},
};

/// All issuers whose tokens are taken. [Crate docs](crate) have an example.
#[derive(Debug, Default)]
pub struct Tokens {
    issuers: Vec<Issuer>,
}

/// The reason why issuers do not go together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokensError {
    /// Two issuers of one name.
    #[error("two issuers have the name {0}")]
    SameName(Arc<str>),
    /// More than [`Tokens::ISSUERS_MAX`].
    #[error("there are more than 16 issuers")]
    TooMany,
}

impl Tokens {
    /// Bytes of a token at most.
    pub const BYTES_MAX: usize = TOKEN_BYTES_MAX;
    /// Issuers at most. Each may be asked for one token.
    pub const ISSUERS_MAX: usize = 16;

    /// All of these issuers. Without one, every token is refused.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn new(issuers: Vec<Issuer>) -> Result<Self, TokensError> {
        if issuers.len() > Self::ISSUERS_MAX {
            return Err(TokensError::TooMany);
        }
        for (index, issuer) in issuers.iter().enumerate() {
            if issuers[..index].iter().any(|other| other.name() == issuer.name()) {
                return Err(TokensError::SameName(Arc::clone(issuer.name())));
            }
        }
        Ok(Self { issuers })
    }

    /// The issuers, in their order.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The grant of a token, at a time in Unix milliseconds.
    ///
    /// The work has one order for every token: length, form, algorithm, key, signature, claims. The `iss` of the token chooses among
    /// the issuers that have one. Those that have none are asked behind them.
    ///
    /// # Errors
    /// [`Refused`], of the issuer with which the token came the furthest.
    pub fn check(&self, token: &[u8], unix_ms: u64) -> Result<Grant, Refused> {
        let token = Token::parse(token)?;
        let claims = Claims(&token.payload);
        let mut furthest: Option<(Stage, Refused)> = None;
        let mut unknown_keys = Vec::new();
        for issuer in self.asked(claims) {
            let (stage, mut refused) = match judge(issuer, &token, unix_ms) {
                Ok(grant) => return Ok(grant),
                Err(refused) => refused,
            };
            unknown_keys.append(&mut refused.unknown_keys);
            if furthest.as_ref().is_none_or(|(so_far, _)| stage > *so_far) {
                furthest = Some((stage, refused));
            }
        }
        match furthest {
            None => Err(nobody(claims).into()),
            // The key is known, so no fetch can change anything.
            Some((Stage::Claims, refused)) => Err(refused),
            Some((_, refused)) => Err(Refused { unknown_keys, ..refused }),
        }
    }

    /// The issuers that may have made the token, those that its `iss` names first.
    pub(crate) fn asked(&self, claims: Claims<'_>) -> impl Iterator<Item = &Issuer> {
        let iss = claims.text("iss").ok().flatten();
        let named = self.issuers.iter().filter(move |issuer| issuer.iss().is_some() && issuer.iss() == iss);
        named.chain(self.issuers.iter().filter(|issuer| issuer.iss().is_none()))
    }
}

/// How far a token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Algorithm,
    Key,
    Signature,
    Claims,
}

fn judge(issuer: &Issuer, token: &Token<'_>, unix_ms: u64) -> Result<Grant, (Stage, Refused)> {
    let refused = |rule, unknown_keys| Refused { rule, issuer: Some(Arc::clone(issuer.name())), unknown_keys };
    issuer.check_signature(token).map_err(|unsigned| {
        let stage = match unsigned.rule {
            Rule::Algorithm(_) => Stage::Algorithm,
            Rule::Signature => Stage::Signature,
            _ => Stage::Key,
        };
        (stage, refused(unsigned.rule, unsigned.unknown_keys))
    })?;
    let claims = Claims(&token.payload);
    let checks = CLAIM_CHECKS.iter().try_for_each(|(_, check)| check(issuer, claims, unix_ms));
    checks.and_then(|()| issuer.grant(claims)).map_err(|rule| (Stage::Claims, refused(rule, Vec::new())))
}

/// The rule for a token that no issuer may have made.
fn nobody(claims: Claims<'_>) -> Rule {
    match claims.text("iss") {
        Ok(Some(iss)) => Rule::UnknownIssuer(Excerpt::new(iss)),
        Ok(None) => Rule::NoIssuer,
        Err(rule) => rule,
    }
}
