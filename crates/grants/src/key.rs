//! [`Key`]: what checks signatures. A key has one algorithm, for as long as it lives.

use jsonwebtoken::{DecodingKey, DecodingKeyKind, crypto};
use simple_asn1::ASN1Block;
use thiserror::Error;

use crate::{
    algorithm::{Algorithm, Family},
    provider,
};

/// A key that checks signatures of one algorithm.
///
/// ```
/// use fanfare_grants::{Algorithm, Key, KeyError};
///
/// assert!(Key::secret(Algorithm::Hs256, &[7; 32]).is_ok());
/// assert!(Key::secret(Algorithm::Hs256, b"secret")?.is_weak(), "it is shorter than its hash");
/// assert_eq!(Key::secret(Algorithm::Hs256, b"").unwrap_err(), KeyError::Empty);
/// # Ok::<_, KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Key {
    algorithm: Algorithm,
    /// The name that tokens give the key.
    kid: Option<String>,
    key: DecodingKey,
    /// The length of a secret that was given as such.
    secret_bytes: Option<usize>,
}

/// The reason why bytes are no key. No text has any of them.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The algorithm needs a key of another kind.
    #[error("{0} takes no such key: HS256, HS384 and HS512 take a secret, all others the public key of a PEM file")]
    Kind(&'static str),
    /// The secret is empty.
    #[error("the secret is empty")]
    Empty,
    /// The bytes are no PEM file, or one of several parts.
    #[error("the file is no PEM file with one key")]
    NotPem,
    /// The PEM file has a private key, which nobody needs who only checks tokens.
    #[error("the file has a private key: the server takes the public one (`openssl pkey -in key.pem -pubout`)")]
    Private,
    /// The PEM file has something else than a key of the algorithm.
    #[error("the file has no public key for {0}")]
    NotOfAlgorithm(&'static str),
    /// The numbers of an RSA key are fewer than 2,048 bits long, which can be broken, or more than 8,192 (RFC 7518 3.3).
    #[error("the RSA key has {0} bits: 2048 to 8192 are allowed")]
    RsaBits(u64),
}

impl Key {
    /// A secret that the issuer has too. The bytes are taken as they are, also if they are few: see [`Key::is_weak`].
    ///
    /// # Errors
    /// [`KeyError::Empty`] and [`KeyError::Kind`].
    pub fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        check_secret(algorithm, secret)?;
        let bytes = secret.len();
        Ok(Self { secret_bytes: Some(bytes), ..Self::new(algorithm, None, DecodingKey::from_secret(secret)) })
    }

    /// Whether the key is a secret that is shorter than its hash. RFC 7518 3.2 forbids that, because it may be guessed. People try things
    /// out with such secrets, so whoever configures one has to be warned.
    pub fn is_weak(&self) -> bool {
        let Family::Secret { bytes_min } = self.algorithm.family() else { return false };
        self.secret_bytes.is_some_and(|bytes| bytes < bytes_min)
    }

    /// The public key in a PEM file (RFC 7468 13, or `RSA PUBLIC KEY`). Certificates are not read.
    ///
    /// # Errors
    /// [`KeyError`], but for [`KeyError::Empty`].
    pub fn pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let unfit = |_| KeyError::NotOfAlgorithm(algorithm.name());
        match label(pem)? {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
            label if label.ends_with("PRIVATE KEY") => return Err(KeyError::Private),
            _ => return Err(KeyError::NotOfAlgorithm(algorithm.name())),
        }
        let key = match algorithm.family() {
            Family::Secret { .. } => return Err(KeyError::Kind(algorithm.name())),
            Family::Rsa => DecodingKey::from_rsa_pem(pem).map_err(unfit)?,
            Family::Ec { .. } => DecodingKey::from_ec_pem(pem).map_err(unfit)?,
            Family::Ed => DecodingKey::from_ed_pem(pem).map_err(unfit)?,
        };
        Self::public(algorithm, None, key)
    }

    /// A public key, if its size is right.
    pub(crate) fn public(algorithm: Algorithm, kid: Option<String>, key: DecodingKey) -> Result<Self, KeyError> {
        let bits = |n: &[u8]| 8 * n.len() as u64 - n.first().map_or(0, |byte| u64::from(byte.leading_zeros()));
        let is_fit = match (algorithm.family(), key.kind()) {
            (Family::Rsa, kind) => {
                let bits = match kind {
                    DecodingKeyKind::RsaModulusExponent { n, .. } => bits(n),
                    DecodingKeyKind::SecretOrDer(der) => {
                        modulus_bits(der).ok_or(KeyError::NotOfAlgorithm(algorithm.name()))?
                    }
                };
                if !(2_048..=8_192).contains(&bits) {
                    return Err(KeyError::RsaBits(bits));
                }
                true
            }
            // An uncompressed point (SEC 1, 2.3.3).
            (Family::Ec { coordinate_bytes }, DecodingKeyKind::SecretOrDer(point)) => {
                point.first() == Some(&4) && point.len() == 1 + 2 * coordinate_bytes
            }
            (Family::Ed, DecodingKeyKind::SecretOrDer(point)) => point.len() == 32,
            _ => false,
        };
        if !is_fit {
            return Err(KeyError::NotOfAlgorithm(algorithm.name()));
        }
        Ok(Self::new(algorithm, kid, key))
    }

    fn new(algorithm: Algorithm, kid: Option<String>, key: DecodingKey) -> Self {
        // Whoever has a key may check with it.
        provider::install();
        Self { algorithm, kid, key, secret_bytes: None }
    }

    /// The key under a name, by which tokens choose it (`kid`).
    pub fn with_kid(self, kid: &str) -> Self {
        Self { kid: Some(kid.to_owned()), ..self }
    }

    /// The one algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name that tokens give the key. A key without one fits a token with any.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether `signature`, in base64url, is one of this key for `message`. The algorithm is the key's own, whatever the token says.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        matches!(crypto::verify(signature, message, &self.key, self.algorithm.in_library()), Ok(true))
    }
}

pub(crate) fn check_secret(algorithm: Algorithm, secret: &[u8]) -> Result<(), KeyError> {
    match algorithm.family() {
        Family::Secret { .. } if secret.is_empty() => Err(KeyError::Empty),
        Family::Secret { .. } => Ok(()),
        _ => Err(KeyError::Kind(algorithm.name())),
    }
}

/// The label of the one part that a PEM file has.
pub(crate) fn label(pem: &[u8]) -> Result<&str, KeyError> {
    let text = str::from_utf8(pem).map_err(|_| KeyError::NotPem)?;
    let mut labels = text.split("-----BEGIN ").skip(1);
    let label = labels.next().and_then(|rest| Some(rest.split_once("-----")?.0)).ok_or(KeyError::NotPem)?;
    if labels.next().is_some() { Err(KeyError::NotPem) } else { Ok(label) }
}

/// The length of the modulus in an RSAPublicKey (RFC 8017 A.1.1).
fn modulus_bits(der: &[u8]) -> Option<u64> {
    match simple_asn1::from_der(der).ok()?.as_slice() {
        [ASN1Block::Sequence(_, numbers)] => match numbers.as_slice() {
            [ASN1Block::Integer(_, modulus), ASN1Block::Integer(..)] => Some(modulus.bits()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::Jwks;

    #[test]
    fn the_signature_of_rfc_8037_a_4_is_known() {
        let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let set = Jwks::parse(set, &Algorithm::ASYMMETRIC).unwrap();
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert!(set.keys()[0].has_signed(message, signature));
        assert!(!set.keys()[0].has_signed(b"another", signature));
    }

    #[test]
    fn a_file_has_one_part_of_a_known_label() {
        assert_eq!(label(b"x\n-----BEGIN PUBLIC KEY-----\n"), Ok("PUBLIC KEY"));
        for bad in [&b""[..], b"\xff", b"-----BEGIN X", b"-----BEGIN A-----\n-----BEGIN B-----\n"] {
            assert_eq!(label(bad), Err(KeyError::NotPem), "{bad:?}");
        }
    }
}
