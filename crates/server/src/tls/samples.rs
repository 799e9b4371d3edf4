//! Certificates of the unit tests.

use rcgen::{CertificateParams, KeyPair};

/// A certificate for `names`, and its key, as PEM.
pub(super) fn pem(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}
