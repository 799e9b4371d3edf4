//! [`Explanation`]: everything about a token, for somebody who has it anyway.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    claims::Claims,
    grant::Grant,
    issuer::{CLAIM_CHECKS, Check, Issuer},
    refused::{Refused, Rule},
    token::Token,
    tokens::Tokens,
};

/// Everything about a token. It has claims as they are, so it is for the holder's own terminal and for no log.
#[derive(Debug)]
pub struct Explanation {
    /// What the token says, if it is one.
    pub said: Result<Said, Rule>,
    /// The judgement of each issuer that the token may be of, in the order in which they are asked.
    pub judged: Vec<Judged>,
    /// What [`Tokens::check`] says.
    pub outcome: Result<Grant, Refused>,
}

/// What a token says, true or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// `alg` of the header.
    pub algorithm: String,
    /// `kid` of the header.
    pub kid: Option<String>,
    /// The payload.
    pub claims: Map<String, Value>,
}

/// All rules of one issuer, also those behind the first that refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The name of the issuer.
    pub issuer: Arc<str>,
    /// Each rule, and whether the token keeps it.
    pub checks: Vec<(Check, Result<(), Rule>)>,
}

impl Tokens {
    /// Explains a token, at a time in Unix milliseconds.
    pub fn explain(&self, token: &[u8], unix_ms: u64) -> Explanation {
        let outcome = self.check(token, unix_ms);
        let token = match Token::parse(token) {
            Ok(token) => token,
            Err(rule) => return Explanation { said: Err(rule), judged: Vec::new(), outcome },
        };
        let judged = self.asked(Claims(&token.payload)).map(|issuer| judge(issuer, &token, unix_ms)).collect();
        Explanation {
            said: Ok(Said { algorithm: token.algorithm, kid: token.kid, claims: token.payload }),
            judged,
            outcome,
        }
    }
}

fn judge(issuer: &Issuer, token: &Token<'_>, unix_ms: u64) -> Judged {
    let claims = Claims(&token.payload);
    let signature = issuer.check_signature(token).map_err(|unsigned| unsigned.rule);
    let mut checks = vec![(Check::Signature, signature)];
    checks.extend(CLAIM_CHECKS.iter().map(|(check, judge)| (*check, judge(issuer, claims, unix_ms))));
    checks.push((Check::Grant, issuer.grant(claims).map(|_| ())));
    Judged { issuer: Arc::clone(issuer.name()), checks }
}
