//! The HTTP client of `subscribe` and `publish`, and what its errors and a server's refusals mean to a person.

use std::{
    io::{ErrorKind, Read as _},
    sync::Arc,
    time::Duration,
};

use rustls::crypto::ring;
use serde_json::Value;
use ureq::{
    Agent, Body, Error,
    http::{Response, header::CONTENT_TYPE},
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::{failure::Failure, printer::harmless, url::Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Characters that are shown of an answer that is no problem document.
const SHOWN_MAX: usize = 300;
/// Bytes that are read of an answer.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// A client for `url`. Statuses are no errors to it; it follows `redirects` of them.
pub(crate) fn agent(url: &Url, redirects: u32) -> Result<Agent, Failure> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(redirects)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .max_idle_connections(0)
        .user_agent(concat!("fanfare/", env!("CARGO_PKG_VERSION")));
    let config = if url.is_https() { config.tls_config(tls()?) } else { config };
    Ok(config.build().new_agent())
}

/// TLS that trusts whom the system trusts.
fn tls() -> Result<TlsConfig, Failure> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reason = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
        return Err(Failure::failed(format!(
            "cannot read the certificates that this system trusts: {reason}; on Debian they are in the package \
             ca-certificates"
        )));
    }
    let roots: Vec<_> = found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build())
}

/// Whether another try could go better.
pub(crate) fn is_passing(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() != ErrorKind::InvalidData,
        Error::HostNotFound | Error::ConnectionFailed | Error::Timeout(_) | Error::Protocol(_) | Error::BodyStalled => {
            true
        }
        _ => false,
    }
}

/// Why there is no answer from `url`, and what to do.
pub(crate) fn no_answer(url: &Url, error: &Error) -> String {
    let (reason, advice) = match error {
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            ("connection refused".to_owned(), "; is `fanfare serve` running there?")
        }
        Error::Io(error) if error.to_string().contains("lookup address") => {
            (error.to_string(), "; check the name of the host")
        }
        Error::Io(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            return format!("{url} closed the connection before it had answered");
        }
        Error::Io(error) => (error.to_string(), ""),
        Error::HostNotFound => ("no such host".to_owned(), "; check the name"),
        Error::ConnectionFailed => ("no connection".to_owned(), "; is `fanfare serve` running there?"),
        Error::Timeout(_) => ("no answer in time".to_owned(), "; is it the right port?"),
        Error::Protocol(error) => (format!("that is not HTTP/1.1: {error}"), ""),
        error => (error.to_string(), ""),
    };
    format!("cannot reach {url}: {}{advice}", harmless(&reason))
}

/// An answer's status and what it says, as one line.
pub(crate) fn refusal(mut response: Response<Body>) -> String {
    let status = response.status();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let text = text(&mut response);
    let problem: Option<Value> = serde_json::from_str(&text).ok();
    let member = |name: &str| problem.as_ref()?.get(name)?.as_str().map(ToOwned::to_owned);
    let said = match (member("title"), member("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (Some(title), None) => title,
        (None, _) => {
            let start: String = text.chars().take(SHOWN_MAX).collect();
            format!("the server answered {status}: {}", start.trim()).trim_end_matches([' ', ':']).to_owned()
        }
    };
    // Of a batch: what was published stays published, and which lines were wrong.
    let counted = |name: &str| problem.as_ref()?.get(name)?.as_u64();
    let said = match (counted("published"), counted("failed")) {
        (Some(published), Some(failed)) => {
            let first = problem.as_ref().and_then(|problem| problem.pointer("/errors/0"));
            let first = first.map(|error| format!("; the first: {error}")).unwrap_or_default();
            format!("{said} (published {published}, failed {failed}{first})")
        }
        _ => said,
    };
    match location {
        Some(location) if status.is_redirection() => harmless(&format!("the server answered {status}; use {location}")),
        _ => harmless(&said),
    }
}

/// The body of an answer as text, as far as it goes.
pub(crate) fn text(response: &mut Response<Body>) -> String {
    let mut bytes = Vec::new();
    // What came before an error is still worth showing.
    let _ = response.body_mut().as_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The type of an answer without its parameters.
pub(crate) fn content_type(response: &Response<Body>) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
