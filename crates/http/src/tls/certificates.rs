//! [`Certificates`]: chains and keys, by the name that a client asks for (SNI, RFC 6066 3).

use std::{
    borrow::Cow,
    convert::Infallible,
    fmt, fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::RwLock;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::time::sleep;
use tracing::warn;
use x509_parser::{extensions::GeneralName, prelude::FromDer as _, prelude::X509Certificate};

/// Bytes of a file of certificates or keys at most.
const PEM_BYTES_MAX: u64 = 1 << 20;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days before a certificate expires in which the log says so.
const EXPIRY_DAYS: u64 = 14;

/// PEM (RFC 7468), in a file or at hand.
#[derive(Clone)]
pub enum Pem {
    /// The path of a file, which is read again when certificates are reloaded.
    File(PathBuf),
    /// The bytes themselves.
    Bytes(Vec<u8>),
}

impl Pem {
    pub(super) fn read(&self) -> Result<Cow<'_, [u8]>, TlsError> {
        let path = match self {
            Self::File(path) => path,
            Self::Bytes(bytes) => return Ok(Cow::Borrowed(bytes)),
        };
        let size = fs::metadata(path).map_err(|error| TlsError::new(self, error))?.len();
        if size > PEM_BYTES_MAX {
            return Err(TlsError::new(self, format!("it has {size} bytes, and {PEM_BYTES_MAX} are allowed")));
        }
        fs::read(path).map(Cow::Owned).map_err(|error| TlsError::new(self, error))
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Bytes(_) => formatter.write_str("the given PEM"),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be a key.
        fmt::Display::fmt(self, formatter)
    }
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsPair {
    /// The certificate of the server, and behind it those that lead to an authority.
    pub certificate: Pem,
    /// The key of the first certificate, in PKCS#8, SEC 1 or PKCS#1.
    pub key: Pem,
}

/// What is wrong with a file, or with what stands in it.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct TlsError {
    place: String,
    why: String,
}

impl TlsError {
    pub(super) fn new(place: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self { place: place.to_string(), why: why.to_string() }
    }
}

/// A pair that was read.
#[derive(Debug)]
struct Loaded {
    /// Where the certificate comes from, for people.
    place: String,
    key: Arc<CertifiedKey>,
    /// In lower case, a wildcard with its `*.`.
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// Pairs that stand together.
#[derive(Debug)]
struct Set {
    sources: Vec<TlsPair>,
    pairs: Vec<Loaded>,
}

/// Chains and keys of a server. Clones share them, so that they can be replaced while the server runs. Connections that are open
/// keep what they have.
#[derive(Clone)]
pub struct Certificates {
    provider: Arc<CryptoProvider>,
    set: Arc<RwLock<Arc<Set>>>,
}

impl Certificates {
    pub(super) fn load(sources: Vec<TlsPair>, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let set = Set::load(sources, &provider)?;
        Ok(Self { provider, set: Arc::new(RwLock::new(Arc::new(set))) })
    }

    /// Reads all files again. Handshakes from now on have what is in them.
    ///
    /// # Errors
    /// Something is wrong with one of them. All certificates stay as they are then.
    pub fn reload(&self) -> Result<(), TlsError> {
        let sources = self.set.read().sources.clone();
        self.replace(sources)
    }

    /// Puts other pairs in the place of these.
    ///
    /// # Errors
    /// Something is wrong with one of them. All certificates stay as they are then.
    pub fn replace(&self, pairs: Vec<TlsPair>) -> Result<(), TlsError> {
        let set = Arc::new(Set::load(pairs, &self.provider)?);
        *self.set.write() = set;
        Ok(())
    }

    /// The names of all certificates, the first pair's first.
    pub fn names(&self) -> Vec<String> {
        self.set.read().pairs.iter().flat_map(|pair| pair.names.clone()).collect()
    }

    /// The moment in which the first of the certificates expires, and where that one comes from.
    pub fn expires_at(&self) -> Option<(SystemTime, String)> {
        let set = self.set.read();
        let first = set.pairs.iter().min_by_key(|pair| pair.not_after)?;
        Some((first.not_after, first.place.clone()))
    }

    /// Sentences about certificates that have expired at `now`, are not yet valid, or expire within 14 days. All are served all the
    /// same: clients say what is wrong, and a server that does not start says less.
    pub fn warnings(&self, now: SystemTime) -> Vec<String> {
        let set = self.set.read();
        let of_pair = |pair: &Loaded| {
            let left = pair.not_after.duration_since(now).map(|left| left.as_secs() / DAY.as_secs());
            let is_early = now < pair.not_before;
            let what = match left {
                Err(_) => "has expired".to_owned(),
                Ok(_) if is_early => "is not valid yet".to_owned(),
                Ok(days) if days < EXPIRY_DAYS => format!("expires in {days} days"),
                Ok(_) => return None,
            };
            Some(format!("{}: the certificate {what}", pair.place))
        };
        set.pairs.iter().filter_map(of_pair).collect()
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

    fn for_name(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let set = Arc::clone(&self.set.read());
        let found = name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let has = |wanted: &str| set.pairs.iter().find(|pair| pair.names.iter().any(|name| name == wanted));
            let wildcard = || name.split_once('.').and_then(|(_, parent)| has(&format!("*.{parent}")));
            has(&name).or_else(wildcard)
        });
        found.or(set.pairs.first()).map(|pair| Arc::clone(&pair.key))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.for_name(hello.server_name())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificates").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl Set {
    fn load(sources: Vec<TlsPair>, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let pairs = sources.iter().map(|source| Loaded::new(source, provider)).collect::<Result<Vec<_>, _>>()?;
        if pairs.is_empty() {
            return Err(TlsError::new("TLS", "there is no certificate"));
        }
        Ok(Self { sources, pairs })
    }
}

impl Loaded {
    fn new(source: &TlsPair, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let of_certificate = |why: &dyn fmt::Display| TlsError::new(&source.certificate, why);
        let bytes = source.certificate.read()?;
        let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| of_certificate(&error))?;
        let Some(first) = chain.first() else { return Err(of_certificate(&"there is no certificate in it")) };
        let (_, certificate) = X509Certificate::from_der(first).map_err(|error| of_certificate(&error))?;
        let names = names(&certificate);
        let validity = certificate.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());

        let of_key = |error: &dyn fmt::Display| TlsError::new(&source.key, error);
        let key = PrivateKeyDer::from_pem_slice(&source.key.read()?).map_err(|error| of_key(&error))?;
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                of_key(&format!("the key does not belong to the certificate in {}", source.certificate))
            }
            other => of_key(&other),
        })?;
        Ok(Self {
            place: source.certificate.to_string(),
            key: Arc::new(key),
            names,
            not_before: at(not_before),
            not_after: at(not_after),
        })
    }
}

/// A moment in seconds since 1970, which is the earliest.
fn at(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    // A moment that no clock can tell is as good as one in a hundred years.
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH + Duration::from_secs(1 << 33))
}

/// The names of a certificate. The common name counts only if there are no others, as it did before RFC 6125.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<_> = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    if !names.is_empty() {
        return names;
    }
    certificate.subject().iter_common_name().filter_map(|name| Some(name.as_str().ok()?.to_ascii_lowercase())).collect()
}
