//! [`Opener`]: records become plaintext.

use std::{fmt, ops::Range};

use ring::aead::Aad;
use rustls::ConnectionTrafficSecrets;

use crate::{HEADER_BYTES, Kind, OUTER_TYPE, PLAINTEXT_BYTES_MAX, RECORD_BYTES_MAX, TAG_BYTES, secrets};

/// The reason why a record is refused. The connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header does not begin a protected record. After a handshake no other kind may come.
    #[error("a record is not protected")]
    NotProtected,
    /// The record has more bytes than the standard allows.
    #[error("a record is too long")]
    TooLong,
    /// The record has fewer bytes than a kind and a tag take, or not those that its header says.
    #[error("a record is too short")]
    TooShort,
    /// The record was not sealed with the key of this direction, or not with this number, or was changed on its way.
    #[error("a record was not sealed with the key of this connection")]
    BadTag,
    /// The plaintext has no kind, or none that may come.
    #[error("a record has no known kind")]
    UnknownKind,
    /// A handshake message that may not come after a handshake, or that is not alone in its record.
    #[error("a handshake message came after the handshake")]
    UnexpectedMessage,
    /// A KeyUpdate whose bytes mean nothing.
    #[error("a KeyUpdate is broken")]
    BadKeyUpdate,
    /// The numbers of records have run out.
    #[error("the connection has had as many records as it may")]
    Exhausted,
}

impl Fault {
    /// The description of the alert that tells the peer (RFC 8446 6).
    pub fn alert(self) -> u8 {
        match self {
            Self::NotProtected | Self::UnknownKind | Self::UnexpectedMessage => 10,
            Self::BadTag => 20,
            Self::TooLong => 22,
            Self::BadKeyUpdate => 47,
            Self::TooShort => 50,
            Self::Exhausted => 80,
        }
    }
}

/// One direction of a connection, as the side that receives sees it. [Crate docs](crate).
///
/// The key is kept as it is and not as ring uses it, which would take half a KiB more. A server's peer seldom sends.
pub struct Opener {
    secrets: ConnectionTrafficSecrets,
    sequence: u64,
}

impl Opener {
    /// The direction that has these secrets, in which `sequence` records have come under them. `None`: the suite is none of
    /// AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305.
    pub fn new(sequence: u64, secrets: ConnectionTrafficSecrets) -> Option<Self> {
        secrets::parts(&secrets)?;
        Some(Self { secrets, sequence })
    }

    /// Number of bytes of the record that `bytes` begin with, its header among them. `None`: the header is not whole yet.
    ///
    /// # Errors
    /// The header begins no record that may come. The version in it means nothing (RFC 8446 5.1).
    pub fn record_bytes(bytes: &[u8]) -> Result<Option<usize>, Fault> {
        if bytes.first().is_some_and(|outer_type| *outer_type != OUTER_TYPE) {
            return Err(Fault::NotProtected);
        }
        let &[_, _, _, high, low, ..] = bytes else { return Ok(None) };
        match HEADER_BYTES + usize::from(u16::from_be_bytes([high, low])) {
            long if long > RECORD_BYTES_MAX => Err(Fault::TooLong),
            short if short < HEADER_BYTES + 1 + TAG_BYTES => Err(Fault::TooShort),
            bytes => Ok(Some(bytes)),
        }
    }

    /// Opens a whole record in place. Returns its kind, and where in `record` its plaintext is, without padding.
    ///
    /// # Errors
    /// The record is refused. Nothing of it may be used.
    pub fn open(&mut self, record: &mut [u8]) -> Result<(Kind, Range<usize>), Fault> {
        if Self::record_bytes(record)? != Some(record.len()) {
            return Err(Fault::TooShort);
        }
        let next = self.sequence.checked_add(1).ok_or(Fault::Exhausted)?;
        let (header, sealed) = record.split_at_mut(HEADER_BYTES);
        let (algorithm, key, iv) = secrets::parts(&self.secrets).ok_or(Fault::BadTag)?;
        let key = secrets::expand(algorithm, key).ok_or(Fault::BadTag)?;
        let nonce = secrets::nonce(iv, self.sequence);
        let inner = key.open_in_place(nonce, Aad::from(&*header), sealed).map_err(|_| Fault::BadTag)?;
        self.sequence = next;
        if inner.len() > PLAINTEXT_BYTES_MAX + 1 {
            return Err(Fault::TooLong);
        }
        let kind_at = inner.iter().rposition(|byte| *byte != 0).ok_or(Fault::UnknownKind)?;
        let kind = match inner[kind_at] {
            21 => Kind::Alert,
            22 => Kind::Handshake,
            23 => Kind::ApplicationData,
            _ => return Err(Fault::UnknownKind),
        };
        Ok((kind, HEADER_BYTES..HEADER_BYTES + kind_at))
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No secrets.
        formatter.debug_struct("Opener").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
