//! [`KeySpec`]: where a key comes from, as it is spelled in a setting. Whoever has files and a network gets the bytes.

use std::{fmt, path::PathBuf};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use thiserror::Error;

use crate::{
    algorithm::Algorithm,
    key::{KeyError, check_secret},
};

/// Where a key comes from: `HS256:secret`, `HS256:base64:...`, `RS256:key.pem`, `JWKS:keys.json` or `JWKS:https://...`.
///
/// ```
/// use fanfare_grants::{Algorithm, KeySpec};
///
/// assert_eq!(KeySpec::parse("JWKS:keys.json"), Ok(KeySpec::JwksFile("keys.json".into())));
/// assert_eq!(KeySpec::parse("ES256:a.pem"), Ok(KeySpec::Pem { algorithm: Algorithm::Es256, path: "a.pem".into() }));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum KeySpec {
    /// A shared secret, for [`Key::secret`](crate::Key::secret).
    Secret {
        /// HS256, HS384 or HS512.
        algorithm: Algorithm,
        /// Enough bytes for the algorithm.
        secret: Vec<u8>,
    },
    /// A PEM file, for [`Key::pem`](crate::Key::pem).
    Pem {
        /// None of HS256, HS384 and HS512.
        algorithm: Algorithm,
        /// The file.
        path: PathBuf,
    },
    /// A file with a JWK set, for [`Jwks::parse`](crate::Jwks::parse).
    JwksFile(PathBuf),
    /// The address of a JWK set, for a [`KeySet`](crate::KeySet). It begins with `https://` or `http://`.
    JwksUrl(String),
}

/// The reason why a spelling is no key. No text has any of it, because it may be a secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySpecError {
    /// No known algorithm and colon in front.
    #[error(
        "a key begins with its algorithm and a colon: HS256:, HS384: or HS512: and a secret, RS256:, PS256:, ES256:, ES384: or \
         EdDSA: and a PEM file, JWKS: and a file or an address"
    )]
    NoAlgorithm,
    /// Nothing behind the colon.
    #[error("there is nothing behind the algorithm of the key")]
    Empty,
    /// `base64:` and something else behind it.
    #[error("the secret behind base64: is no base64")]
    NotBase64,
    /// The secret is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Behind the algorithm: the secret is in base64, of either alphabet, with or without padding.
const BASE64: &str = "base64:";

impl KeySpec {
    /// Reads a spelling.
    ///
    /// # Errors
    /// [`KeySpecError`].
    pub fn parse(text: &str) -> Result<Self, KeySpecError> {
        let (name, rest) = text.split_once(':').ok_or(KeySpecError::NoAlgorithm)?;
        if rest.is_empty() {
            return Err(KeySpecError::Empty);
        }
        if name == "JWKS" {
            let is_address = ["https://", "http://"].iter().any(|scheme| rest.starts_with(scheme));
            return Ok(if is_address { Self::JwksUrl(rest.to_owned()) } else { Self::JwksFile(rest.into()) });
        }
        let algorithm = Algorithm::named(name).ok_or(KeySpecError::NoAlgorithm)?;
        if !algorithm.is_symmetric() {
            return Ok(Self::Pem { algorithm, path: rest.into() });
        }
        let secret = match rest.strip_prefix(BASE64) {
            Some(encoded) => decode(encoded).ok_or(KeySpecError::NotBase64)?,
            None => rest.as_bytes().to_vec(),
        };
        check_secret(algorithm, &secret)?;
        Ok(Self::Secret { algorithm, secret })
    }
}

fn decode(encoded: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if encoded.contains(['-', '_']) { base64::alphabet::URL_SAFE } else { base64::alphabet::STANDARD };
    GeneralPurpose::new(&alphabet, config).decode(encoded).ok()
}

impl fmt::Debug for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { algorithm, .. } => {
                f.debug_struct("Secret").field("algorithm", algorithm).finish_non_exhaustive()
            }
            Self::Pem { algorithm, path } => {
                f.debug_struct("Pem").field("algorithm", algorithm).field("path", path).finish()
            }
            Self::JwksFile(path) => f.debug_tuple("JwksFile").field(path).finish(),
            // An address may have a password.
            Self::JwksUrl(_) => f.write_str("JwksUrl(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(secret: &[u8]) -> Result<KeySpec, KeySpecError> {
        Ok(KeySpec::Secret { algorithm: Algorithm::Hs256, secret: secret.to_vec() })
    }

    #[test]
    fn a_secret_is_text_or_base64_of_either_alphabet() {
        let text = "0123456789:abcdef0123456789abcdef";
        assert_eq!(KeySpec::parse(&format!("HS256:{text}")), secret(text.as_bytes()));
        let bytes: Vec<u8> = (0..33).map(|n| 0xfb ^ n).collect();
        for engine in [base64::prelude::BASE64_STANDARD, base64::prelude::BASE64_URL_SAFE_NO_PAD] {
            assert_eq!(KeySpec::parse(&format!("HS256:base64:{}", engine.encode(&bytes))), secret(&bytes));
        }
        let padded = base64::prelude::BASE64_STANDARD.encode([7; 32]);
        assert_eq!(KeySpec::parse(&format!("HS256:base64:{padded}")), secret(&[7; 32]));
        assert_eq!(KeySpec::parse("HS256:base64:!"), Err(KeySpecError::NotBase64));
    }

    #[test]
    fn a_secret_of_less_than_its_hash_is_weak_and_an_empty_one_is_none() {
        for (name, bytes_min) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
            let is_weak = |bytes: usize| {
                let spec = KeySpec::parse(&format!("{name}:{}", "x".repeat(bytes))).unwrap();
                let KeySpec::Secret { algorithm, secret } = spec else { panic!("{spec:?}") };
                crate::Key::secret(algorithm, &secret).unwrap().is_weak()
            };
            assert!(is_weak(bytes_min - 1) && !is_weak(bytes_min), "{name}");
            assert_eq!(KeySpec::parse(&format!("{name}:")), Err(KeySpecError::Empty));
        }
    }

    #[test]
    fn a_set_is_a_file_or_an_address() {
        assert_eq!(KeySpec::parse("JWKS:/etc/a:b.json"), Ok(KeySpec::JwksFile("/etc/a:b.json".into())));
        let url = "https://issuer.example/jwks";
        assert_eq!(KeySpec::parse(&format!("JWKS:{url}")), Ok(KeySpec::JwksUrl(url.to_owned())));
    }

    #[test]
    fn every_other_spelling_is_refused_without_showing_it() {
        for text in ["s3cr3t", "s3cr3t:s3cr3t", "none:x", "hs256:x", "RS512:x", ""] {
            assert_eq!(KeySpec::parse(text), Err(KeySpecError::NoAlgorithm), "{text}");
            assert!(!KeySpecError::NoAlgorithm.to_string().contains("s3cr3t"));
        }
        assert_eq!(KeySpec::parse("RS256:"), Err(KeySpecError::Empty));
        let debug = format!("{:?}", KeySpec::parse(&format!("HS256:{}", "s3cr3t".repeat(9))));
        assert_eq!(debug, "Ok(Secret { algorithm: Hs256, .. })");
    }
}
