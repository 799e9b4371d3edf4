//! [`Connector`]: makes connections, with TLS for https, and through a proxy if the environment names one. The whole
//! takes no longer than the connect timeout.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fanfare_http::Pem;
use hyper::{
    Request, Uri,
    header::{HOST, HeaderValue, PROXY_AUTHORIZATION},
    http::uri::PathAndQuery,
};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::{
    error::Error,
    reach::Reach,
    socket::{Progress, Socket},
};

/// Silence after which TCP asks whether the other side is still there.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(15);
/// Time between two such questions.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Number of unanswered questions that end the connection.
const KEEP_ALIVE_TRIES: u32 = 3;
/// Size of the send buffer: enough for a fast line, and small enough to see progress on a slow one.
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// A stream of bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, and the form of requests on it.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    /// The proxy, if it reads the request itself, as for http.
    proxy: Option<Intercept>,
}

impl Connection {
    /// Writes the target of the request (RFC 9112 3.2).
    pub(super) fn address<B>(&self, request: &mut Request<B>, uri: &Uri) -> Result<(), Error> {
        request.headers_mut().insert(HOST, host(uri)?);
        let Some(proxy) = &self.proxy else {
            let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
            *request.uri_mut() = path.parse().map_err(|error| Error::Url(format!("{error}")))?;
            return Ok(());
        };
        *request.uri_mut() = uri.clone();
        if let Some(credentials) = proxy.basic_auth() {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        Ok(())
    }

    /// Whether a proxy reads the request, and not the server.
    pub(super) fn is_to_proxy(&self) -> bool {
        self.proxy.is_some()
    }
}

/// Makes connections.
pub(super) struct Connector {
    tcp: HttpConnector,
    proxies: Matcher,
    /// Made for the first https URL.
    tls: OnceCell<TlsConnector>,
    /// The file of `--ca`.
    ca: Option<PathBuf>,
    connect_timeout: Duration,
    /// Longest time in which the other side may take no byte.
    write_timeout: Duration,
}

impl Connector {
    pub(super) fn new(reach: &Reach) -> Self {
        let Reach { ca, connect_timeout, answer_timeout: write_timeout } = reach.clone();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_keepalive(Some(KEEP_ALIVE_IDLE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE_INTERVAL));
        tcp.set_keepalive_retries(Some(KEEP_ALIVE_TRIES));
        tcp.set_send_buffer_size(Some(SEND_BUFFER_BYTES));
        // Without this the system sends unacknowledged data again for a quarter of an hour (tcp(7), tcp_retries2).
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(write_timeout));
        Self { tcp, proxies: Matcher::from_env(), tls: OnceCell::new(), ca, connect_timeout, write_timeout }
    }

    /// Connects to the server of `uri`, or to its proxy.
    pub(super) async fn connect(&self, uri: &Uri, progress: &Arc<Progress>) -> Result<Connection, Error> {
        let connecting = timeout(self.connect_timeout, self.connect_without_limit(uri, progress));
        connecting.await.unwrap_or(Err(Error::ConnectTimeout(self.connect_timeout)))
    }

    async fn connect_without_limit(&self, uri: &Uri, progress: &Arc<Progress>) -> Result<Connection, Error> {
        let is_https = uri.scheme_str() == Some("https");
        let tls = if is_https { Some(self.tls()?) } else { None };
        let proxy = self.proxies.intercept(uri);
        let stream = match &proxy {
            Some(proxy) => self.reach_through(proxy, uri, is_https).await?,
            None => self.reach(uri).await?,
        };
        let socket = Socket::new(stream, Arc::clone(progress), self.write_timeout);
        let Some(tls) = tls else { return Ok(Connection { stream: Box::new(socket), proxy }) };
        let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| Error::Url(error.to_string()))?;
        let stream = tls.connect(name, socket).await.map_err(|error| match progress.has_heard_http() {
            true => Error::SpeaksHttp(uri.to_string()),
            false => Error::Tls(error),
        })?;
        Ok(Connection { stream: Box::new(stream), proxy: None })
    }

    async fn reach(&self, uri: &Uri) -> Result<TcpStream, Error> {
        let stream = self.tcp.clone().call(uri.clone()).await;
        stream.map(TokioIo::into_inner).map_err(|error| Error::connecting(&error, self.connect_timeout))
    }

    /// Connects through a proxy. For http to the proxy, which reads the request. For https to the server, in a tunnel.
    async fn reach_through(&self, proxy: &Intercept, uri: &Uri, is_https: bool) -> Result<TcpStream, Error> {
        let address = proxy.uri();
        let name = address.authority().map_or("", |authority| authority.as_str());
        if address.scheme_str() != Some("http") {
            let scheme = address.scheme_str().unwrap_or_default();
            return Err(Error::Proxy(format!("a proxy is spoken to over http:// only, and not over {scheme}://")));
        }
        if !is_https {
            return self.reach(address).await.map_err(|error| error.of_proxy(name));
        }
        let mut tunnel = Tunnel::new(address.clone(), self.tcp.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let stream = tunnel.call(uri.clone()).await;
        stream.map(TokioIo::into_inner).map_err(|error| Error::Proxy(format!("no way through {name}: {error}")))
    }

    /// TLS with the authorities of `--ca`, or those that the system trusts.
    fn tls(&self) -> Result<TlsConnector, Error> {
        if let Some(made) = self.tls.get() {
            return Ok(made.clone());
        }
        let roots = match self.ca.as_deref() {
            Some(file) => authorities(file).map_err(Error::Authorities)?,
            None => of_the_system().map_err(Error::Certificates)?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Certificates(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))).clone())
    }
}

/// The authorities that the system trusts.
///
/// # Errors
/// The reason why there are none.
pub(crate) fn of_the_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string));
    }
    Ok(roots)
}

/// Reads the authorities in a PEM file.
///
/// # Errors
/// A sentence with the file.
pub(crate) fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let found = Pem::File(file.to_owned()).certificates().map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in found {
        roots.add(certificate).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(roots)
}

/// The host and port as in the URL.
fn host(uri: &Uri) -> Result<HeaderValue, Error> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    HeaderValue::from_str(authority).map_err(|error| Error::Url(error.to_string()))
}
