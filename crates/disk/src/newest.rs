//! [`Newest`]: the number of the newest segment, and how far ids may have come. A start needs both if that segment is
//! missing, because no segment behind it tells. One small file, replaced as a whole.
//!
//! The file may be ahead of the acknowledged ids, and is never behind. It is written before a segment has its first
//! record, and before an id is given that the file does not cover.

use std::{io, sync::Arc};

use fanfare_core::EventId;

use crate::{
    codec::{Reader, put_u64},
    files::{File, Files, write_all},
    header::{seal, unseal},
    names::{NEWEST, tmp_name},
};

const MAGIC: [u8; 8] = *b"FANNEWST";
const FORMAT: u16 = 1;

/// Milliseconds of ids that one write covers: a server that publishes without a pause writes the file once a minute. If
/// the newest segment is lost, ids go on at most so far above the last one given.
pub(crate) const RESERVED_MS: u64 = 60_000;

/// The contents of the file `newest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The number of the newest segment that may have a record; 0 if there was none yet.
    pub(crate) number: u64,
    /// The milliseconds of every given id are below this.
    pub(crate) ids_below_ms: u64,
}

/// The reason for which the file gives no contents.
#[derive(Debug)]
pub(crate) enum NewestError {
    /// The file is missing.
    Missing,
    /// The file is damaged.
    Damaged,
    /// The format is one that this program does not know.
    Newer { format: u16 },
    /// The file cannot be read.
    Io(io::Error),
}

impl Newest {
    /// Segment `number` is the newest, and ids may go on behind `last` for a while.
    pub(crate) fn reserve(number: u64, last: EventId) -> Self {
        Self { number, ids_below_ms: last.ms().saturating_add(RESERVED_MS) }
    }

    /// Whether the file covers a record in segment `number` with the id `last`.
    pub(crate) fn covers(&self, number: u64, last: EventId) -> bool {
        self.number == number && last.ms() < self.ids_below_ms
    }

    pub(crate) fn read(files: &dyn Files) -> Result<Self, NewestError> {
        match files.read(NEWEST, u64::MAX) {
            Ok(bytes) => Self::decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(NewestError::Missing),
            Err(error) => Err(NewestError::Io(error)),
        }
    }

    /// Replaces the file. After an error the file is as before, or already new.
    ///
    /// If `is_durable`, a crash of the machine does not undo the change. Else the caller has to sync the returned file.
    pub(crate) fn write(&self, files: &dyn Files, is_durable: bool) -> io::Result<Arc<dyn File>> {
        let tmp = tmp_name(NEWEST);
        let file = files.create(&tmp)?;
        write_all(&*file, &self.encode())?;
        if is_durable {
            file.sync_data()?;
        }
        files.rename(&tmp, NEWEST)?;
        if is_durable {
            files.sync_names()?;
        }
        Ok(file)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        put_u64(&mut bytes, self.number);
        put_u64(&mut bytes, self.ids_below_ms);
        seal(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, NewestError> {
        let mut reader = Reader::new(unseal(bytes).ok_or(NewestError::Damaged)?);
        if reader.array() != Some(MAGIC) {
            return Err(NewestError::Damaged);
        }
        match reader.u16() {
            Some(FORMAT) => Self::decode_fields(reader).ok_or(NewestError::Damaged),
            Some(format) => Err(NewestError::Newer { format }),
            None => Err(NewestError::Damaged),
        }
    }

    fn decode_fields(mut reader: Reader<'_>) -> Option<Self> {
        let newest = Self { number: reader.u64()?, ids_below_ms: reader.u64()? };
        reader.is_empty().then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_any_damage_is_seen() {
        let newest = Newest { number: 3, ids_below_ms: 5 };
        let bytes = newest.encode();
        assert_eq!(Newest::decode(&bytes).unwrap(), newest);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(matches!(Newest::decode(&flipped), Err(NewestError::Damaged)), "{at}");
            assert!(matches!(Newest::decode(&bytes[..at]), Err(NewestError::Damaged)), "{at}");
        }
    }

    #[test]
    fn it_covers_its_own_segment_and_ids_up_to_the_end_of_what_is_reserved() {
        let newest = Newest::reserve(3, EventId::new(7, 9));
        let (last, beyond) = (EventId::new(7 + RESERVED_MS - 1, u64::MAX), EventId::new(7 + RESERVED_MS, 0));
        assert!(newest.covers(3, last) && !newest.covers(3, beyond));
        assert!(!newest.covers(2, last) && !newest.covers(4, last));
    }
}
