//! [`Certificates`]: the certificates that the TLS listener gives. Handshakes read it while pairs are exchanged.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tracing::warn;

use super::pair::Pair;

/// Protocol of a handshake in which a certificate authority asks for a challenge certificate (RFC 8737 section 3).
const ACME_TLS: &[u8] = b"acme-tls/1";
/// Time between two log lines on handshakes without a certificate.
const TOLD_INTERVAL: Duration = Duration::from_secs(10);

/// The certificates of a listener: one for each place, in the order of the places, and those for challenges.
#[derive(Debug)]
pub(crate) struct Certificates {
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// One place for each pair that is configured. None while there is no certificate yet.
    places: Vec<Option<Pair>>,
    /// Challenge certificates, by name.
    challenges: HashMap<String, Arc<CertifiedKey>>,
    told: Option<Instant>,
}

impl Certificates {
    /// A store with this number of places, all of them empty.
    pub(crate) fn new(places: usize) -> Self {
        Self { now: RwLock::new(Now { places: vec![None; places], ..Now::default() }) }
    }

    /// Puts a pair into its place. Connections that are open keep the pair that they began with.
    pub(crate) fn install(&self, place: usize, pair: Pair) {
        if let Some(held) = self.write().places.get_mut(place) {
            *held = Some(pair);
        }
    }

    /// The pairs that are installed.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        self.read().places.iter().flatten().cloned().collect()
    }

    /// Gives `key` to authorities that check `name`, until the guard is dropped.
    pub(crate) fn challenge(self: &Arc<Self>, name: &str, key: CertifiedKey) -> Challenge {
        self.write().challenges.insert(name.to_owned(), Arc::new(key));
        Challenge { certificates: Arc::clone(self), name: name.to_owned() }
    }

    fn find(&self, name: Option<&str>, is_challenge: bool) -> Option<Arc<CertifiedKey>> {
        let now = self.read();
        if is_challenge {
            return now.challenges.get(name?).cloned();
        }
        let mut pairs = now.places.iter().flatten();
        let named = name.and_then(|name| pairs.clone().find(|pair| pair.names.iter().any(|held| fits(held, name))));
        named.or_else(|| pairs.next()).map(|pair| Arc::clone(&pair.key))
    }

    /// Logs that a client was refused, now and then.
    fn tell_refusal(&self, name: Option<&str>) {
        let now = Instant::now();
        let mut held = self.write();
        if held.told.is_none_or(|told| now.duration_since(told) >= TOLD_INTERVAL) {
            held.told = Some(now);
            drop(held);
            let name = name.unwrap_or("a client that names no host");
            warn!("TLS handshake refused: there is no certificate yet (for {name})");
        }
    }

    // A thread that panics while it holds the lock leaves whole values.
    fn read(&self) -> RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Now> {
        self.now.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the name of a certificate stands for the host `name`. `*` stands for one label (RFC 6125 section 6.4.3).
fn fits(held: &str, name: &str) -> bool {
    match held.strip_prefix("*.") {
        Some(parent) => name.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest == parent),
        None => held == name,
    }
}

impl ResolvesServerCert for Certificates {
    /// The certificate for the host that the client names, or else the first one.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let is_challenge = hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == ACME_TLS));
        let found = self.find(name.as_deref(), is_challenge);
        if found.is_none() && !is_challenge {
            self.tell_refusal(name.as_deref());
        }
        found
    }
}

/// A challenge certificate that is being given. Its drop takes it back.
#[derive(Debug)]
pub(crate) struct Challenge {
    certificates: Arc<Certificates>,
    name: String,
}

impl Drop for Challenge {
    fn drop(&mut self) {
        self.certificates.write().challenges.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::pair::tests::pem;

    fn pair(names: &[&str]) -> Pair {
        let (chain, key) = pem(names);
        Pair::parse(chain.as_bytes(), key.as_bytes(), "", "").unwrap()
    }

    #[test]
    fn the_name_decides_and_the_first_pair_is_for_all_others() {
        let certificates = Certificates::new(3);
        assert!(certificates.find(Some("a.example"), false).is_none());
        let (first, wild) = (pair(&["a.example"]), pair(&["*.b.example", "b.example"]));
        certificates.install(2, wild.clone());
        certificates.install(1, first.clone());
        let is = |name: Option<&str>, pair: &Pair| {
            let found = certificates.find(name, false).unwrap();
            assert!(Arc::ptr_eq(&found, &pair.key), "{name:?}");
        };
        is(None, &first);
        is(Some("a.example"), &first);
        is(Some("other.example"), &first);
        is(Some("b.example"), &wild);
        is(Some("x.b.example"), &wild);
        is(Some("x.y.b.example"), &first);
        is(Some(".b.example"), &first);
    }

    #[test]
    fn a_challenge_is_given_for_its_name_alone_and_until_it_is_taken_back() {
        let certificates = Arc::new(Certificates::new(1));
        certificates.install(0, pair(&["a.example"]));
        assert!(certificates.find(Some("a.example"), true).is_none());
        let key = CertifiedKey::clone(&pair(&["a.example"]).key);
        let challenge = certificates.challenge("a.example", key);
        assert!(certificates.find(Some("a.example"), true).is_some());
        assert!(certificates.find(Some("b.example"), true).is_none() && certificates.find(None, true).is_none());
        drop(challenge);
        assert!(certificates.find(Some("a.example"), true).is_none());
    }
}
