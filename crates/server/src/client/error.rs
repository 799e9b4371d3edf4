//! [`Error`]: the reason why there is no answer, whether another try may succeed, and the message for a person.

use std::{
    error,
    io::{self, ErrorKind},
    time::Duration,
};

use humantime::format_duration;

use crate::{harmless::harmless, url::Url};

/// The reason why there is no answer, or no more of it.
#[derive(Debug)]
pub(crate) enum Error {
    /// No connection within this time.
    ConnectTimeout(Duration),
    /// The server takes no data for this time, or has the whole request and does not answer for this time.
    AnswerTimeout(Duration),
    /// The connection cannot be made.
    Unreachable(io::Error),
    /// The server ended the connection before its answer.
    Closed,
    /// The connection broke.
    Broke(io::Error),
    Tls(io::Error),
    /// An https URL leads to a port of plain HTTP.
    SpeaksHttp(String),
    /// An http URL leads to a port of TLS.
    SpeaksTls(String),
    /// The certificates that this system trusts cannot be read.
    Certificates(String),
    /// The file of `--ca` cannot be used.
    Authorities(String),
    /// The proxy that the environment names cannot be used.
    Proxy(String),
    NotHttp(String),
    /// The URL, or the target of a redirect, cannot be requested.
    Url(String),
}

impl Error {
    /// An error of the connector.
    pub(super) fn connecting(error: &(dyn error::Error + 'static), timeout: Duration) -> Self {
        match io_error(error) {
            Some(error) if error.kind() == ErrorKind::TimedOut => Self::ConnectTimeout(timeout),
            Some(error) => Self::Unreachable(error),
            None => Self::Unreachable(io::Error::other(error.to_string())),
        }
    }

    /// The same error on the way to a proxy. It is not the fault of the server that the URL names.
    pub(super) fn of_proxy(self, name: &str) -> Self {
        match self {
            Self::Unreachable(error) => {
                let reason = format!("the proxy {name} that the environment names cannot be reached: {error}");
                Self::Unreachable(io::Error::other(reason))
            }
            other => other,
        }
    }

    /// Whether another try may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::ConnectTimeout(_) | Self::AnswerTimeout(_) | Self::Unreachable(_) => true,
            Self::Closed | Self::Broke(_) | Self::NotHttp(_) => true,
            Self::Tls(error) => error.kind() != ErrorKind::InvalidData,
            Self::Certificates(_) | Self::Authorities(_) | Self::Proxy(_) | Self::Url(_) => false,
            Self::SpeaksHttp(_) | Self::SpeaksTls(_) => false,
        }
    }

    /// Whether the server may have received some of the request.
    pub(crate) fn may_have_been_heard(&self) -> bool {
        matches!(self, Self::AnswerTimeout(_) | Self::Closed | Self::Broke(_) | Self::NotHttp(_))
    }

    /// The message: the reason why there is no answer from `url`, and what to do.
    pub(crate) fn told(&self, url: &Url) -> String {
        let (reason, advice) = self.reason(url);
        reason + advice
    }

    /// The message, and what to do about it if that server is one of ours.
    pub(crate) fn reason(&self, url: &Url) -> (String, &'static str) {
        let (reason, advice) = match self {
            Self::Closed => return (closed(url), ""),
            Self::Broke(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                return (closed(url), "");
            }
            Self::Broke(error) if error.kind() == ErrorKind::TimedOut => {
                return (format!("{url} takes nothing any more: the network or the server is gone"), "");
            }
            Self::Broke(error) => {
                return (format!("the connection to {url} broke before it had answered: {error}"), "");
            }
            Self::AnswerTimeout(limit) => {
                let limit = format_duration(*limit);
                return (format!("{url} has not answered within {limit}"), " (--answer-timeout)");
            }
            Self::Certificates(reason) => {
                let told = format!("cannot read the certificates that this system trusts: {reason}");
                return (told, "; on Debian they are in the package ca-certificates");
            }
            Self::Authorities(reason) => return (format!("--ca: {reason}"), ""),
            Self::Unreachable(error) if error.kind() == ErrorKind::ConnectionRefused => (
                "connection refused".to_owned(),
                ": no server listens there; start `fanfare serve`, or check host and port",
            ),
            Self::Unreachable(error) if error.to_string().contains("lookup address") => {
                (error.to_string(), "; check the name of the host")
            }
            Self::ConnectTimeout(limit) => {
                let limit = format_duration(*limit);
                (format!("no connection within {limit} (--connect-timeout)"), "; is it the right host and port?")
            }
            Self::Unreachable(error) => (error.to_string(), ""),
            Self::Tls(error) if error.to_string().contains("UnknownIssuer") => {
                (error.to_string(), ": nobody vouches for its certificate; name the authority with --ca FILE")
            }
            Self::Tls(error) => (error.to_string(), "; does the server speak HTTPS?"),
            Self::SpeaksHttp(asked) => {
                let plain = asked.replacen("https://", "http://", 1);
                (format!("the server speaks plain HTTP there: use {plain}"), "")
            }
            Self::SpeaksTls(asked) => {
                let secure = asked.replacen("http://", "https://", 1);
                (format!("the server speaks TLS there: use {secure}"), "")
            }
            Self::Proxy(reason) => (reason.clone(), "; the environment names that proxy"),
            Self::NotHttp(reason) => (format!("that is not HTTP/1.1: {reason}"), ""),
            Self::Url(reason) => (reason.clone(), ""),
        };
        (format!("cannot reach {url}: {}", harmless(&reason)), advice)
    }
}

/// The message for a closed connection. Some TLS servers close a connection that begins with plain HTTP.
fn closed(url: &Url) -> String {
    let closed = format!("{url} closed the connection before it had answered");
    match url.to_string().strip_prefix("http://") {
        Some(rest) => format!("{closed}; if that is a TLS port, use https://{rest}"),
        None => closed,
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Self {
        match io_error(&error) {
            Some(error) if error.kind() == ErrorKind::UnexpectedEof => Self::Closed,
            Some(error) => Self::Broke(error),
            None if error.is_parse() => Self::NotHttp(error.to_string()),
            None => Self::Closed,
        }
    }
}

/// The reason why the rest of an answer is missing.
pub(super) fn broken(error: &hyper::Error) -> io::Error {
    io_error(error).unwrap_or_else(|| io::Error::other(error.to_string()))
}

/// The system's error at the end of the chain.
fn io_error(error: &(dyn error::Error + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            });
        }
        next = error.source();
    }
    None
}
