//! [`Rules`]: the rules of a running server. Their parts change one by one, and each change is one new set of rules.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_grants::{ApiKeys, Issuer, IssuerConfig, Key, Tokens};
use fanfare_http::{Access, Gate};

/// The rules of a running server.
pub(super) struct Rules {
    gate: Gate,
    made: Mutex<Made>,
}

/// What the rules are made of.
struct Made {
    /// How often the settings were read before. Files of older settings change nothing any more.
    number: u64,
    issuers: Vec<IssuerConfig>,
}

impl Rules {
    /// The rules of `access`, with tokens of these issuers if there are any. Their number is 0.
    ///
    /// # Errors
    /// A sentence: the issuers do not go together.
    pub(super) fn new(issuers: Vec<IssuerConfig>, access: Access) -> Result<Self, String> {
        let gate = Gate::new(with_tokens(&issuers, access)?);
        Ok(Self { gate, made: Mutex::new(Made { number: 0, issuers }) })
    }

    /// The gate of the server.
    pub(super) fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Replaces all rules. Returns their number.
    ///
    /// # Errors
    /// As of [`Rules::new`]. Nothing has changed.
    pub(super) fn replace(&self, issuers: Vec<IssuerConfig>, access: Access) -> Result<u64, String> {
        let access = with_tokens(&issuers, access)?;
        let mut made = self.made();
        let number = made.number + 1;
        *made = Made { number, issuers };
        // Under the lock, so that no older rules come behind newer ones.
        self.gate.replace(access);
        Ok(number)
    }

    /// Gives the issuer at `place` of the rules of this `number` other keys. There is no effect if those are over.
    ///
    /// # Errors
    /// A sentence: there are too many. Nothing has changed.
    pub(super) fn replace_issuer(&self, number: u64, place: usize, keys: Vec<Key>) -> Result<(), String> {
        let mut made = self.made();
        if made.number != number {
            return Ok(());
        }
        let mut changed = made.issuers.clone();
        if let Some(issuer) = changed.get_mut(place) {
            issuer.keys = keys;
        }
        let access = with_tokens(&changed, Access::clone(&self.gate.access()))?;
        made.issuers = changed;
        self.gate.replace(access);
        Ok(())
    }

    /// Replaces the keys of publishers of the rules of this `number`. There is no effect if those are over.
    pub(super) fn replace_keys(&self, number: u64, keys: Arc<ApiKeys>) {
        let made = self.made();
        if made.number == number {
            self.gate.replace(Access { keys: Some(keys), ..Access::clone(&self.gate.access()) });
        }
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_tokens(issuers: &[IssuerConfig], access: Access) -> Result<Access, String> {
    let tokens = if issuers.is_empty() { None } else { Some(Arc::new(tokens(issuers)?)) };
    Ok(Access { tokens, ..access })
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
