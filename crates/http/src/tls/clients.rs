//! [`Clients`]: checks certificates of clients. Their authorities can be replaced while handshakes go on.

use std::sync::Arc;

use parking_lot::RwLock;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::ring,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use crate::tls::pair::{Pem, TlsError};

/// Refuses clients without a certificate of these authorities.
#[derive(Debug)]
pub(crate) struct Clients {
    verifier: RwLock<Arc<dyn ClientCertVerifier>>,
}

impl Clients {
    pub(super) fn load(pem: &Pem) -> Result<Self, TlsError> {
        Ok(Self { verifier: RwLock::new(verifier(pem)?) })
    }

    /// Replaces the old authorities by these. The old ones stay if something is wrong.
    pub(super) fn replace(&self, pem: &Pem) -> Result<(), TlsError> {
        let verifier = verifier(pem)?;
        *self.verifier.write() = verifier;
        Ok(())
    }

    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier.read())
    }
}

fn verifier(pem: &Pem) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem.certificates()? {
        roots.add(certificate).map_err(|error| TlsError::new(pem, error))?;
    }
    let made = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider())).build();
    made.map_err(|error| TlsError::new(pem, error))
}

impl ClientCertVerifier for Clients {
    /// None, so each client chooses among all its certificates (RFC 8446 section 4.2.4). The names cannot be lent from behind the lock,
    /// and names of the start would keep browsers and Go from showing a certificate of an authority that came later.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verifier().verify_client_cert(certificate, between, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier().supported_verify_schemes()
    }
}
