//! Certificates of the unit tests.

use std::time::SystemTime;

use rcgen::{CertificateParams, KeyPair};

/// A certificate for `names`, and its key, as PEM.
pub(super) fn pem(names: &[&str]) -> (String, String) {
    signed(&params(names))
}

/// The same, valid from one moment until another.
pub(super) fn pem_between(names: &[&str], from: SystemTime, to: SystemTime) -> (String, String) {
    let mut params = params(names);
    (params.not_before, params.not_after) = (from.into(), to.into());
    signed(&params)
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).unwrap()
}

fn signed(params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
