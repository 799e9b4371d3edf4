//! The certificates of the TLS listener, from their sources to the handshakes.
//!
//! - `pair`: a chain with its key, from PEM.
//! - `certificates`: the pairs that handshakes get.
//! - `acme`: pairs from a certificate authority.
//! - `authorities`: the roots in a PEM file, for the client and for certificates of clients.

mod acme;
mod authorities;
mod certificates;
mod pair;

pub(crate) use self::authorities::authorities;
