//! [`Newest`]: which segment is the newest one, and how far ids may have come. It is for a start that does not find that
//! segment, which has none behind it that would tell. One small file, replaced as a whole.
//!
//! It may be ahead of what anybody was told, and never behind: it is written before a segment has its first record, and
//! before an id is given that is not below what it says.

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

/// For so many milliseconds of ids one write is enough: a server that publishes without a pause writes it once a minute. If
/// the newest segment is lost, ids go on so far above the last one given, at most.
pub(crate) const RESERVED_MS: u64 = 60_000;

/// The contents of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The number of the newest segment that may have a record; 0 if there was none yet.
    pub(crate) number: u64,
    /// The milliseconds of every id that was given are below this.
    pub(crate) ids_below_ms: u64,
}

/// What was found where the file should be.
#[derive(Debug)]
pub(crate) enum NewestError {
    /// There is no such file,
    Missing,
    /// or it is damaged.
    Damaged,
    /// This program does not know the format.
    Newer { format: u16 },
    /// It cannot be read.
    Io(io::Error),
}

impl Newest {
    /// Segment `number` is the newest, and ids may go on behind `last` for a while.
    pub(crate) fn reserve(number: u64, last: EventId) -> Self {
        Self { number, ids_below_ms: last.ms().saturating_add(RESERVED_MS) }
    }

    /// Whether it says enough for a record in segment `number` with the id `last`.
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

    /// Replaces the file; on an error it is as it was, or already new. If `is_durable`, a crash of the machine will not undo
    /// it; else the file that was written is for somebody to sync.
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
