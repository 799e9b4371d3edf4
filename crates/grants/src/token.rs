//! [`Token`]: the parts of a token (RFC 7515 3.1), before anybody knows whether they are true.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    json,
    refused::{Part, Rule},
};

/// Bytes of a token at most. Cookies have half of that.
pub(crate) const TOKEN_BYTES_MAX: usize = 8_192;

/// A token in its parts. Nothing of it is proven.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// Header and payload as they were signed.
    pub(crate) signed: &'a [u8],
    /// In base64url.
    pub(crate) signature: &'a str,
    pub(crate) algorithm: String,
    pub(crate) kid: Option<String>,
    pub(crate) payload: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// Takes the token apart. Of the header only `alg`, `kid` and `crit` are read. `jwk`, `jku`, `x5c` and `x5u` tell whom to trust,
    /// and a token has no say in that.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Rule> {
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(Rule::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| Rule::Form)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(Rule::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(Rule::Form)?;
        // The alphabet has no dot, so a fourth part is an error too. The engine takes neither padding nor stray bits at the end.
        let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Rule::Form);
        let (header, payload) = (decode(header)?, decode(payload)?);
        decode(signature)?;
        let mut header = json::parse_object(&header).ok_or(Rule::Json(Part::Header))?;
        let payload = json::parse_object(&payload).ok_or(Rule::Json(Part::Payload))?;
        if header.contains_key("crit") {
            return Err(Rule::Critical);
        }
        let Some(Value::String(algorithm)) = header.remove("alg") else { return Err(Rule::Malformed("alg")) };
        let kid = match header.remove("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid),
            Some(_) => return Err(Rule::Malformed("kid")),
        };
        Ok(Self { signed: signed.as_bytes(), signature, algorithm, kid, payload })
    }
}
