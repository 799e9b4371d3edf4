//! [`pair`]: a certificate for development, signed by itself and kept in memory alone.

use std::time::{Duration, SystemTime};

use fanfare_http::{Pem, TlsCertificate, TlsPair};
use rcgen::{CertificateParams, DnType, KeyPair};
use ring::digest::{SHA256, digest};

const DAY: Duration = Duration::from_secs(86_400);
/// Some browsers refuse a certificate that is valid for longer than 825 days.
const DAYS: u32 = 365;

/// Makes a certificate for this machine and for `host`.
///
/// # Errors
/// A sentence, if `host` cannot stand in a certificate.
pub(super) fn pair(host: &str) -> Result<TlsPair, String> {
    let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let failed = |error: rcgen::Error| format!("--tls-self-signed: no certificate for {host}: {error}");
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "fanfare --tls-self-signed");
    let now = SystemTime::now();
    // From yesterday, because clocks differ.
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * DAYS).into();
    let certificate = params.self_signed(&key).map_err(failed)?;
    let bytes = |pem: String| Pem::Bytes(pem.into_bytes());
    Ok(TlsPair { certificate: bytes(certificate.pem()), key: bytes(key.serialize_pem()) })
}

/// The SHA-256 fingerprint of the certificate, as browsers and openssl show it.
pub(super) fn fingerprint(certificate: &TlsCertificate) -> String {
    let bytes = digest(&SHA256, certificate.der());
    bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_this_machine_and_the_host() {
        let read = |host| pair(host).unwrap().read().unwrap();
        assert_eq!(read("127.0.0.1").names(), ["localhost", "127.0.0.1", "::1"]);
        let of_host = read("desk.example");
        assert_eq!(of_host.names(), ["localhost", "127.0.0.1", "::1", "desk.example"]);
        let now = SystemTime::now();
        assert!(of_host.not_before() < now);
        assert!((now + DAY * 364..now + DAY * 366).contains(&of_host.not_after()));
        assert_eq!(fingerprint(&of_host).len(), 32 * 3 - 1);
    }
}
