//! [`Rules`]: the rules of a running server. Their parts change one by one, and each change is one new set of rules.

use std::sync::{Arc, Mutex, PoisonError};

use fanfare_grants::{ApiKeys, Issuer, IssuerConfig, Key, Tokens};
use fanfare_http::{Access, Gate};

/// The rules of a running server.
pub(super) struct Rules {
    gate: Gate,
    issuers: Mutex<Vec<IssuerConfig>>,
}

impl Rules {
    /// The rules of `access`, with tokens of these issuers if there are any.
    ///
    /// # Errors
    /// A sentence: the issuers do not go together.
    pub(super) fn new(issuers: Vec<IssuerConfig>, access: Access) -> Result<Self, String> {
        let tokens = if issuers.is_empty() { None } else { Some(Arc::new(tokens(&issuers)?)) };
        Ok(Self { gate: Gate::new(Access { tokens, ..access }), issuers: Mutex::new(issuers) })
    }

    /// The gate of the server.
    pub(super) fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Gives the issuer at `place` these keys instead of those that it had.
    ///
    /// # Errors
    /// A sentence: there are too many. Nothing has changed.
    pub(super) fn replace_issuer(&self, place: usize, keys: Vec<Key>) -> Result<(), String> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = issuers.clone();
        if let Some(issuer) = changed.get_mut(place) {
            issuer.keys = keys;
        }
        let tokens = Some(Arc::new(tokens(&changed)?));
        *issuers = changed;
        // Under the lock, so that no older set of issuers comes behind a newer one.
        self.gate.replace(Access { tokens, ..Access::clone(&self.gate.access()) });
        Ok(())
    }

    /// Replaces the keys of publishers.
    pub(super) fn replace_keys(&self, keys: Arc<ApiKeys>) {
        let _alone = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        self.gate.replace(Access { keys: Some(keys), ..Access::clone(&self.gate.access()) });
    }
}

/// The issuers of these configurations.
///
/// # Errors
/// A sentence with the name of the issuer.
pub(super) fn tokens(issuers: &[IssuerConfig]) -> Result<Tokens, String> {
    let made = issuers
        .iter()
        .map(|config| Issuer::new(config.clone()).map_err(|error| format!("the issuer {}: {error}", config.name)));
    Tokens::new(made.collect::<Result<_, _>>()?).map_err(|error| error.to_string())
}
