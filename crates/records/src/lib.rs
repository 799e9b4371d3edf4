//! The protection of records in TLS 1.3 (RFC 8446 5.2), for a connection whose handshake rustls has done.
//!
//! rustls' own connection costs 4 to 8 KiB for as long as it is open. What a connection needs after its handshake is a key, a
//! nonce and a count in each direction. A [`Sealer`] has those of the direction in which this side sends, and an [`Opener`] has
//! those of the other. Both are made of what rustls' `dangerous_into_kernel_connection` gives. rustls' `KernelConnection` stays
//! with the caller, because it alone can make the keys that follow a KeyUpdate.
//!
//! All cryptography is ring's and rustls'. This crate counts, builds nonces and headers, and refuses what the standard refuses.
//!
//! # Nouns
//!
//! - [`Sealer`] and [`Opener`]: the two directions of a connection, each with one key. Plaintext becomes records and comes back.
//!
//! # Types
//!
//! - [`Kind`]: what a record carries.
//! - [`KeyUpdate`]: the one handshake message that comes after a handshake and that this crate reads and writes.
//! - [`Fault`]: the reason why a record is refused, and the alert that tells the peer.
//! - [`Exhausted`]: the key has sealed as many records as it may.
//!
//! # Cost
//!
//! A sealer has 576 bytes and an opener 64, without anything on the heap. An event of 130 bytes takes 0.2 us to seal with
//! AES-256-GCM and 0.35 us with ChaCha20-Poly1305, and 0.4 us to open, which makes the key anew (November 2026, `cargo bench
//! --package fanfare-benches --bench records`).
//!
//! # Limits
//!
//! A record has at most [`PLAINTEXT_BYTES_MAX`] bytes of plaintext. A key of AES-GCM seals at most [`GCM_RECORDS_MAX`] records
//! (RFC 8446 5.5 allows a few more), and [`Sealer::records_left`] says in time that a KeyUpdate is due. The opener limits the
//! size of each record. How many empty records and KeyUpdates a peer may send is up to the caller.

#![forbid(unsafe_code)]

mod key_update;
mod open;
mod seal;
mod secrets;

pub use key_update::KeyUpdate;
pub use open::{Fault, Opener};
pub use seal::{Exhausted, GCM_RECORDS_MAX, Sealer};

/// Bytes of plaintext in a record at most (RFC 8446 5.1).
pub const PLAINTEXT_BYTES_MAX: usize = 1 << 14;
/// Bytes of the header of a record.
pub const HEADER_BYTES: usize = 5;
/// Bytes of a record, with its header, at most (RFC 8446 5.2).
pub const RECORD_BYTES_MAX: usize = HEADER_BYTES + PLAINTEXT_BYTES_MAX + 256;
/// Bytes that a record has more than its plaintext: the header, the kind and the tag.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + 1 + TAG_BYTES;

/// Bytes of the tag of every suite of TLS 1.3.
const TAG_BYTES: usize = 16;
/// The type that the header of every protected record has (RFC 8446 5.2).
const OUTER_TYPE: u8 = 23;

/// What a record carries (RFC 8446 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A warning or an error, of two bytes (RFC 8446 6).
    Alert = 21,
    /// A message of the handshake. After it only KeyUpdate comes.
    Handshake = 22,
    /// Bytes of the application.
    ApplicationData = 23,
}
