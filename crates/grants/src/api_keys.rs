//! [`ApiKeys`]: the keys of publishers. Only their hashes are kept.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::{
    claim::ClaimFault,
    excerpt::{Excerpt, NAME_RULE, is_name},
    grant::Grant,
    refused::{Refused, Rule},
};

/// Bytes of a digest of SHA-256.
pub(crate) const DIGEST_BYTES: usize = 32;

/// The keys of publishers, each with what it grants.
///
/// ```
/// use fanfare_grants::{ApiKeys, NewApiKey};
///
/// let key = NewApiKey::of([7; 32]); // Random bits, in earnest.
/// let file = format!("[[key]]\nname = \"shop\"\nhash = \"{}\"\npublish = [\"orders.*\"]\n", key.hash);
/// let keys = ApiKeys::parse(&file)?;
/// assert_eq!(keys.find(key.text.as_bytes(), 0).unwrap().holder, "shop");
/// assert!(keys.find(b"another", 0).is_err());
/// # Ok::<_, fanfare_grants::ApiKeysError>(())
/// ```
#[derive(Clone, Default)]
pub struct ApiKeys {
    keys: Vec<ApiKey>,
}

#[derive(Clone)]
struct ApiKey {
    digest: [u8; DIGEST_BYTES],
    /// The holder is the name of the key.
    grant: Arc<Grant>,
}

/// The reason why a key of the file is none. No text has a key or a hash.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApiKeyFault {
    /// The file is no TOML.
    #[error("this is no TOML")]
    NotToml,
    /// A member of the file that is no `[[key]]`.
    #[error("the file has tables [[key]] and nothing else")]
    NotAKey,
    /// A key without a name, or with one that breaks the rule.
    #[error("the key needs a name = \"...\": {NAME_RULE}")]
    Name,
    /// Two keys of one name.
    #[error("another key has this name already")]
    SameName,
    /// A key without a hash, or with another one.
    #[error("the key needs a hash = \"sha256:...\" with 64 hexadecimal digits")]
    Hash,
    /// Two keys that are the same.
    #[error("another key has this hash already")]
    SameHash,
    /// More than [`ApiKeys::KEYS_MAX`].
    #[error("there are more than 1024 keys")]
    TooMany,
    /// A key that is empty, or longer than [`ApiKeys::KEY_BYTES_MAX`].
    #[error("a key has 1 to 8192 bytes")]
    Length,
    /// The end is neither a time nor a number.
    #[error("expires is a time in UTC, such as 2027-01-31T12:00:00Z, or a number of Unix seconds")]
    Expires,
    /// A client id: an API key is of a publisher.
    #[error("an API key has no client")]
    Client,
    /// A member that is none of the above.
    #[error("the key has no member `{0}`: there are name, hash, expires, subscribe, publish, clients, all and limits")]
    Unknown(Excerpt),
    /// What the key grants is wrong.
    #[error(transparent)]
    Grant(#[from] ClaimFault),
}

/// A key that nobody has yet.
pub struct NewApiKey {
    /// For the publisher: `ffk_` and 43 characters of base64url. Nobody can show it again later.
    pub text: String,
    /// For the file of the server: `sha256:` and 64 hexadecimal digits.
    pub hash: String,
}

impl NewApiKey {
    /// The key of 256 random bits.
    pub fn of(bits: [u8; 32]) -> Self {
        let text = format!("ffk_{}", BASE64_URL_SAFE_NO_PAD.encode(bits));
        let hex: String = digest_of(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, hash: format!("{HASH}{hex}") }
    }
}

/// In front of the digits of a hash.
pub(crate) const HASH: &str = "sha256:";

impl ApiKeys {
    /// Keys of a file at most. Each request compares all of them.
    pub const KEYS_MAX: usize = 1_024;
    /// Bytes of a key at most. What is longer is none.
    pub const KEY_BYTES_MAX: usize = 8_192;

    /// These keys and one more, which grants everything.
    ///
    /// # Errors
    /// The name breaks its rule or is taken, the key is empty, too long or there already, or there are too many.
    pub fn with_key_to_everything(mut self, name: &str, text: &str) -> Result<Self, ApiKeyFault> {
        if text.is_empty() || text.len() > Self::KEY_BYTES_MAX {
            return Err(ApiKeyFault::Length);
        }
        self.push(digest_of(text.as_bytes()), Grant::of_everything(name))?;
        Ok(self)
    }

    /// The grant of the key that was shown, at a time in Unix milliseconds.
    ///
    /// What is shown is hashed and compared with all hashes, in a time that does not depend on either.
    ///
    /// # Errors
    /// [`Rule::UnknownApiKey`] and [`Rule::ApiKeyExpired`].
    pub fn find(&self, shown: &[u8], unix_ms: u64) -> Result<Arc<Grant>, Refused> {
        if shown.len() > Self::KEY_BYTES_MAX {
            return Err(Rule::UnknownApiKey.into());
        }
        let digest = digest_of(shown);
        // No key ends the search: all of them are compared.
        let found = self.keys.iter().filter(|key| bool::from(key.digest.ct_eq(&digest))).fold(None, |_, key| Some(key));
        let Some(key) = found else { return Err(Rule::UnknownApiKey.into()) };
        if key.grant.expires.is_some_and(|expires| unix_ms >= expires.saturating_mul(1_000)) {
            return Err(Rule::ApiKeyExpired.into());
        }
        Ok(Arc::clone(&key.grant))
    }

    /// The grants of all keys, in the order of the file. The holder of each is the name of its key.
    pub fn grants(&self) -> impl ExactSizeIterator<Item = &Arc<Grant>> {
        self.keys.iter().map(|key| &key.grant)
    }

    pub(crate) fn push(&mut self, digest: [u8; DIGEST_BYTES], grant: Grant) -> Result<(), ApiKeyFault> {
        if !is_name(&grant.holder) {
            return Err(ApiKeyFault::Name);
        }
        if self.keys.len() == Self::KEYS_MAX {
            return Err(ApiKeyFault::TooMany);
        }
        if self.keys.iter().any(|key| key.grant.holder == grant.holder) {
            return Err(ApiKeyFault::SameName);
        }
        if self.keys.iter().any(|key| key.digest == digest) {
            return Err(ApiKeyFault::SameHash);
        }
        self.keys.push(ApiKey { digest, grant: Arc::new(grant) });
        Ok(())
    }
}

impl fmt::Debug for ApiKeys {
    // A short key could be guessed from its hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.grants().map(|grant| &grant.holder)).finish()
    }
}

fn digest_of(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    digest
}
