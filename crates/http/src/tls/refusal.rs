//! [`Refusal`]: the reason why a handshake came to nothing, as a sentence for the log.

use std::{fmt, io};

use rustls::{Error, PeerIncompatible};

/// rustls' words for a resolver that has none.
const NO_CERTIFICATE: &str = "no server certificate chain resolved";

/// The reason why a handshake came to nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The client speaks plain HTTP. It gets an answer in plain text.
    PlainHttp,
    /// What came is neither TLS nor HTTP.
    NoTls,
    /// The client sent more than a handshake has.
    TooLong,
    /// rustls refused it.
    Rustls(Error),
    /// The connection broke or ended.
    Io(io::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Rustls(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlainHttp => {
                formatter.write_str("plain HTTP on a port that speaks TLS: the URL has to begin with https://")
            }
            Self::NoTls => formatter.write_str("what came is not TLS"),
            Self::TooLong => formatter.write_str("the TLS handshake has too many bytes"),
            Self::Rustls(error) => of_rustls(error, formatter),
            Self::Io(error) => write!(formatter, "the connection ended in its TLS handshake: {error}"),
        }
    }
}

fn of_rustls(error: &Error, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    use PeerIncompatible as P;
    match error {
        Error::PeerIncompatible(
            P::Tls12NotOffered | P::Tls12NotOfferedOrEnabled | P::SupportedVersionsExtensionRequired,
        ) => formatter.write_str("the client offers no version of TLS from 1.2 on"),
        Error::PeerIncompatible(P::NoCipherSuitesInCommon) => {
            formatter.write_str("the client offers no cipher suite that the server has")
        }
        Error::PeerIncompatible(
            P::NoKxGroupsInCommon | P::NoEcPointFormatsInCommon | P::NamedGroupsExtensionRequired,
        ) => formatter.write_str("the client offers no key exchange that the server has"),
        Error::PeerIncompatible(P::NoSignatureSchemesInCommon | P::SignatureAlgorithmsExtensionRequired) => {
            formatter.write_str("the client offers no signature that the server's certificate can give")
        }
        Error::NoApplicationProtocol => {
            formatter.write_str("the client speaks neither HTTP/1.1 nor HTTP/2 (ALPN http/1.1, h2)")
        }
        Error::NoCertificatesPresented => formatter.write_str("the client shows no certificate"),
        Error::InvalidCertificate(why) => write!(formatter, "the client's certificate is not accepted: {why}"),
        Error::AlertReceived(alert) => write!(formatter, "the client gave up the TLS handshake: {alert:?}"),
        // rustls has no kind of its own for this.
        Error::General(why) if why == NO_CERTIFICATE => formatter.write_str("there is no certificate yet"),
        other => write!(formatter, "the TLS handshake failed: {other}"),
    }
}
