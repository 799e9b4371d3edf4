//! [`Jwks`]: the keys of a JWK set (RFC 7517 5).

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;
use thiserror::Error;

use crate::{
    algorithm::{Algorithm, Family},
    excerpt::Excerpt,
    json,
    key::Key,
};

/// The keys of a JWK set that check tokens.
///
/// Keys of an unknown type, for another use, or of another algorithm are left out (RFC 7517 5).
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    keys: Vec<Key>,
    left_out: usize,
}

/// The reason why bytes are no JWK set that can be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JwksError {
    /// More than [`Jwks::BYTES_MAX`].
    #[error("the JWK set is larger than 1 MiB")]
    TooLong,
    /// No JSON in UTF-8, a member that is there twice, or no object with the list `keys`.
    #[error("the JWK set is no JSON object with a list `keys`")]
    NotASet,
    /// More than [`Jwks::KEYS_MAX`].
    #[error("the JWK set has more than 64 keys")]
    TooMany,
    /// Two keys of one name.
    #[error("the JWK set has two keys with the kid `{0}`")]
    SameKid(Excerpt),
    /// A secret in a set for public keys. Everybody who reads the set can sign tokens with it.
    #[error("the JWK set has a secret (`oct`), and its issuer has none of HS256, HS384 and HS512")]
    Secret,
    /// All keys were left out.
    #[error("the JWK set has no key that checks tokens of this issuer: {0} keys are of another type, use or algorithm")]
    NoneFits(usize),
}

impl Jwks {
    /// Bytes of a set at most. Whoever reads one from a network stops there.
    pub const BYTES_MAX: usize = 1 << 20;
    /// Keys of a set at most.
    pub const KEYS_MAX: usize = 64;

    /// The keys in `bytes` for the `algorithms` of an issuer. A key that names no algorithm checks each of them that takes such a key.
    ///
    /// # Errors
    /// [`JwksError`].
    pub fn parse(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Self, JwksError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(JwksError::TooLong);
        }
        let mut set = json::parse_object(bytes).ok_or(JwksError::NotASet)?;
        let Some(Value::Array(list)) = set.remove("keys") else { return Err(JwksError::NotASet) };
        if list.len() > Self::KEYS_MAX {
            return Err(JwksError::TooMany);
        }
        let (mut jwks, mut kids) = (Self::default(), HashSet::new());
        for value in list {
            if value.get("kty").and_then(Value::as_str) == Some("oct")
                && !algorithms.iter().any(|one| one.is_symmetric())
            {
                return Err(JwksError::Secret);
            }
            if let Some(kid) = value.get("kid").and_then(Value::as_str)
                && !kids.insert(kid.to_owned())
            {
                return Err(JwksError::SameKid(Excerpt::new(kid)));
            }
            let keys = keys(value, algorithms);
            jwks.left_out += usize::from(keys.is_empty());
            jwks.keys.extend(keys);
        }
        if jwks.keys.is_empty() { Err(JwksError::NoneFits(jwks.left_out)) } else { Ok(jwks) }
    }

    /// The keys, in the order of the set. One that may check two algorithms is there twice.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The number of keys that were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

/// The keys that a member of `keys` is: one for each algorithm that it may check.
fn keys(value: Value, algorithms: &[Algorithm]) -> Vec<Key> {
    let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { return Vec::new() };
    let common = &jwk.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|one| *one == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !is_for_signatures {
        return Vec::new();
    }
    let is_named = |algorithm: Algorithm| {
        common.key_algorithm.is_none_or(|named| named == jsonwebtoken::jwk::KeyAlgorithm::from(algorithm.in_library()))
    };
    let fitting = algorithms.iter().copied().filter(|algorithm| is_named(*algorithm));
    fitting.filter_map(|algorithm| key(&jwk, algorithm)).collect()
}

/// The key for `algorithm` that `jwk` is, or `None`: it is of another type or size.
fn key(jwk: &Jwk, algorithm: Algorithm) -> Option<Key> {
    let decode = |text: &String| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let kid = jwk.common.key_id.clone();
    let key = match (&jwk.algorithm, algorithm.family()) {
        (AlgorithmParameters::OctetKey(secret), Family::Secret { .. }) => {
            let key = Key::secret(algorithm, &decode(&secret.value)?).ok().filter(|key| !key.is_weak())?;
            return Some(match kid {
                Some(kid) => key.with_kid(&kid),
                None => key,
            });
        }
        (AlgorithmParameters::RSA(rsa), Family::Rsa) => {
            let (n, e) = (decode(&rsa.n)?, decode(&rsa.e)?);
            // ring takes numbers without zeros in front. RFC 7518 6.3.1.1 forbids them, and some issuers write them.
            let start = n.iter().position(|byte| *byte != 0)?;
            DecodingKey::from_rsa_raw_components(&n[start..], &e)
        }
        (AlgorithmParameters::EllipticCurve(point), Family::Ec { coordinate_bytes }) => {
            let (x, y) = (decode(&point.x)?, decode(&point.y)?);
            if curve(algorithm) != Some(&point.curve) || x.len() != coordinate_bytes || y.len() != coordinate_bytes {
                return None;
            }
            DecodingKey::from_ec_der(&[&[4], x.as_slice(), &y].concat())
        }
        (AlgorithmParameters::OctetKeyPair(point), Family::Ed) if curve(algorithm) == Some(&point.curve) => {
            DecodingKey::from_ed_der(&decode(&point.x)?)
        }
        _ => return None,
    };
    Key::public(algorithm, kid, key).ok()
}

/// The curve of an algorithm (RFC 7518 3.4, RFC 8037 3.1).
fn curve(algorithm: Algorithm) -> Option<&'static EllipticCurve> {
    match algorithm {
        Algorithm::Es256 => Some(&EllipticCurve::P256),
        Algorithm::Es384 => Some(&EllipticCurve::P384),
        Algorithm::EdDsa => Some(&EllipticCurve::Ed25519),
        _ => None,
    }
}
