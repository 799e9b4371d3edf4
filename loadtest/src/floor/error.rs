//! [`FloorError`]: the reason why the floor does not run.

#[cfg(target_os = "linux")]
use std::io;
#[cfg(target_os = "linux")]
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::path::PathBuf;

/// The reason why the floor does not run, or no longer.
#[cfg(target_os = "linux")]
#[derive(Debug, thiserror::Error)]
pub(crate) enum FloorError {
    #[error("cannot raise the descriptor limit: {0}")]
    Limit(#[source] io::Error),
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: SocketAddr, cause: io::Error },
    #[error("cannot say on stdout where the floor listens: {0}")]
    Announce(#[source] io::Error),
    #[error("the floor cannot accept a connection: {0}")]
    Accept(#[source] io::Error),
    #[error("the floor cannot poll: {0}")]
    Poll(#[source] io::Error),
    #[error("{}: {cause}", file.display())]
    Pem { file: PathBuf, cause: rustls::pki_types::pem::Error },
    #[error("the floor cannot speak TLS with this certificate and key: {0}")]
    Tls(#[source] rustls::Error),
}

/// The reason why the floor does not run.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, thiserror::Error)]
#[error("the floor needs epoll, so it runs on Linux only")]
pub(crate) struct FloorError;
