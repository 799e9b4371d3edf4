//! [`Mint`]: tokens are made, for development and for services that have no issuer.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{
    algorithm::{Algorithm, Family},
    claim::CLAIM,
    grant::Grant,
    key::{KeyError, check_secret, label},
    provider,
    token::TOKEN_BYTES_MAX,
};

/// A key that signs tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// What a token says besides what it grants.
///
/// ```
/// use fanfare_grants::{Algorithm, Grant, Mint, SigningKey};
///
/// let key = SigningKey::secret(Algorithm::Hs256, &[7; 32])?;
/// let mint = Mint { sub: Some("42".to_owned()), expires: Some(2_000_000_000), ..Mint::default() };
/// let token = mint.sign(&key, &Grant::default())?;
/// assert_eq!(token.split('.').count(), 3);
/// # Ok::<_, fanfare_grants::MintError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mint {
    /// The name of the key.
    pub kid: Option<String>,
    /// The issuer.
    pub iss: Option<String>,
    /// The audience. One is written as a text, several as a list.
    pub aud: Vec<String>,
    /// The holder.
    pub sub: Option<String>,
    /// The end in Unix seconds.
    pub expires: Option<u64>,
    /// The beginning in Unix seconds.
    pub not_before: Option<u64>,
    /// When the token was made, in Unix seconds.
    pub issued_at: Option<u64>,
}

/// The reason why there is no token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MintError {
    /// The key is empty, or of another kind.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The PEM file has no private key for the algorithm.
    #[error("the file has no private key for {0} in PKCS #8 (`openssl pkcs8 -topk8 -nocrypt -in key.pem`)")]
    NotPrivate(&'static str),
    /// The key cannot sign.
    #[error("the key cannot sign: {0}")]
    Sign(String),
    /// No server would take the token.
    #[error("the token would be longer than 8 KiB")]
    TooLong,
}

impl SigningKey {
    /// A secret that the server has too. The bytes are taken as they are.
    ///
    /// # Errors
    /// [`KeyError::Empty`] and [`KeyError::Kind`].
    pub fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, MintError> {
        check_secret(algorithm, secret)?;
        Ok(Self::new(algorithm, EncodingKey::from_secret(secret)))
    }

    /// The private key in a PEM file: PKCS #8, or `RSA PRIVATE KEY`.
    ///
    /// # Errors
    /// [`MintError::Key`] and [`MintError::NotPrivate`].
    pub fn pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, MintError> {
        let unfit = || MintError::NotPrivate(algorithm.name());
        if !matches!(label(pem)?, "PRIVATE KEY" | "RSA PRIVATE KEY") {
            return Err(unfit());
        }
        let key = match algorithm.family() {
            Family::Secret { .. } => return Err(KeyError::Kind(algorithm.name()).into()),
            Family::Rsa => EncodingKey::from_rsa_pem(pem),
            Family::Ec { .. } => EncodingKey::from_ec_pem(pem),
            Family::Ed => EncodingKey::from_ed_pem(pem),
        };
        Ok(Self::new(algorithm, key.map_err(|_| unfit())?))
    }

    fn new(algorithm: Algorithm, key: EncodingKey) -> Self {
        provider::install();
        Self { algorithm, key }
    }
}

impl Mint {
    /// The token that says this and has the words of `grant`. The holder and the end of the grant are not written: `sub` and
    /// `expires` are here.
    ///
    /// # Errors
    /// [`MintError::Sign`] and [`MintError::TooLong`].
    pub fn sign(&self, key: &SigningKey, grant: &Grant) -> Result<String, MintError> {
        let header = Header { kid: self.kid.clone(), ..Header::new(key.algorithm.in_library()) };
        let token = jsonwebtoken::encode(&header, &self.claims(grant), &key.key);
        let token = token.map_err(|error| MintError::Sign(error.to_string()))?;
        if token.len() > TOKEN_BYTES_MAX { Err(MintError::TooLong) } else { Ok(token) }
    }

    fn claims(&self, grant: &Grant) -> Map<String, Value> {
        let aud = match self.aud.as_slice() {
            [] => None,
            [one] => Some(json!(one)),
            several => Some(json!(several)),
        };
        let all = [
            ("iss", self.iss.as_ref().map(|text| json!(text))),
            ("sub", self.sub.as_ref().map(|text| json!(text))),
            ("aud", aud),
            ("exp", self.expires.map(|seconds| json!(seconds))),
            ("nbf", self.not_before.map(|seconds| json!(seconds))),
            ("iat", self.issued_at.map(|seconds| json!(seconds))),
            (CLAIM, Some(grant.to_claim())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
