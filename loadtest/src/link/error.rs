//! [`LinkError`]: why a connection over TLS or HTTP/2 could not be made or used. [`AuthorityError`]: why nobody can be
//! trusted.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use h2::Reason;

use crate::wire::transport::Version;

/// Why a connection over TLS or HTTP/2 could not be made or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the certificate of {host} is not accepted: {cause} (--tls-ca names an authority to trust)")]
    Certificate { host: String, cause: rustls::Error },
    #[error("the target does not agree to {0} over TLS (ALPN)")]
    Alpn(Version),
    #[error("the TLS handshake with {host} failed: {cause}")]
    Handshake { host: String, cause: io::Error },
    #[error("the TLS handshake with {host} was not over within {timeout:?}")]
    Slow { host: String, timeout: Duration },
    #[error("HTTP/2: {0}")]
    Http2(#[from] h2::Error),
    #[error("the request does not fit HTTP/2: {0}")]
    Request(#[from] http::Error),
    #[error("the target allows {allowed} streams on a connection, fewer than --streams-per-connection {asked}")]
    Streams { allowed: usize, asked: u32 },
}

impl LinkError {
    /// The target has not looked at the request, which may be sent again (RFC 9113 8.7): it went out behind the last
    /// one that the connection takes, or the stream was refused.
    pub(crate) fn is_untouched(&self) -> bool {
        let Self::Http2(cause) = self else { return false };
        let is = |reason| cause.is_remote() && cause.reason() == Some(reason);
        (cause.is_go_away() && is(Reason::NO_ERROR)) || (cause.is_reset() && is(Reason::REFUSED_STREAM))
    }
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error("--tls-ca {}: {cause}", file.display())]
    File { file: PathBuf, cause: rustls::pki_types::pem::Error },
    #[error("--tls-ca {}: a certificate is damaged: {cause}", file.display())]
    Damaged { file: PathBuf, cause: rustls::Error },
    #[error("--tls-ca {} has no certificate", .0.display())]
    NoCertificate(PathBuf),
    #[error("this system trusts no authority: name one with --tls-ca")]
    NoSystem,
    #[error("no cipher of TLS: {0}")]
    Provider(#[source] rustls::Error),
}
