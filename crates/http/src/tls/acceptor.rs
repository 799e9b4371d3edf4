//! [`TlsConfig`]: the settings of TLS. [`TlsAcceptor`]: what they become when their files are read.

use std::{fmt, sync::Arc, time::Duration};

use rustls::{ServerConfig, crypto::ring, server::NoServerSessionStorage};

use crate::tls::{
    certificates::{ACME_TLS, Certificates},
    clients::Clients,
    pair::{Pem, TlsError, TlsPair},
};

/// Records that are left for a key when the next one takes its place.
const REKEY_AT: u64 = 1 << 10;

/// What seals the records of TLS 1.3. Connections of TLS 1.2 stay with rustls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsOutlet {
    /// The crate `fanfare-records`, once rustls has done the handshake. The default, and cheaper: a connection takes 6 KiB less.
    #[default]
    Records,
    /// rustls, from the first byte to the last.
    Rustls,
}

/// Settings of a listener that speaks TLS 1.2 and 1.3 (RFC 8446), with HTTP/2 or HTTP/1.1 by ALPN (RFC 7301).
///
/// ```no_run
/// use fanfare_http::{Pem, TlsAcceptor, TlsConfig, TlsPair};
///
/// # fn main() -> Result<(), fanfare_http::TlsError> {
/// let pair = TlsPair { certificate: Pem::File("cert.pem".into()), key: Pem::File("key.pem".into()) };
/// let acceptor = TlsAcceptor::new(TlsConfig { pairs: vec![pair], ..TlsConfig::default() })?;
/// // Later, when the files have changed. If something is wrong with them, the old ones stay.
/// acceptor.certificates().reload()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Chains and their keys. A client gets the first pair whose certificate has the name that it asks for. The first of all is for
    /// clients who ask for none, or for another.
    pub pairs: Vec<TlsPair>,
    /// Certificates that come later, with [`Certificates::install`]. While there is none at all, handshakes are refused. Default 0.
    pub awaited: usize,
    /// Authorities of clients. If there are any, each client must show a certificate of one of them. Default none.
    pub client_ca: Option<Pem>,
    /// What seals the records of TLS 1.3.
    pub outlet: TlsOutlet,
    /// Time for a handshake. Default 10 s.
    pub handshake_timeout: Duration,
}

impl Default for TlsConfig {
    fn default() -> Self {
        let (pairs, client_ca, outlet) = (Vec::new(), None, TlsOutlet::default());
        Self { pairs, awaited: 0, client_ca, outlet, handshake_timeout: Duration::from_secs(10) }
    }
}

/// Does handshakes. [`TlsConfig`] has an example.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    /// The same with the protocol in which an authority checks a name.
    checked: Arc<ServerConfig>,
    certificates: Certificates,
    clients: Option<Arc<Clients>>,
    outlet: TlsOutlet,
    handshake_timeout: Duration,
    rekey_at: u64,
}

impl TlsAcceptor {
    /// Reads the files of `config`.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be, or a key belongs to another certificate.
    pub fn new(config: TlsConfig) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates::load(config.pairs, config.awaited)?;
        let of_rustls = |error: rustls::Error| TlsError::new("TLS cannot be set up", error);
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(of_rustls)?;
        let clients = config.client_ca.map(|pem| Clients::load(&pem).map(Arc::new)).transpose()?;
        let builder = match &clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients) as _),
        };
        let mut server = builder.with_cert_resolver(Arc::new(certificates.clone()));
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        // Tickets hold all that a session needs, so that the server holds nothing. One that came of a certificate of the client would be
        // good for as long as the client comes back, also when its authority is not trusted any more, or the certificate is over.
        server.send_tls13_tickets = usize::from(clients.is_none());
        if clients.is_none() {
            server.ticketer = ring::Ticketer::new().map_err(of_rustls)?;
        }
        server.enable_secret_extraction = config.outlet == TlsOutlet::Records;
        let mut checked = server.clone();
        checked.alpn_protocols.push(ACME_TLS.to_vec());
        let TlsConfig { outlet, handshake_timeout, .. } = config;
        let [config, checked] = [server, checked].map(Arc::new);
        Ok(Self { config, checked, certificates, clients, outlet, handshake_timeout, rekey_at: REKEY_AT })
    }

    /// The certificates, which can be replaced while the server runs.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Replaces the authorities of [`TlsConfig::client_ca`] by those of `pem`. Connections that are open stay. There is no effect
    /// if there was no authority before: clients are not asked for certificates then.
    ///
    /// # Errors
    /// Something is wrong with `pem`. The authorities stay as they are then.
    pub fn replace_client_ca(&self, pem: &Pem) -> Result<(), TlsError> {
        self.clients.as_ref().map_or(Ok(()), |clients| clients.replace(pem))
    }

    /// The settings of a handshake that begins now. The protocol of a check is spoken only while an authority is to check a name, so
    /// that others who offer it are told what they are: clients of another protocol.
    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        if self.certificates.is_checked() { &self.checked } else { &self.config }
    }

    pub(super) fn outlet(&self) -> TlsOutlet {
        self.outlet
    }

    pub(super) fn rekey_at(&self) -> u64 {
        self.rekey_at
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    /// The next key takes its place after this many records.
    #[cfg(test)]
    pub(super) fn rekey_after(mut self, records: u64) -> Self {
        self.rekey_at = fanfare_records::GCM_RECORDS_MAX - records;
        self
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificates, outlet, handshake_timeout, .. } = self;
        let mut shown = formatter.debug_struct("TlsAcceptor");
        shown.field("certificates", certificates).field("outlet", outlet);
        shown.field("handshake_timeout", handshake_timeout).finish_non_exhaustive()
    }
}
