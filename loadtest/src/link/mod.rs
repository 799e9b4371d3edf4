//! Connections to a target, for streams and publishers: TLS over TCP, and HTTP/2 over either.
//!
//! HTTP/1.1 over plain TCP passes through here in one match. No other code knows of TLS or HTTP/2.

pub(crate) mod carriers;
pub(crate) mod error;
pub(crate) mod http2;
pub(crate) mod line;
pub(crate) mod pipe;
pub(crate) mod tls;
