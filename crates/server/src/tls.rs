//! The certificates of the TLS listener, from their sources to the listener.
//!
//! - `files`: certificates from files, which are watched. `content`: what stands in them.
//! - `acme`: certificates from an authority.
//! - `self_signed`: a certificate for development.
//! - `told`: a certificate in the words of the log.

mod acme;
mod content;
mod files;
#[cfg(test)]
mod samples;
mod self_signed;
mod told;

use std::{io, mem};

use fanfare_http::{TlsAcceptor, TlsCertificate, TlsConfig, TlsError};
use tracing::info;

use self::{acme::Acme, content::Content, files::Files, told::told};
use crate::{client, settings::Sources, watch::Look};

/// The certificates, read but not yet watched.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    files: Vec<Box<dyn Look>>,
    acme: Option<Acme>,
    self_signed: Option<TlsCertificate>,
}

impl Tls {
    /// Checks the files, and writes nothing.
    ///
    /// # Errors
    /// As of [`Tls::read`].
    pub(crate) fn check(sources: Sources) -> Result<(), String> {
        Self::made(sources, false).map(drop)
    }

    /// Reads all files.
    ///
    /// # Errors
    /// A sentence with the file, and what to do.
    pub(crate) fn read(sources: Sources) -> Result<Self, String> {
        Self::made(sources, true)
    }

    fn made(sources: Sources, has_cache: bool) -> Result<Self, String> {
        let Sources { pairs, acme, self_signed, client_ca, outlet, handshake_timeout } = sources;
        let from_files = pairs.len();
        let (files, contents) = Files::read(pairs, client_ca)?;
        let awaited = acme.as_ref().map_or(0, |plan| plan.domains.len());
        let mut config = TlsConfig { awaited, outlet, handshake_timeout, ..TlsConfig::default() };
        for content in &contents {
            match content {
                Content::Pair { pair, .. } => config.pairs.push(pair.clone()),
                Content::Clients(pem) => {
                    // Checked here, because the error below names other settings.
                    pem.certificates().map_err(|error| format!("--tls-client-ca: {error}"))?;
                    config.client_ca = Some(pem.clone());
                }
            }
        }
        if let Some(root) = acme.as_ref().and_then(|plan| plan.root.as_ref()) {
            client::authorities(root).map_err(|error| format!("--acme-ca: {error}"))?;
        }
        config.pairs.extend(self_signed.map(|host| self_signed::pair(&host)).transpose()?);
        let is_self_signed = config.pairs.len() > from_files;
        let acceptor = TlsAcceptor::new(config).map_err(|error: TlsError| format!("--tls-cert, --tls-key: {error}"))?;
        let certificates = acceptor.certificates();
        let self_signed = certificates.all().pop().filter(|_| is_self_signed);
        let acme = acme.filter(|_| has_cache).map(|plan| Acme::new(plan, certificates.clone(), from_files)).transpose();
        let acme = acme.map_err(|reason| format!("--acme-cache: {reason}"))?;
        Ok(Self { files: files.watched(&contents, &acceptor), acceptor, acme, self_signed })
    }

    /// Logs the certificates. Returns their files, if there are any, to be watched from now on.
    pub(crate) fn watched(&mut self) -> Vec<Box<dyn Look>> {
        match &self.self_signed {
            Some(certificate) => {
                let fingerprint = self_signed::fingerprint(certificate);
                info!("certificate for development: {}, SHA-256 {fingerprint}", told(certificate));
            }
            None => {
                for certificate in self.acceptor.certificates().all() {
                    info!("certificate {}: {}", certificate.place(), told(&certificate));
                }
            }
        }
        mem::take(&mut self.files)
    }

    /// The acceptor of the listener.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Gets and renews the certificates of an authority, which asks the listener meanwhile, on a thread of its own.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn keep(self) -> io::Result<()> {
        self.acme.map_or(Ok(()), Acme::keep)
    }
}
