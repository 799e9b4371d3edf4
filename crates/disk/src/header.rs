//! [`Header`]: the first bytes of a segment: its place, the segment before it, and the run that wrote it.
//!
//! Every format begins with the magic and the format, has the length of this one and ends with its checksum. So a
//! damaged header is never taken for that of a newer program.

use fanfare_core::EventId;

use crate::{
    boot::Boot,
    codec::{Reader, put_id, put_u32, put_u64},
};

/// Length of a header.
pub(crate) const HEADER_BYTES: usize = 88;

/// The newest format of segments that this program knows. Format 1 has the same header, and keys in the words of their
/// publishers: a program that knows only format 1 must not take claims for damage.
pub(crate) const FORMAT: u16 = 2;
const FORMAT_WITHOUT_CLAIMS: u16 = 1;

const MAGIC: [u8; 8] = *b"FANFARE\0";
const IS_SYNCED: u16 = 1;

/// The first bytes of a segment, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// Number of the first segment that this one stands for.
    pub(crate) number: u64,
    /// Number of the last segment that this one stands for. Differs from `number` only after a rewrite.
    pub(crate) through: u64,
    /// Every id in earlier segments is at or below the base, every id in this one above.
    pub(crate) base: EventId,
    /// Initial value of the checksums of the frames.
    pub(crate) salt: u32,
    /// Length of the file after a rewrite. None for a segment that was appended to: the next segment tells its end.
    pub(crate) rewritten_bytes: Option<u64>,
    /// The segment before. None if there is none, or nobody knows.
    pub(crate) previous: Option<Previous>,
    /// The run of the machine in which the events were appended.
    pub(crate) boot: Boot,
    /// Whether each write was synced before anybody saw it.
    pub(crate) is_synced: bool,
}

/// The part of the segment before that counts. The rest of that file was refused or cut off by a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    /// Salt of the segment before. A rewritten file has another salt.
    pub(crate) salt: u32,
    /// Length of the part that counts, never 0.
    pub(crate) bytes: u64,
}

/// The reason for which bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The bytes are damaged or were never a header.
    Damaged,
    /// The format is one that this program does not know.
    Newer { format: u16 },
}

impl Header {
    pub(crate) fn is_rewritten(&self) -> bool {
        self.rewritten_bytes.is_some()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let previous = self.previous.unwrap_or(Previous { salt: 0, bytes: 0 });
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&if self.is_synced { IS_SYNCED } else { 0 }.to_le_bytes());
        put_u64(&mut bytes, self.number);
        put_u64(&mut bytes, self.through);
        put_id(&mut bytes, self.base);
        put_u32(&mut bytes, self.salt);
        put_u64(&mut bytes, self.rewritten_bytes.unwrap_or_default());
        put_u32(&mut bytes, previous.salt);
        put_u64(&mut bytes, previous.bytes);
        bytes.extend_from_slice(&self.boot.to_bytes());
        seal(&mut bytes);
        bytes
    }

    /// Decodes the header that `bytes` begin with.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let fields = bytes.get(..HEADER_BYTES).and_then(unseal).ok_or(HeaderError::Damaged)?;
        let mut reader = Reader::new(fields);
        if reader.array() != Some(MAGIC) {
            return Err(HeaderError::Damaged);
        }
        match reader.u16() {
            Some(FORMAT | FORMAT_WITHOUT_CLAIMS) => Self::decode_fields(reader).ok_or(HeaderError::Damaged),
            Some(format) => Err(HeaderError::Newer { format }),
            None => Err(HeaderError::Damaged),
        }
    }

    fn decode_fields(mut reader: Reader<'_>) -> Option<Self> {
        let is_synced = reader.u16()? & IS_SYNCED != 0;
        let (number, through, base, salt) = (reader.u64()?, reader.u64()?, reader.id()?, reader.u32()?);
        let rewritten_bytes = Some(reader.u64()?).filter(|bytes| *bytes > 0);
        let previous = Previous { salt: reader.u32()?, bytes: reader.u64()? };
        let boot = Boot::from_bytes(reader.array()?);
        let previous = Some(previous).filter(|previous| previous.bytes > 0);
        let header = Self { number, through, base, salt, rewritten_bytes, previous, boot, is_synced };
        (number <= through).then_some(header)
    }
}

/// Appends the checksum of `bytes`.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    let checksum = crc32fast::hash(bytes);
    put_u32(bytes, checksum);
}

/// The bytes before the checksum. None if the checksum is wrong.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (fields, checksum) = bytes.split_last_chunk()?;
    (crc32fast::hash(fields) == u32::from_le_bytes(*checksum)).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            number: 3,
            through: 5,
            base: EventId::new(7, 9),
            salt: 11,
            rewritten_bytes: Some(13),
            previous: Some(Previous { salt: 15, bytes: 17 }),
            boot: Boot::from_bytes([19; 16]),
            is_synced: true,
        }
    }

    #[test]
    fn a_header_comes_back_as_it_was_and_has_its_length() {
        let bytes = header().encode();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(format!("{:?}", Header::decode(&bytes).unwrap()), format!("{:?}", header()));
        let plain = Header { rewritten_bytes: None, previous: None, is_synced: false, ..header() };
        assert_eq!(format!("{:?}", Header::decode(&plain.encode()).unwrap()), format!("{plain:?}"));
    }

    #[test]
    fn every_flipped_bit_is_damage_and_never_a_newer_format() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes).unwrap_err(), HeaderError::Damaged, "{bit}");
        }
        assert_eq!(Header::decode(&header().encode()[..87]).unwrap_err(), HeaderError::Damaged);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut bytes = header().encode();
        for (format, is_known) in [(1, true), (2, true), (3, false)] {
            bytes[8] = format;
            bytes.truncate(HEADER_BYTES - 4);
            seal(&mut bytes);
            match Header::decode(&bytes) {
                Ok(_) => assert!(is_known, "{format}"),
                Err(error) => assert_eq!((error, is_known), (HeaderError::Newer { format: 3 }, false)),
            }
        }
    }
}
