//! [`told`]: a certificate in the words of the log.

use fanfare_http::TlsCertificate;
use humantime::format_rfc3339_seconds;

/// The names of a certificate and its end, for the log.
pub(super) fn told(certificate: &TlsCertificate) -> String {
    let names = if certificate.names().is_empty() { "no name".to_owned() } else { certificate.names().join(", ") };
    format!("{names} (expires {})", format_rfc3339_seconds(certificate.not_after()))
}
