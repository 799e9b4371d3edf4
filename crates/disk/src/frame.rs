//! A frame: the form of one record in a segment, which tells damage from an unfinished write.
//!
//! Layout: [`MAGIC`], length of the payload u32, checksum of the payload u32, checksum of the three u32, payload. Both
//! checksums begin at the salt of the segment, which no publisher knows: no data can look like a frame.

use crc32fast::Hasher;
use thiserror::Error;

use crate::codec::Reader;

/// First bytes of every frame. Neither byte can stand in UTF-8, and one cannot be shifted onto the other.
pub(crate) const MAGIC: [u8; 2] = [0xfa, 0xff];

/// Length of a frame without its payload.
pub(crate) const HEAD_BYTES: usize = 2 + 4 + 4 + 4;

/// A record that does not fit in a frame: 4 GiB and more.
#[derive(Debug, Error)]
#[error("an event takes more than 4 GiB on disk")]
pub(crate) struct TooLong;

/// Appends the frame whose payload `put` appends.
pub(crate) fn put_frame(bytes: &mut Vec<u8>, salt: u32, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), TooLong> {
    let start = bytes.len();
    bytes.resize(start + HEAD_BYTES, 0);
    put(bytes);
    let (head, payload) = bytes[start..].split_at_mut(HEAD_BYTES);
    let length = u32::try_from(payload.len()).map_err(|_| TooLong)?;
    head[..2].copy_from_slice(&MAGIC);
    head[2..6].copy_from_slice(&length.to_le_bytes());
    head[6..10].copy_from_slice(&checksum(payload, salt).to_le_bytes());
    let own = checksum(&head[..10], salt);
    head[10..].copy_from_slice(&own.to_le_bytes());
    Ok(())
}

/// The payload of the frame that `bytes` begin with. None if they do not begin with a whole and valid frame.
pub(crate) fn payload_at(bytes: &[u8], salt: u32) -> Option<&[u8]> {
    let head = Head::at(bytes, salt)?;
    let payload = bytes.get(HEAD_BYTES..)?.get(..head.length)?;
    (checksum(payload, salt) == head.checksum).then_some(payload)
}

/// Whether `bytes`, the end of a file, look like the beginning of a frame.
pub(crate) fn is_cut_short(bytes: &[u8], salt: u32) -> bool {
    if bytes.len() < HEAD_BYTES {
        return bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic);
    }
    Head::at(bytes, salt).is_some_and(|head| bytes.len() - HEAD_BYTES < head.length)
}

struct Head {
    length: usize,
    checksum: u32,
}

impl Head {
    fn at(bytes: &[u8], salt: u32) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let magic = reader.array()?;
        let (length, payload_checksum, own) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let is_valid = magic == MAGIC && checksum(&bytes[..10], salt) == own;
        let length = usize::try_from(length).ok().filter(|_| is_valid)?;
        Some(Self { length, checksum: payload_checksum })
    }
}

fn checksum(bytes: &[u8], salt: u32) -> u32 {
    let mut hasher = Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(salt: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, salt, |payload| payload.extend_from_slice(b"payload")).unwrap();
        bytes
    }

    #[test]
    fn a_frame_is_read_back_with_its_own_salt_only() {
        assert_eq!(payload_at(&frame(7), 7), Some(b"payload".as_slice()));
        assert_eq!(payload_at(&frame(7), 8), None);
    }

    #[test]
    fn every_beginning_of_a_frame_is_cut_short_and_the_whole_is_not() {
        let whole = frame(7);
        for length in 0..whole.len() {
            assert!(is_cut_short(&whole[..length], 7), "{length}");
            assert_eq!(payload_at(&whole[..length], 7), None, "{length}");
        }
        assert!(!is_cut_short(&whole, 7));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_no_frame_and_no_beginning_of_one() {
        for at in 0..frame(7).len() {
            let mut bytes = frame(7);
            bytes[at] ^= 1;
            assert_eq!(payload_at(&bytes, 7), None, "{at}");
            assert!(!is_cut_short(&bytes, 7), "{at}");
        }
    }
}
