//! [`Clients`]: checks certificates of clients (`--tls-client-ca`). The authorities can be exchanged while handshakes go on.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::ring,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::authorities::authorities;

/// Refuses clients without a certificate of these authorities.
#[derive(Debug)]
pub(crate) struct Clients {
    /// The names of the authorities at the start. Clients choose a certificate by them.
    hints: Vec<DistinguishedName>,
    verifier: RwLock<Arc<dyn ClientCertVerifier>>,
}

impl Clients {
    /// # Errors
    /// A sentence with the file.
    pub(crate) fn new(file: &Path) -> Result<Self, String> {
        let (verifier, _) = verifier(file)?;
        Ok(Self { hints: verifier.root_hint_subjects().to_vec(), verifier: RwLock::new(verifier) })
    }

    /// Reads the file again. Returns the number of authorities.
    ///
    /// # Errors
    /// A sentence with the file. The authorities stay as they were.
    pub(crate) fn read(&self, file: &Path) -> Result<usize, String> {
        let (verifier, count) = verifier(file)?;
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier;
        Ok(count)
    }

    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn verifier(file: &Path) -> Result<(Arc<dyn ClientCertVerifier>, usize), String> {
    let roots = authorities(file)?;
    let count = roots.len();
    let made = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider())).build();
    Ok((made.map_err(|error| format!("the authorities in {} cannot be used: {error}", file.display()))?, count))
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
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
