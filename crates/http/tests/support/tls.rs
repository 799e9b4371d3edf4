//! Certificates of the tests, and [`Secure`]: a client that speaks TLS.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
};

use fanfare_http::{Pem, TlsAcceptor, TlsConfig, TlsPair};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio_rustls::TlsConnector;

use super::PATIENCE;

/// An authority, and the certificates that it gives.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        // Not the name that rcgen gives to the others: openssl would take them for their own authority.
        params.distinguished_name.push(DnType::CommonName, "authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The certificate of the authority, for clients who trust it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A chain and its key, as PEM.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(&self, names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn pair(&self, names: &[&str]) -> TlsPair {
        let (certificate, key) = self.issue(names);
        TlsPair { certificate: Pem::Bytes(certificate.into()), key: Pem::Bytes(key.into()) }
    }

    /// Settings of a server that is `localhost`.
    pub(crate) fn config(&self) -> TlsConfig {
        TlsConfig { pairs: vec![self.pair(&["localhost"])], ..TlsConfig::default() }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::new(self.config()).unwrap()
    }

    /// Settings of a client that trusts this authority, with the suites and versions of `provider`.
    pub(crate) fn client_with(&self, provider: CryptoProvider) -> ClientConfig {
        self.client_builder(provider).with_no_client_auth()
    }

    pub(crate) fn client(&self) -> ClientConfig {
        self.client_with(ring::default_provider())
    }

    /// A client that shows a certificate of `issuer`.
    pub(crate) fn client_of(&self, issuer: &Self) -> ClientConfig {
        let (certificate, key) = issuer.issue(&["somebody"]);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        self.client_builder(ring::default_provider()).with_client_auth_cert(chain, key).unwrap()
    }

    fn client_builder(
        &self,
        provider: CryptoProvider,
    ) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots)
    }

    /// The certificate of the authority in a file, for a command.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pem", std::process::id()));
        std::fs::write(&path, self.pem()).unwrap();
        path
    }
}

/// A provider with the suites whose names contain `part`.
pub(crate) fn suites(part: &str) -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains(part));
    assert!(!provider.cipher_suites.is_empty());
    provider
}

/// One connection of a client that speaks TLS with rustls.
pub(crate) struct Secure {
    pub(crate) stream: StreamOwned<ClientConnection, TcpStream>,
    seen: Vec<u8>,
}

impl Secure {
    pub(crate) fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        Self::open_as(address, config, "localhost")
    }

    pub(crate) fn open_as(address: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        Self { stream: StreamOwned::new(connection, socket), seen: Vec::new() }
    }

    /// A connection with a small receive buffer that never grows, so that it is soon full.
    pub(crate) fn open_narrow(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.connect(&address.into()).unwrap();
        let mut client = Self::open(address, config);
        client.stream.sock = socket.into();
        client.stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// Does the handshake.
    pub(crate) fn shake(&mut self) -> io::Result<()> {
        while self.stream.conn.is_handshaking() {
            self.stream.conn.complete_io(&mut self.stream.sock)?;
        }
        Ok(())
    }

    /// Does the handshake. What ends it leaves together with what is sent next.
    pub(crate) fn shake_but_for_the_last_flight(&mut self) {
        let StreamOwned { conn, sock } = &mut self.stream;
        while conn.is_handshaking() {
            while conn.wants_write() {
                conn.write_tls(sock).unwrap();
            }
            conn.read_tls(sock).unwrap();
            conn.process_new_packets().unwrap();
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends bytes as they are, which have to be records.
    pub(crate) fn send_unsealed(&mut self, bytes: &[u8]) {
        self.stream.sock.write_all(bytes).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    /// Reads until `end` has come, and gives everything up to it.
    #[track_caller]
    pub(crate) fn until(&mut self, end: &str) -> String {
        String::from_utf8(self.bytes_until(end)).unwrap()
    }

    #[track_caller]
    pub(crate) fn bytes_until(&mut self, end: &str) -> Vec<u8> {
        let mut space = [0; 4_096];
        loop {
            let found = self.seen.windows(end.len()).position(|bytes| bytes == end.as_bytes());
            if let Some(at) = found {
                return self.seen.drain(..at + end.len()).collect();
            }
            let read = match self.stream.read(&mut space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.unwrap(),
            };
            assert!(read > 0, "{end:?} did not come: {}", String::from_utf8_lossy(&self.seen));
            self.seen.extend_from_slice(&space[..read]);
        }
    }

    /// Reads to the end, which must be a close_notify and not a cut.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> String {
        self.stream.read_to_end(&mut self.seen).unwrap();
        String::from_utf8(std::mem::take(&mut self.seen)).unwrap()
    }
}

/// Takes plain connections, and makes one over TLS of each.
pub(crate) struct Relay {
    listener: std::net::TcpListener,
    server: SocketAddr,
    connector: TlsConnector,
}

impl Relay {
    /// A relay to the server that will be at this address with this acceptor.
    pub(crate) fn to(server: SocketAddr) -> (Self, TlsAcceptor) {
        let authority = Authority::new();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut client = authority.client();
        // Its store would grow with every connection, and some tests count the heap.
        client.resumption = Resumption::disabled();
        let connector = TlsConnector::from(Arc::new(client));
        (Self { listener, server, connector }, authority.acceptor())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Relays for as long as its runtime lives.
    pub(crate) async fn run(self) {
        let listener = tokio::net::TcpListener::from_std(self.listener).unwrap();
        while let Ok((mut plain, _)) = listener.accept().await {
            let (server, connector) = (self.server, self.connector.clone());
            tokio::spawn(async move {
                let socket = tokio::net::TcpStream::connect(server).await?;
                socket.set_nodelay(true)?;
                let mut secure = connector.connect(ServerName::try_from("localhost").unwrap(), socket).await?;
                tokio::io::copy_bidirectional(&mut plain, &mut secure).await
            });
        }
    }
}
