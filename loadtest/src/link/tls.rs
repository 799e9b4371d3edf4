//! [`Tls`]: TLS as a client, with the certificate checked and the version of HTTP agreed.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::link::error::{AuthorityError, LinkError};
use crate::wire::target::CONNECT_TIMEOUT;
use crate::wire::transport::{Transport, Version};

/// The settings of all TLS connections of a run.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    version: Version,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "Tls({})", self.version)
    }
}

impl Tls {
    /// `None`: the run does without TLS.
    pub(crate) fn new(transport: &Transport) -> Result<Option<Self>, AuthorityError> {
        if !transport.is_tls {
            return Ok(None);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(AuthorityError::Provider)?;
        let mut config = builder.with_root_certificates(roots(transport)?).with_no_client_auth();
        config.alpn_protocols = vec![transport.version.alpn().to_vec()];
        // Every connection is a client that was never here before.
        config.resumption = Resumption::disabled();
        Ok(Some(Self { connector: Arc::new(config).into(), version: transport.version }))
    }

    pub(crate) async fn connect(&self, stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, LinkError> {
        let failed = |cause: io::Error| self.failed(host, cause);
        let name = ServerName::try_from(host.to_owned()).map_err(|cause| failed(io::Error::other(cause)))?;
        let connecting = timeout(CONNECT_TIMEOUT, self.connector.connect(name, stream)).await;
        let stream = connecting
            .map_err(|_| LinkError::Slow { host: host.to_owned(), timeout: CONNECT_TIMEOUT })?
            .map_err(failed)?;
        match stream.get_ref().1.alpn_protocol() {
            // A server that knows nothing of ALPN speaks HTTP/1.1.
            None if self.version == Version::Http1 => Ok(stream),
            Some(agreed) if agreed == self.version.alpn() => Ok(stream),
            _ => Err(LinkError::Alpn(self.version)),
        }
    }

    fn failed(&self, host: &str, cause: io::Error) -> LinkError {
        let host = host.to_owned();
        match cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                LinkError::Alpn(self.version)
            }
            Some(cause @ rustls::Error::InvalidCertificate(_)) => LinkError::Certificate { host, cause: cause.clone() },
            _ => LinkError::Handshake { host, cause },
        }
    }
}

fn roots(transport: &Transport) -> Result<RootCertStore, AuthorityError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &transport.tls_ca else {
        // One that cannot be read or understood is one that is not trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(AuthorityError::NoSystem) } else { Ok(roots) };
    };
    let unread = |cause| AuthorityError::File { file: file.clone(), cause };
    for certificate in CertificateDer::pem_file_iter(file).map_err(unread)? {
        let added = roots.add(certificate.map_err(unread)?);
        added.map_err(|cause| AuthorityError::Damaged { file: file.clone(), cause })?;
    }
    if roots.is_empty() { Err(AuthorityError::NoCertificate(file.clone())) } else { Ok(roots) }
}
