//! The SSE broker that one writes with axum: a broadcast channel of 1,024 events, on one thread.
//! GET / subscribes, POST / publishes to all. Run: `cargo run --release -- 8081` in this directory.
//! Over TLS, with HTTP/2 and HTTP/1.1: `cargo run --release -- 8444 server.crt server.key`.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::sse::{Event, Sse},
    routing::get,
    serve::ListenerExt,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::{net::TcpSocket, sync::broadcast};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_stream::{Stream, StreamExt, wrappers::BroadcastStream};

type Hub = broadcast::Sender<String>;
/// Connects that may wait: a crowd of thousands comes at once.
const BACKLOG: u32 = 4096;

type Error = Box<dyn std::error::Error>;

async fn subscribe(State(hub): State<Hub>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // A subscriber that lags by more than the channel holds loses events, and nothing says so.
    let events = BroadcastStream::new(hub.subscribe()).filter_map(Result::ok);
    Sse::new(events.map(|data| Ok(Event::default().id("1767225600000-0").data(data))))
}

async fn publish(State(hub): State<Hub>, data: String) -> StatusCode {
    // Without listeners this fails, which is no error here.
    let _ = hub.send(data);
    StatusCode::ACCEPTED
}

fn acceptor(cert: &str, key: &str) -> Result<TlsAcceptor, Error> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().collect();
    let port = args.get(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/", get(subscribe).post(publish)).with_state(broadcast::channel(1024).0);
    let [_, _, cert, key] = &args[..] else {
        println!("listening on http://{address}");
        return Ok(axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), app).await?);
    };
    let acceptor = acceptor(cert, key)?;
    println!("listening on https://{address}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(app.clone()));
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                // How a connection ends is the client's business.
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}
