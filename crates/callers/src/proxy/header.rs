//! [`ProxyHeader`]: the outcome of a look at the first bytes of a connection. [`ProxyFault`]: what is wrong with them.

use std::net::SocketAddr;

use thiserror::Error;

/// Bytes of a header of version 1 at most, with its line break (2.1).
pub const V1_BYTES_MAX: usize = 107;
/// Bytes of a header of version 2 at most. The format allows 65,551. Addresses have up to 216 bytes, and fields seldom more than some
/// hundred. A header that does not come at once holds memory for nobody.
pub const V2_BYTES_MAX: usize = V2_FIXED_BYTES + (4 << 10);
/// Bytes of version 2 that each header has: the signature, version and command, family and transport, and the length of the rest (2.2).
pub(super) const V2_FIXED_BYTES: usize = 16;

/// The outcome of a look at the first bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The bytes are the beginning of a header. They are fewer than [`V2_BYTES_MAX`].
    NeedMore,
    /// The connection comes from `source`.
    Source {
        /// The client's address and port.
        source: SocketAddr,
        /// Bytes of the header. What comes behind it is the client's.
        bytes_used: usize,
    },
    /// The proxy speaks for itself, as in a health check: the socket's own address stays (2.2, LOCAL).
    Local {
        /// Bytes of the header.
        bytes_used: usize,
    },
    /// The proxy does not say who the client is, or it is no IP address: the socket's own address stays (2.1, UNKNOWN; 2.2, UNSPEC and
    /// UNIX).
    Unknown {
        /// Bytes of the header.
        bytes_used: usize,
    },
    /// This is no header, and will not become one. The connection has to be closed (2).
    Wrong(ProxyFault),
}

/// The reason why bytes are no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProxyFault {
    /// The first bytes are those of neither version.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    NoHeader,
    /// A header of version 1 has no end within [`V1_BYTES_MAX`] bytes.
    #[error("a header of version 1 is longer than {V1_BYTES_MAX} bytes")]
    V1TooLong,
    /// A line of version 1 is not as the section 2.1 says.
    #[error("a header of version 1 is malformed")]
    V1Malformed,
    /// The version is none, or the command, the family or the transport is one that a receiver must refuse (2.2).
    #[error("a header of version 2 has an unknown version, command, family or transport")]
    V2Unknown,
    /// A header of version 2 is longer than [`V2_BYTES_MAX`] bytes.
    #[error("a header of version 2 is longer than {V2_BYTES_MAX} bytes")]
    V2TooLong,
    /// A header of version 2 is too short for its addresses, or for its last field.
    #[error("a header of version 2 is shorter than what it has")]
    V2TooShort,
    /// The checksum of a header of version 2 is not that of its bytes (2.2.3).
    #[error("the checksum of a header of version 2 is wrong")]
    V2Checksum,
}
