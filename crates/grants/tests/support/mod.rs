//! Keys that openssl makes, tokens of any bytes, and issuers for them.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    process::{Command, Stdio},
    sync::OnceLock,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use fanfare_grants::{Algorithm, Issuer, IssuerConfig, Key, Refused, Rule, Tokens};
use jsonwebtoken::EncodingKey;

/// A second in 2026, and the same in milliseconds.
pub(crate) const NOW_S: u64 = 1_795_000_000;
pub(crate) const NOW_MS: u64 = 1_000 * NOW_S;

/// A secret of 64 bytes, which is enough for every hash.
pub(crate) const SECRET: &[u8; 64] = b"a secret of the tests, which nobody uses for anything else ever.";

/// A pair of keys in PEM files.
pub(crate) struct Pair {
    pub(crate) private: Vec<u8>,
    pub(crate) public: Vec<u8>,
}

pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        command.spawn().expect("these tests need `openssl` of the Debian package openssl: cargo xtask parts");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

impl Pair {
    fn make(options: &[&str]) -> Self {
        let private = openssl(&[&["genpkey"], options].concat(), b"");
        let public = openssl(&["pkey", "-pubout"], &private);
        Self { private, public }
    }
}

/// The pair of an algorithm. All tests of a process share it.
pub(crate) fn pair(algorithm: Algorithm) -> &'static Pair {
    static PAIRS: [OnceLock<Pair>; 4] = [const { OnceLock::new() }; 4];
    let (place, options): (usize, &[&str]) = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => (0, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        Algorithm::Es256 => (1, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        Algorithm::Es384 => (2, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        Algorithm::EdDsa => (3, &["-algorithm", "ED25519"]),
        secret => panic!("{secret:?} has no pair"),
    };
    PAIRS[place].get_or_init(|| Pair::make(options))
}

/// The key that checks tokens of an algorithm.
pub(crate) fn key(algorithm: Algorithm) -> Key {
    match algorithm.is_symmetric() {
        true => Key::secret(algorithm, SECRET).unwrap(),
        false => Key::pem(algorithm, &pair(algorithm).public).unwrap(),
    }
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The signature of `message`, in base64url.
pub(crate) fn signature(algorithm: Algorithm, message: &str) -> String {
    key(algorithm); // It brings the cryptography.
    let pem = |make: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>| make(&pair(algorithm).private).unwrap();
    let (key, algorithm) = match algorithm {
        Algorithm::Hs256 => (EncodingKey::from_secret(SECRET), jsonwebtoken::Algorithm::HS256),
        Algorithm::Hs384 => (EncodingKey::from_secret(SECRET), jsonwebtoken::Algorithm::HS384),
        Algorithm::Hs512 => (EncodingKey::from_secret(SECRET), jsonwebtoken::Algorithm::HS512),
        Algorithm::Rs256 => (pem(EncodingKey::from_rsa_pem), jsonwebtoken::Algorithm::RS256),
        Algorithm::Ps256 => (pem(EncodingKey::from_rsa_pem), jsonwebtoken::Algorithm::PS256),
        Algorithm::Es256 => (pem(EncodingKey::from_ec_pem), jsonwebtoken::Algorithm::ES256),
        Algorithm::Es384 => (pem(EncodingKey::from_ec_pem), jsonwebtoken::Algorithm::ES384),
        Algorithm::EdDsa => (pem(EncodingKey::from_ed_pem), jsonwebtoken::Algorithm::EdDSA),
    };
    jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap()
}

/// A token of these bytes, signed with the key of `algorithm`, whatever they say.
pub(crate) fn token(algorithm: Algorithm, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", base64(header), base64(payload));
    format!("{signed}.{}", signature(algorithm, &signed))
}

/// A token of HS256 with these claims.
pub(crate) fn claiming(claims: &str) -> String {
    token(Algorithm::Hs256, r#"{"alg":"HS256"}"#, claims)
}

/// A token of `algorithm` that holds for a minute more.
pub(crate) fn valid(algorithm: Algorithm) -> String {
    token(algorithm, format!(r#"{{"alg":"{}"}}"#, algorithm.name()), lasting(""))
}

/// Claims that hold for a minute more. `more` begins with a comma.
pub(crate) fn lasting(more: &str) -> String {
    format!(r#"{{"exp":{}{more}}}"#, NOW_S + 60)
}

/// One issuer with the keys of all `algorithms`.
pub(crate) fn of(algorithms: &[Algorithm]) -> IssuerConfig {
    IssuerConfig { keys: algorithms.iter().copied().map(key).collect(), ..IssuerConfig::new("test") }
}

pub(crate) fn tokens(config: IssuerConfig) -> Tokens {
    Tokens::new(vec![Issuer::new(config).unwrap()]).unwrap()
}

/// What an issuer of HS256 says now.
pub(crate) fn hs256() -> Tokens {
    tokens(of(&[Algorithm::Hs256]))
}

/// The rule that `token` breaks now.
#[track_caller]
pub(crate) fn rule(tokens: &Tokens, token: impl AsRef<[u8]>) -> Rule {
    refused(tokens, token).rule
}

#[track_caller]
pub(crate) fn refused(tokens: &Tokens, token: impl AsRef<[u8]>) -> Refused {
    tokens.check(token.as_ref(), NOW_MS).expect_err("the token is taken")
}
