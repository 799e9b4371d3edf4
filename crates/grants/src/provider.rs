//! ring behind `jsonwebtoken`, which brings no cryptography itself.
//!
//! A key of one family is never used with an algorithm of another: both factories refuse that.

use std::sync::Once;

use ::signature::{Signer, Verifier};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind, new_error},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair, RsaParameters, UnparsedPublicKey},
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(RingSigner::new(*algorithm, key)?)),
    verifier_factory: |algorithm, key| Ok(Box::new(RingVerifier::new(*algorithm, key)?)),
    // Only JWKs that are made of keys need these, and nobody makes them here.
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// Makes ring the provider of `jsonwebtoken` in this process. If the program has installed another, that one serves.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

fn unsupported() -> Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

fn hash(algorithm: Algorithm) -> Result<hmac::Algorithm, Error> {
    match algorithm {
        Algorithm::HS256 => Ok(hmac::HMAC_SHA256),
        Algorithm::HS384 => Ok(hmac::HMAC_SHA384),
        Algorithm::HS512 => Ok(hmac::HMAC_SHA512),
        _ => Err(unsupported()),
    }
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl RingVerifier {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        if key.family() != algorithm.family() {
            return Err(new_error(ErrorKind::InvalidKeyFormat));
        }
        Ok(Self { algorithm, key: key.clone() })
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let refused = |_| new_error(ErrorKind::InvalidSignature);
        let asymmetric = |algorithm: &'static dyn signature::VerificationAlgorithm| {
            UnparsedPublicKey::new(algorithm, self.key.try_get_as_bytes()?).verify(message, signature).map_err(refused)
        };
        match self.algorithm {
            Algorithm::RS256 => self.check_rsa(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
            Algorithm::PS256 => self.check_rsa(&signature::RSA_PSS_2048_8192_SHA256, message, signature),
            Algorithm::ES256 => asymmetric(&signature::ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => asymmetric(&signature::ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => asymmetric(&signature::ED25519),
            symmetric => {
                let key = hmac::Key::new(hash(symmetric)?, self.key.try_get_as_bytes()?);
                hmac::verify(&key, message, signature).map_err(refused)
            }
        }
    }

    fn check_rsa(&self, parameters: &'static RsaParameters, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let verified = match self.key.kind() {
            DecodingKeyKind::SecretOrDer(der) => UnparsedPublicKey::new(parameters, der).verify(message, signature),
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                signature::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
        };
        verified.map_err(|_| new_error(ErrorKind::InvalidSignature))
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), ::signature::Error> {
        self.check(message, signature).map_err(::signature::Error::from_source)
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

struct RingSigner {
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Secret(hmac::Key),
    Rsa(Box<RsaKeyPair>, &'static dyn signature::RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl RingSigner {
    fn new(algorithm: Algorithm, key: &EncodingKey) -> Result<Self, Error> {
        if key.family() != algorithm.family() {
            return Err(new_error(ErrorKind::InvalidKeyFormat));
        }
        let bytes = key.as_bytes();
        let pair = match (key.family(), algorithm) {
            (AlgorithmFamily::Hmac, _) => Pair::Secret(hmac::Key::new(hash(algorithm)?, bytes)),
            (AlgorithmFamily::Rsa, Algorithm::RS256) => Pair::Rsa(rsa_pair(bytes)?, &signature::RSA_PKCS1_SHA256),
            (AlgorithmFamily::Rsa, Algorithm::PS256) => Pair::Rsa(rsa_pair(bytes)?, &signature::RSA_PSS_SHA256),
            (AlgorithmFamily::Ec, Algorithm::ES256) => {
                Pair::Ec(ec_pair(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, bytes)?)
            }
            (AlgorithmFamily::Ec, Algorithm::ES384) => {
                Pair::Ec(ec_pair(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, bytes)?)
            }
            // openssl writes no public key beside the private one, so there is nothing to compare.
            (AlgorithmFamily::Ed, _) => Pair::Ed(
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?,
            ),
            _ => return Err(unsupported()),
        };
        Ok(Self { algorithm, pair })
    }
}

fn rsa_pair(der: &[u8]) -> Result<Box<RsaKeyPair>, Error> {
    let pair = RsaKeyPair::from_der(der).map_err(|error| new_error(ErrorKind::InvalidRsaKey(error.to_string())))?;
    Ok(Box::new(pair))
}

fn ec_pair(algorithm: &'static signature::EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Result<EcdsaKeyPair, Error> {
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &SystemRandom::new()).map_err(|_| new_error(ErrorKind::InvalidEcdsaKey))
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, ::signature::Error> {
        let failed = |_| ::signature::Error::new();
        match &self.pair {
            Pair::Secret(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Pair::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*padding, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ec(pair) => Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
