//! [`Pair`]: a certificate chain with its private key, read from PEM text and checked.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use humantime::format_rfc3339_seconds;
use rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
    sign::CertifiedKey,
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _, time::ASN1Time};

/// Labels of keys that need a password (RFC 7468 section 11; RFC 1421 section 4.6.1.1).
const ENCRYPTED: [&str; 2] = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

/// A certificate chain with its key, and the properties of the first certificate.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) key: Arc<CertifiedKey>,
    /// DNS names and IP addresses, in lower case.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

impl Pair {
    /// Reads the files of a chain and of its key, which may be one file.
    ///
    /// # Errors
    /// A sentence with the file, the reason, and what to do.
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Self, String> {
        let text = |path: &Path| fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        Self::parse(&text(chain)?, &text(key)?, &chain.display().to_string(), &key.display().to_string())
    }

    /// Parses the PEM text of a chain and of its key. The names of the two files are for errors.
    ///
    /// # Errors
    /// As of [`Pair::read`].
    pub(crate) fn parse(chain: &[u8], key: &[u8], chain_file: &str, key_file: &str) -> Result<Self, String> {
        let certificates = certificates(chain, chain_file)?;
        let key = private_key(key, key_file)?;
        let (names, not_before, not_after) = properties(certificates.first(), chain_file)?;
        let pair = CertifiedKey::from_der(certificates, key, &ring::default_provider());
        let pair = pair.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
                "the key in {key_file} belongs to another certificate than the first one in {chain_file}; give the two \
                 files that were made together"
            ),
            error => {
                format!("the key in {key_file} cannot be used: {error}; use ECDSA (P-256 or P-384), Ed25519 or RSA")
            }
        })?;
        Ok(Self { key: Arc::new(pair), names, not_before, not_after })
    }

    /// Whether the certificate's time is over.
    pub(crate) fn is_expired(&self, now: SystemTime) -> bool {
        self.not_after <= now
    }

    /// The names and the expiry, for the log.
    pub(crate) fn told(&self) -> String {
        let names = if self.names.is_empty() { "no name".to_owned() } else { self.names.join(", ") };
        format!("{names} (expires {})", format_rfc3339_seconds(self.not_after))
    }
}

/// All certificates in the PEM text `text`. At least one.
///
/// # Errors
/// A sentence with the file.
pub(crate) fn certificates(text: &[u8], file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|error| format!("{file} is no whole PEM file: {}", told(&error)))?;
    if found.is_empty() {
        return Err(format!(
            "{file} holds no certificate; write it as PEM, which begins with -----BEGIN CERTIFICATE-----"
        ));
    }
    Ok(found)
}

fn private_key(text: &[u8], file: &str) -> Result<PrivateKeyDer<'static>, String> {
    let as_text = String::from_utf8_lossy(text);
    if ENCRYPTED.iter().any(|label| as_text.contains(label)) {
        return Err(format!(
            "the key in {file} is encrypted; a server starts without a password: decrypt it with openssl pkey -in {file} \
             -out FILE"
        ));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        PemError::NoItemsFound => {
            format!("{file} holds no private key; write it as PEM, which begins with -----BEGIN PRIVATE KEY-----")
        }
        error => format!("{file} is no whole PEM file: {}", told(&error)),
    })
}

/// The reason without the bytes of the file, which may be a key.
fn told(error: &PemError) -> &'static str {
    match error {
        PemError::MissingSectionEnd { .. } => "its end is missing",
        PemError::IllegalSectionStart { .. } => "a line with BEGIN is damaged",
        PemError::Base64Decode(_) => "its base64 is damaged",
        _ => "it cannot be decoded",
    }
}

/// The names of a certificate, and the times at which it begins and ends.
fn properties(
    certificate: Option<&CertificateDer<'_>>,
    file: &str,
) -> Result<(Vec<String>, SystemTime, SystemTime), String> {
    let der = certificate.map(AsRef::as_ref).unwrap_or_default();
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|_| format!("the first certificate in {file} is damaged"))?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(name).collect();
    Ok((names, time(parsed.validity().not_before), time(parsed.validity().not_after)))
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

/// A time before 1970 counts as 1970.
fn time(time: ASN1Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A certificate for `names`, and its key, as PEM.
    pub(crate) fn pem(names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn parse(chain: &str, key: &str) -> Result<Pair, String> {
        Pair::parse(chain.as_bytes(), key.as_bytes(), "chain.pem", "key.pem")
    }

    #[test]
    fn a_pair_has_the_names_and_the_times_of_its_certificate() {
        let (chain, key) = pem(&["Example.org", "127.0.0.1", "::1"]);
        let pair = parse(&chain, &key).unwrap();
        assert_eq!(pair.names, ["example.org", "127.0.0.1", "::1"]);
        assert!(pair.not_before < pair.not_after);
        assert!(!pair.is_expired(pair.not_before) && pair.is_expired(pair.not_after));
    }

    #[test]
    fn each_fault_of_a_file_has_its_own_sentence() {
        let ((chain, key), (_, other)) = (pem(&["a.example"]), pem(&["a.example"]));
        let half = |text: &str| text[..text.len() / 2].to_owned();
        let encrypted = key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
        let damaged = chain.replacen("\nMII", "\nM", 1);
        for (chain, key, said) in [
            (chain.as_str(), other.as_str(), "the key in key.pem belongs to another certificate"),
            (&half(&chain), &key, "chain.pem is no whole PEM file: its end is missing"),
            (&chain, &half(&key), "key.pem is no whole PEM file: its end is missing"),
            ("", &key, "chain.pem holds no certificate"),
            (&chain, "", "key.pem holds no private key"),
            (&chain, &chain, "key.pem holds no private key"),
            (&key, &key, "chain.pem holds no certificate"),
            (&chain, &encrypted, "the key in key.pem is encrypted"),
            (&damaged, &key, "chain.pem"),
        ] {
            let error = parse(chain, key).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
