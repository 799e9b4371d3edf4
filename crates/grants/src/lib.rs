//! Who may do what in Fanfare. JSON Web Tokens, JWK sets and API keys become a [`Grant`], or a [`Refused`] that tells the operator
//! which rule refused.
//!
//! Nothing here reads a file, a clock or a socket: bytes and times are parameters. Signatures are checked by `jsonwebtoken` with
//! ring.
//!
//! # Nouns
//!
//! - [`Grant`]: what somebody may do, and until when.
//! - [`Issuer`]: who makes tokens, and by which keys and rules they are judged.
//!
//! # Types
//!
//! - [`Tokens`]: all issuers. [`Tokens::check`] judges a token, and [`Tokens::explain`] tells each step of it.
//! - [`Key`], [`Jwks`], [`KeySet`]: one key, the keys of a JWK set, and keys that are fetched while the server runs. [`KeySpec`] is
//!   how a setting spells where a key comes from.
//! - [`ApiKeys`]: keys of publishers.
//! - [`Mint`]: makes tokens.
//!
//! # Example
//!
//! ```
//! use fanfare_core::Channel;
//! use fanfare_grants::{Algorithm, Issuer, IssuerConfig, Key, Tokens};
//!
//! // The token of RFC 7515 A.1, its key, and a second before its end.
//! let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
//! let set = format!(r#"{{"keys":[{{"kty":"oct","k":"{secret}"}}]}}"#);
//! let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
//!
//! let keys = fanfare_grants::Jwks::parse(set.as_bytes(), &[Algorithm::Hs256])?.keys().to_vec();
//! let joe = Issuer::new(IssuerConfig { keys, iss: Some("joe".to_owned()), ..IssuerConfig::new("joe") })?;
//! let tokens = Tokens::new(vec![joe])?;
//! let grant = tokens.check(token.as_bytes(), 1_300_819_379_000)?;
//! assert_eq!((grant.holder.starts_with("joe/"), grant.expires), (true, Some(1_300_819_380)));
//! assert!(!grant.may_follow(&Channel::new("news")?), "it has no claim `fanfare`");
//!
//! let refused = tokens.check(token.as_bytes(), 1_300_819_410_000).unwrap_err();
//! assert_eq!(refused.to_string(), "the token has expired (issuer joe)");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//!
//! - A key is used with its configured algorithm only. What a token says chooses among the keys and never how one is used.
//! - Claims are judged after the signature.
//! - A token is refused if it has a member twice, an extension that must be understood, or a malformed claim that is read here.
//! - No text of an error has a secret, a key, a hash, or more of a token than `alg`, `kid`, `iss` and names of members.
//!
//! # Cost
//!
//! [`Tokens::check`] reads at most 8 KiB, asks at most 16 issuers, and tries at most 8 keys of each. One signature of HS256 takes 4
//! us, one of ES256 94 us, and one of ES384 1.6 ms.

#![forbid(unsafe_code)]

mod algorithm;
mod api_key_file;
mod api_keys;
mod claim;
mod claims;
mod excerpt;
mod explanation;
mod grant;
mod issuer;
mod json;
mod jwks;
mod key;
mod key_set;
mod key_spec;
mod mint;
mod provider;
mod refused;
mod token;
mod tokens;

pub use algorithm::Algorithm;
pub use api_key_file::ApiKeysError;
pub use api_keys::{ApiKeyFault, ApiKeys, NewApiKey};
pub use claim::ClaimFault;
pub use excerpt::Excerpt;
pub use explanation::{Explanation, Judged, Said};
pub use grant::{Grant, GrantLimits, PATTERNS_MAX};
pub use issuer::{Check, Issuer, IssuerConfig, IssuerError};
pub use jwks::{Jwks, JwksError};
pub use key::{Key, KeyError};
pub use key_set::{Fetch, KeySet};
pub use key_spec::{KeySpec, KeySpecError};
pub use mint::{Mint, MintError, SigningKey};
pub use refused::{Part, Refused, Rule};
pub use tokens::{Tokens, TokensError};
