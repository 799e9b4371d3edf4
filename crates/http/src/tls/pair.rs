//! [`TlsPair`]: a certificate and its key, as PEM. [`TlsCertificate`]: the same, read and checked.

use std::{
    borrow::Cow,
    fmt,
    fs::{self, File},
    io::{self, Read as _},
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
    sign::CertifiedKey,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer as _, prelude::X509Certificate};

/// Bytes of a file of certificates or keys at most, far more than a chain or a key needs.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Marks of keys that need a password (RFC 7468 section 11, RFC 1421 section 4.6.1.1).
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

/// PEM (RFC 7468), in a file or at hand. The hash is another one when the bytes are, or the path.
#[derive(Clone, Hash)]
pub enum Pem {
    /// The path of a file, which is read again when certificates are reloaded. It is a regular file of at most 1 MiB.
    File(PathBuf),
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// The bytes of a file that was read already. Errors and warnings name the file, and nothing reads it again.
    FileBytes {
        /// The path of the file, for people.
        path: PathBuf,
        /// What stood in it.
        bytes: Vec<u8>,
    },
}

impl Pem {
    /// Reads a file now and never again, so that what was looked at is what is used.
    ///
    /// # Errors
    /// It cannot be read, is no regular file, or has more than 1 MiB.
    pub fn load(path: &Path) -> Result<Self, TlsError> {
        let bytes = bytes_of(path).map_err(|error| TlsError::new(path.display(), error))?;
        Ok(Self::FileBytes { path: path.to_owned(), bytes })
    }

    fn read(&self) -> Result<Cow<'_, [u8]>, TlsError> {
        match self {
            Self::File(path) => bytes_of(path).map(Cow::Owned).map_err(|error| TlsError::new(self, error)),
            Self::Bytes(bytes) | Self::FileBytes { bytes, .. } => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// The certificates in it. At least one.
    ///
    /// # Errors
    /// It cannot be read, or holds none, or a part of it is damaged.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.read()?).collect();
        let found = found.map_err(|error| TlsError::new(self, damage(&error)))?;
        if found.is_empty() {
            return Err(TlsError::new(self, "there is no certificate in it; as PEM one begins with BEGIN CERTIFICATE"));
        }
        Ok(found)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let bytes = self.read()?;
        if ENCRYPTED.iter().any(|mark| memchr::memmem::find(&bytes, mark).is_some()) {
            return Err(TlsError::new(
                self,
                "the key is encrypted, and a server has no password; openssl pkey decrypts it",
            ));
        }
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            PemError::NoItemsFound => {
                TlsError::new(self, "there is no private key in it; as PEM one begins with BEGIN PRIVATE KEY")
            }
            error => TlsError::new(self, damage(&error)),
        })
    }
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    // The system itself refuses to read a directory. Whoever opens a pipe waits for its writer.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("it is a pipe, a socket or a device; give a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1MiB, far more than a certificate or a key needs"));
    }
    Ok(bytes)
}

/// The damage, without the bytes of the file, which may be a key.
fn damage(error: &PemError) -> &'static str {
    match error {
        PemError::MissingSectionEnd { .. } => "it is no whole PEM: its end is missing",
        PemError::IllegalSectionStart { .. } => "it is no whole PEM: a line with BEGIN is damaged",
        PemError::Base64Decode(_) => "it is no whole PEM: its base64 is damaged",
        _ => "it is no whole PEM",
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::FileBytes { path, .. } => path.display().fmt(formatter),
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

/// A certificate and its key.
#[derive(Clone, Debug, Hash)]
pub struct TlsPair {
    /// The certificate of the server, and behind it those that lead to an authority.
    pub certificate: Pem,
    /// The key of the first certificate, in PKCS#8, SEC 1 or PKCS#1.
    pub key: Pem,
}

impl TlsPair {
    /// Reads and checks it.
    ///
    /// # Errors
    /// A part cannot be read, or is not what it should be, or the key belongs to another certificate.
    pub fn read(&self) -> Result<TlsCertificate, TlsError> {
        let chain = self.certificate.certificates()?;
        let of_certificate = || TlsError::new(&self.certificate, "its first certificate is damaged");
        let first = chain.first().ok_or_else(of_certificate)?;
        let (_, certificate) = X509Certificate::from_der(first).map_err(|_| of_certificate())?;
        let names = names(&certificate);
        let (not_before, not_after) = (certificate.validity().not_before, certificate.validity().not_after);
        let (not_before, not_after) = (at(not_before.timestamp()), at(not_after.timestamp()));
        let key = CertifiedKey::from_der(chain, self.key.key()?, &ring::default_provider());
        let key = key.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let why = format!("the key does not belong to the certificate in {}", self.certificate);
                TlsError::new(&self.key, why)
            }
            other => TlsError::new(&self.key, other),
        })?;
        Ok(TlsCertificate { place: self.certificate.to_string(), key: Arc::new(key), names, not_before, not_after })
    }
}

/// A certificate that was read with its key. Clones share them.
#[derive(Clone, Debug)]
pub struct TlsCertificate {
    pub(super) place: String,
    pub(super) key: Arc<CertifiedKey>,
    pub(super) names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl TlsCertificate {
    /// Where it comes from, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Its host names and IP addresses, in lower case, a wildcard with its `*.`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The moment from which it is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The moment of its end.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Its DER (X.690).
    pub fn der(&self) -> &[u8] {
        self.key.cert.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// Whether the host `name` is one of its names. `*` stands for one label (RFC 6125 section 6.4.3).
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|held| held == name)
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
    let alternative = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let names: Vec<_> = alternative.filter_map(name).collect();
    if !names.is_empty() {
        return names;
    }
    certificate.subject().iter_common_name().filter_map(|name| Some(name.as_str().ok()?.to_ascii_lowercase())).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(|octets| Ipv4Addr::from(octets).to_string())
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|octets| Ipv6Addr::from(octets).to_string()))
            .ok(),
        _ => None,
    }
}
