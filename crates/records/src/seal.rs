//! [`Sealer`]: plaintext becomes records.

use std::{fmt, io::IoSlice};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN};
use rustls::ConnectionTrafficSecrets;

use crate::{HEADER_BYTES, Kind, OUTER_TYPE, OVERHEAD_BYTES, PLAINTEXT_BYTES_MAX, TAG_BYTES, secrets};

/// Records that a key of AES-GCM seals at most. RFC 8446 5.5 allows 2^24.5 of full size.
pub const GCM_RECORDS_MAX: u64 = 1 << 24;

/// The key has sealed as many records as it may, or seals none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key has sealed as many records as it may")]
pub struct Exhausted;

/// One direction of a connection, as the side that sends sees it. [Crate docs](crate).
pub struct Sealer {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    /// The number of the next record, which is also the number of those that the key has sealed.
    sequence: u64,
}

impl Sealer {
    /// The direction that has these secrets, and has sent `sequence` records under them. `None`: the suite is none of AES-128-GCM,
    /// AES-256-GCM and ChaCha20-Poly1305.
    pub fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Option<Self> {
        let (algorithm, key, iv) = secrets::parts(secrets)?;
        Some(Self { key: secrets::expand(algorithm, key)?, iv: *iv, sequence })
    }

    /// Number of records that the key may still seal. A caller announces a KeyUpdate while a few are left, because the
    /// announcement needs one, and so does an alert.
    pub fn records_left(&self) -> u64 {
        let max = if *self.key.algorithm() == CHACHA20_POLY1305 { u64::MAX } else { GCM_RECORDS_MAX };
        max.saturating_sub(self.sequence)
    }

    /// Appends records that carry `parts`, one after the other, to `out`: as few as possible, and none for nothing. Returns the
    /// number of bytes appended.
    ///
    /// # Errors
    /// The key may not seal as many records. Nothing is appended then.
    pub fn seal(&mut self, parts: &[IoSlice<'_>], kind: Kind, out: &mut Vec<u8>) -> Result<usize, Exhausted> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let records = bytes.div_ceil(PLAINTEXT_BYTES_MAX);
        if records as u64 > self.records_left() {
            return Err(Exhausted);
        }
        let begin = out.len();
        out.reserve(bytes + records * OVERHEAD_BYTES);
        let mut left = bytes;
        let mut rest = parts.iter().map(|part| &**part);
        let mut part: &[u8] = &[];
        while left > 0 {
            let record_bytes = left.min(PLAINTEXT_BYTES_MAX);
            let header = header(record_bytes);
            out.extend_from_slice(&header);
            let content = out.len();
            while out.len() < content + record_bytes {
                if part.is_empty() {
                    part = rest.next().unwrap_or_default();
                }
                let (now, later) = part.split_at(part.len().min(content + record_bytes - out.len()));
                out.extend_from_slice(now);
                part = later;
            }
            out.push(kind as u8);
            let nonce = secrets::nonce(&self.iv, self.sequence);
            // ring refuses only what is far larger than a record.
            let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(header), &mut out[content..]);
            let Ok(tag) = sealed else {
                out.truncate(begin);
                return Err(Exhausted);
            };
            out.extend_from_slice(tag.as_ref());
            self.sequence += 1;
            left -= record_bytes;
        }
        Ok(out.len() - begin)
    }
}

/// The header of a record with this many bytes of plaintext (RFC 8446 5.2). Its version is that of TLS 1.2, for ever.
fn header(plaintext_bytes: usize) -> [u8; HEADER_BYTES] {
    // At most 2^14 and a few.
    let [high, low] = ((plaintext_bytes + 1 + TAG_BYTES) as u16).to_be_bytes();
    [OUTER_TYPE, 3, 3, high, low]
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No secrets.
        formatter.debug_struct("Sealer").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
