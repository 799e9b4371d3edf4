//! [`Tls`]: a connection that is protected by TLS, from its handshake to its end.
//!
//! # Nouns
//!
//! - [`stream::Tls`]: an established TLS connection. What is written leaves sealed, and what comes is plaintext when it is read.
//!
//! # Files
//!
//! - [`acceptor`]: the settings, and what they become: [`acceptor::TlsAcceptor`].
//! - [`pair`]: a certificate and its key, read from PEM.
//! - [`certificates`]: chains and keys, by the name that a client asks for. They can be replaced while the server runs.
//! - [`clients`]: the check of certificates of clients.
//! - [`handshake`]: rustls' handshake over a socket, one step at a time.
//! - [`layer`]: what seals and opens after the handshake: records of our own, or rustls.
//! - [`waiting`]: bytes of a connection that wait, and their count.
//! - [`refusal`]: what a person is told about a handshake that failed.

pub(crate) mod acceptor;
pub(crate) mod certificates;
mod clients;
pub(crate) mod handshake;
mod layer;
pub(crate) mod pair;
pub(crate) mod refusal;
pub(crate) mod stream;
mod waiting;
