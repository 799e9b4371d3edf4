//! [`Certificates`]: chains and keys, by the name that a client asks for (SNI, RFC 6066 3).

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::time::sleep;
use tracing::warn;

use crate::tls::pair::{TlsCertificate, TlsError, TlsPair};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days before a certificate expires in which the log says so.
const EXPIRY_DAYS: u32 = 14;

/// The protocol of a handshake in which an authority checks a name (RFC 8737 section 4).
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";

/// What stands together.
#[derive(Clone, Debug, Default)]
struct Set {
    sources: Vec<TlsPair>,
    /// One place for each of the sources, and one for each that is awaited.
    places: Vec<Option<TlsCertificate>>,
    /// Certificates for authorities that check a name, by name.
    challenges: HashMap<String, Arc<CertifiedKey>>,
}

/// Chains and keys of a server. Clones share them, so that they can be replaced while the server runs. Connections that are open
/// keep what they have.
#[derive(Clone)]
pub struct Certificates {
    set: Arc<RwLock<Set>>,
}

impl Certificates {
    /// Reads `sources`, and leaves room behind them for as many as are `awaited`.
    pub(super) fn load(sources: Vec<TlsPair>, awaited: usize) -> Result<Self, TlsError> {
        Ok(Self { set: Arc::new(RwLock::new(Set::load(sources, awaited)?)) })
    }

    /// Reads all files again. Handshakes from now on have what is in them.
    ///
    /// # Errors
    /// Something is wrong with one of them. All certificates stay as they are then.
    pub fn reload(&self) -> Result<(), TlsError> {
        let sources = self.set.read().sources.clone();
        let read = sources.iter().map(TlsPair::read).collect::<Result<Vec<_>, _>>()?;
        let mut set = self.set.write();
        for (place, certificate) in set.places.iter_mut().zip(read) {
            *place = Some(certificate);
        }
        Ok(())
    }

    /// Puts one certificate into its place, counted from 0: those of [`TlsConfig::pairs`](crate::TlsConfig::pairs) in their order, and
    /// behind them [`TlsConfig::awaited`](crate::TlsConfig::awaited). Another place has no effect.
    pub fn install(&self, place: usize, certificate: TlsCertificate) {
        if let Some(held) = self.set.write().places.get_mut(place) {
            *held = Some(certificate);
        }
    }

    /// The certificates that are there, in the order of their places.
    pub fn all(&self) -> Vec<TlsCertificate> {
        self.set.read().places.iter().flatten().cloned().collect()
    }

    /// Gives an authority that checks `name` this certificate (RFC 8737), until the guard is dropped. `key` is PKCS#8 or SEC 1.
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn challenge(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<TlsChallenge, TlsError> {
        let key =
            ring::sign::any_supported_type(key).map_err(|error| TlsError::new("the key of a challenge", error))?;
        // Not checked as a client would: it would not know the extension.
        let key = CertifiedKey::new(vec![certificate], key);
        self.set.write().challenges.insert(name.to_owned(), Arc::new(key));
        Ok(TlsChallenge { certificates: self.clone(), name: name.to_owned() })
    }

    /// The names of all certificates, the first pair's first.
    pub fn names(&self) -> Vec<String> {
        self.all().iter().flat_map(|certificate| certificate.names.clone()).collect()
    }

    /// The moment in which the first of the certificates expires, and where that one comes from.
    pub fn expires_at(&self) -> Option<(SystemTime, String)> {
        let first = self.all().into_iter().min_by_key(TlsCertificate::not_after)?;
        Some((first.not_after(), first.place))
    }

    /// Sentences about certificates that have expired at `now`, are not yet valid, or expire within 14 days and within the last third
    /// of their time. All are served all the same: clients say what is wrong, and a server that does not start says less.
    pub fn warnings(&self, now: SystemTime) -> Vec<String> {
        let of = |certificate: &TlsCertificate| {
            let what = fault(certificate.not_before(), certificate.not_after(), now)?;
            // Not every place has a name.
            Some(format!("{}: the certificate for {} {what}", certificate.place, certificate.names.join(", ")))
        };
        self.all().iter().filter_map(of).collect()
    }

    /// Logs the warnings, now and every day.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            for warning in self.warnings(SystemTime::now()) {
                warn!("{warning}");
            }
            sleep(DAY).await;
        }
    }

    /// Whether an authority is to check a name.
    pub(super) fn is_checked(&self) -> bool {
        !self.set.read().challenges.is_empty()
    }

    fn for_name(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let set = self.set.read();
        let mut all = set.places.iter().flatten();
        let found = name.and_then(|name| {
            let has = |wanted: &str| set.places.iter().flatten().find(|certificate| certificate.has(wanted));
            // `*` stands for one label (RFC 6125 section 6.4.3).
            let wildcard = || name.split_once('.').and_then(|(_, parent)| has(&format!("*.{parent}")));
            has(name).or_else(wildcard)
        });
        found.or_else(|| all.next()).map(|certificate| Arc::clone(&certificate.key))
    }
}

/// What is wrong with the time of a certificate.
fn fault(not_before: SystemTime, not_after: SystemTime, now: SystemTime) -> Option<String> {
    let Ok(left) = not_after.duration_since(now) else { return Some("has expired".to_owned()) };
    if now < not_before {
        return Some("is not valid yet".to_owned());
    }
    let span = not_after.duration_since(not_before).unwrap_or_default();
    let days = left.as_secs() / DAY.as_secs();
    // The second: whoever has certificates of a few days renews them in time by a program.
    (left < DAY * EXPIRY_DAYS && left < span / 3).then(|| format!("expires in {days} days"))
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let offers_check = hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == ACME_TLS));
        if offers_check && self.is_checked() {
            return self.set.read().challenges.get(name.as_deref()?).cloned();
        }
        self.for_name(name.as_deref())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificates").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl Set {
    fn load(sources: Vec<TlsPair>, awaited: usize) -> Result<Self, TlsError> {
        let read = sources.iter().map(|source| source.read().map(Some)).collect::<Result<Vec<_>, _>>()?;
        let places: Vec<_> = read.into_iter().chain((0..awaited).map(|_| None)).collect();
        if places.is_empty() {
            return Err(TlsError::new("TLS", "there is no certificate"));
        }
        Ok(Self { sources, places, challenges: HashMap::new() })
    }
}

/// A certificate that an authority gets when it checks a name. Its drop takes it back.
#[derive(Debug)]
pub struct TlsChallenge {
    certificates: Certificates,
    name: String,
}

impl Drop for TlsChallenge {
    fn drop(&mut self) {
        self.certificates.set.write().challenges.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_end_is_told_fourteen_days_before_or_in_the_last_third() {
        let at = |days: u32, span: u32| {
            fault(UNIX_EPOCH + DAY, UNIX_EPOCH + DAY * (span + 1), UNIX_EPOCH + DAY * (days + 1))
        };
        assert_eq!(at(76, 90), None);
        assert_eq!(at(77, 90).as_deref(), Some("expires in 13 days"));
        assert_eq!(at(90, 90).as_deref(), Some("expires in 0 days"));
        assert_eq!(at(91, 90).as_deref(), Some("has expired"));
        assert_eq!((at(4, 6), at(5, 6).as_deref()), (None, Some("expires in 1 days")));
        assert_eq!(fault(UNIX_EPOCH + DAY, UNIX_EPOCH + DAY * 2, UNIX_EPOCH).as_deref(), Some("is not valid yet"));
    }
}
