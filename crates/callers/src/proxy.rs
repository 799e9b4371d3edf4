//! The header of the PROXY protocol, with which a proxy names the client in front of everything else (HAProxy's
//! `doc/proxy-protocol.txt`; sections are those of its version of 2020/03/05).
//!
//! Only a trusted peer is asked for one. Section 2 wants it configured, never guessed: whoever may leave the header out may also write
//! it.

mod header;
mod v1;
mod v2;

pub use header::{ProxyFault, ProxyHeader, V1_BYTES_MAX, V2_BYTES_MAX};

impl ProxyHeader {
    /// Reads the header at the start of `bytes`, which are all bytes of the connection so far. No byte behind it is looked at.
    ///
    /// Both versions are read. Fields of version 2 behind the addresses are skipped (2.2), and only a CRC32c is checked.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        if begins(bytes, v2::SIGNATURE) {
            v2::read(bytes)
        } else if begins(bytes, v1::SIGNATURE) {
            v1::read(bytes)
        } else {
            Self::Wrong(ProxyFault::NoHeader)
        }
    }
}

/// Whether `bytes` begin with `signature`, or are its beginning.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(byte, expected)| byte == expected)
}
