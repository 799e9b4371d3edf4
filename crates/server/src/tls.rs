//! The certificates of the TLS listener, from their sources to the handshakes.
//!
//! - `pair`: a chain with its key, from PEM.
//! - `certificates`: the pairs that handshakes get.
//! - `files`: pairs from files, which are watched.
//! - `acme`: pairs from a certificate authority.
//! - `self_signed`: a pair for development.
//! - `clients`, `authorities`: certificates of clients, and the roots in a PEM file.

mod acme;
mod authorities;
mod certificates;
mod clients;
mod files;
mod pair;
mod self_signed;

use std::{io, path::PathBuf, sync::Arc};

use tracing::info;

use self::{acme::Acme, certificates::Certificates, clients::Clients, files::Files};
pub(crate) use self::{acme::Plan, authorities::authorities, files::Reload};

/// The certificates that the settings ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Files of chains and of their keys.
    pub(crate) pairs: Vec<(PathBuf, PathBuf)>,
    pub(crate) acme: Option<Plan>,
    /// The host of a certificate for development.
    pub(crate) self_signed: Option<String>,
    /// The file with the authorities of clients.
    pub(crate) client_ca: Option<PathBuf>,
}

/// The certificates, read but not yet watched.
pub(crate) struct Tls {
    certificates: Arc<Certificates>,
    clients: Option<Arc<Clients>>,
    files: Files,
    acme: Option<Acme>,
}

impl Tls {
    /// Reads all files.
    ///
    /// # Errors
    /// A sentence with the file, and what to do.
    pub(crate) fn read(sources: Sources) -> Result<Self, String> {
        let Sources { pairs, acme, self_signed, client_ca } = sources;
        let before_acme = pairs.len();
        let places = before_acme + acme.as_ref().map_or(0, |plan| plan.domains.len());
        let certificates = Arc::new(Certificates::new(places.max(1)));
        let clients = match client_ca {
            Some(file) => {
                let clients = Clients::new(&file).map_err(|reason| format!("--tls-client-ca: {reason}"))?;
                Some((file, Arc::new(clients)))
            }
            None => None,
        };
        let files = Files::read(pairs, &certificates, clients.clone());
        let files = files.map_err(|reason| format!("--tls-cert, --tls-key: {reason}"))?;
        let acme = acme.map(|plan| Acme::new(plan, Arc::clone(&certificates), before_acme)).transpose();
        let acme = acme.map_err(|reason| format!("--acme-cache: {reason}"))?;
        if let Some(host) = self_signed {
            certificates.install(0, self_signed::pair(&host)?);
        }
        Ok(Self { certificates, clients: clients.map(|(_, clients)| clients), files, acme })
    }

    /// Logs the certificates, watches their files, and keeps those of an authority. Needs a runtime with I/O and time.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn keep(self) -> io::Result<Reload> {
        self.files.tell();
        if let Some(acme) = self.acme {
            tokio::spawn(acme.keep());
        }
        self.files.watch()
    }

    /// Logs the fingerprint of the certificate for development.
    pub(crate) fn tell_fingerprint(&self) {
        for pair in self.certificates.pairs() {
            info!("certificate for development: SHA-256 {}", self_signed::fingerprint(&pair));
        }
    }
}
