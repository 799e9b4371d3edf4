//! [`pair`]: a certificate for development, signed by itself and kept in memory alone.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use ring::digest::{SHA256, digest};

use crate::tls::pair::Pair;

const DAY: Duration = Duration::from_secs(86_400);
/// Some browsers refuse a certificate that is valid for longer than 825 days.
const DAYS: u32 = 365;

/// Makes a certificate for this machine and for `host`.
///
/// # Errors
/// A sentence, if `host` cannot stand in a certificate.
pub(super) fn pair(host: &str) -> Result<Pair, String> {
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
    let (chain, key) = (certificate.pem(), key.serialize_pem());
    Pair::parse(chain.as_bytes(), key.as_bytes(), "the new certificate", "the new key")
}

/// The SHA-256 fingerprint of the certificate, as browsers and openssl show it.
pub(super) fn fingerprint(pair: &Pair) -> String {
    let der = pair.key.cert.first().map(AsRef::as_ref).unwrap_or_default();
    let bytes = digest(&SHA256, der);
    bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_this_machine_and_the_host() {
        assert_eq!(pair("127.0.0.1").unwrap().names, ["localhost", "127.0.0.1", "::1"]);
        let of_host = pair("desk.example").unwrap();
        assert_eq!(of_host.names, ["localhost", "127.0.0.1", "::1", "desk.example"]);
        let now = SystemTime::now();
        assert!(of_host.not_before < now && !of_host.is_expired(now + DAY * 364) && of_host.is_expired(now + DAY * 366));
        assert_eq!(fingerprint(&of_host).len(), 32 * 3 - 1);
    }
}
