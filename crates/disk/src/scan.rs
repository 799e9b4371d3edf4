//! [`Scan`]: reads the frames of one segment from its beginning to its end, whatever has become of its bytes.
//!
//! Bytes that are no valid frame are damage, and reading goes on at the next valid frame. Only the end of a segment
//! that nobody has sealed may be an unfinished write.

use fanfare_core::EventId;

use crate::{
    frame::{self, HEAD_BYTES, MAGIC},
    header::HEADER_BYTES,
    record::Record,
};

/// Bytes of a segment that are no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset of the first byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// The last id before them.
    pub after: EventId,
    /// Upper bound of the lost ids, if the file tells.
    pub before: Option<EventId>,
}

/// One piece of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Record(Record),
    Damage(Damage),
    /// An unfinished write, always the last piece.
    Torn {
        offset: u64,
        bytes: u64,
    },
}

/// The pieces of one segment in order, with strictly rising ids.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    /// The part of the file that counts.
    bytes: &'a [u8],
    salt: u32,
    /// Length that the segment should have. None for a segment that was being written.
    length: Option<usize>,
    offset: usize,
    last: EventId,
    /// The record that damage ended with.
    resumed: Option<Record>,
}

impl<'a> Scan<'a> {
    /// Reads `file`, a segment with a valid header. Its ids are above `last`. If `length` is known, no more bytes
    /// count.
    pub(crate) fn new(file: &'a [u8], salt: u32, last: EventId, length: Option<u64>) -> Self {
        let length = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let bytes = &file[..file.len().min(length.unwrap_or(usize::MAX))];
        Self { bytes, salt, length, offset: HEADER_BYTES, last, resumed: None }
    }

    /// Offset at which the segment ends, or should.
    fn end(&self) -> usize {
        self.length.unwrap_or_default().max(self.bytes.len())
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The record at `offset`, and the offset behind it.
    fn record_at(&self, offset: usize) -> Option<(Record, usize)> {
        let payload = frame::payload_at(self.bytes.get(offset..)?, self.salt)?;
        let record = Record::decode(payload).filter(|record| record.follows(self.last))?;
        Some((record, offset + HEAD_BYTES + payload.len()))
    }

    /// The first record behind the offset, with its own offset and the offset behind it.
    fn next_record(&self) -> Option<(usize, Record, usize)> {
        let windows = self.rest().windows(MAGIC.len()).enumerate().skip(1);
        let mut places = windows.filter(|(_, window)| *window == MAGIC).map(|(at, _)| self.offset + at);
        places.find_map(|at| self.record_at(at).map(|(record, next)| (at, record, next)))
    }

    /// Steps over bytes that are no record.
    fn damage(&mut self) -> Damage {
        let start = self.offset;
        let (end, found, next) = match self.next_record() {
            Some((at, record, next)) => (at, Some(record), next),
            None => (self.end(), None, self.end()),
        };
        self.offset = next;
        self.resumed = found;
        let before = self.resumed.as_ref().map(|record| match record {
            // An end repeats the last id, which may be that of a damaged record.
            Record::End(id) => id.next(0),
            record => record.id(),
        });
        Damage { offset: start as u64, bytes: (end - start) as u64, after: self.last, before }
    }

    fn record(&mut self, record: Record) -> Piece {
        self.last = record.id();
        Piece::Record(record)
    }
}

impl Iterator for Scan<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(record) = self.resumed.take() {
            return Some(self.record(record));
        }
        if self.offset >= self.end() {
            return None;
        }
        if let Some((record, next)) = self.record_at(self.offset) {
            self.offset = next;
            return Some(self.record(record));
        }
        if self.length.is_none() && frame::is_cut_short(self.rest(), self.salt) {
            let (offset, bytes) = (self.offset as u64, self.rest().len() as u64);
            self.offset = self.end();
            return Some(Piece::Torn { offset, bytes });
        }
        Some(Piece::Damage(self.damage()))
    }
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Event, Target};
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Entry, put_position};

    const SALT: u32 = 7;

    fn id(n: u64) -> EventId {
        EventId::new(1, n)
    }

    /// A segment with these ids, and where each of its frames begins.
    fn segment(ids: &[u64]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut starts) = (vec![0; HEADER_BYTES], Vec::new());
        for n in ids {
            starts.push(bytes.len());
            frame::put_frame(&mut bytes, SALT, |payload| put_position(payload, id(*n))).unwrap();
        }
        (bytes, starts)
    }

    fn scan(bytes: &[u8], length: Option<u64>) -> Vec<Piece> {
        Scan::new(bytes, SALT, id(0), length).collect()
    }

    fn record(n: u64) -> Piece {
        Piece::Record(Record::Position(id(n)))
    }

    #[test]
    fn an_id_that_does_not_rise_is_damage() {
        let (bytes, starts) = segment(&[1, 3, 3, 2, 4]);
        let (offset, length) = (starts[2] as u64, (starts[4] - starts[2]) as u64);
        let damage = Damage { offset, bytes: length, after: id(3), before: Some(id(4)) };
        assert_eq!(scan(&bytes, None), [record(1), record(3), Piece::Damage(damage), record(4)]);
    }

    #[test]
    fn what_lies_behind_the_known_length_does_not_count() {
        let (bytes, starts) = segment(&[1, 2]);
        assert_eq!(scan(&bytes, Some(starts[1] as u64)), [record(1)]);
    }

    #[test]
    fn a_file_that_is_shorter_than_its_known_length_is_damaged_and_never_torn() {
        let (bytes, starts) = segment(&[1, 2]);
        for cut in starts[1]..bytes.len() {
            let (offset, missing) = (starts[1] as u64, (bytes.len() - starts[1]) as u64);
            let damage = Piece::Damage(Damage { offset, bytes: missing, after: id(1), before: None });
            assert_eq!(scan(&bytes[..cut], Some(bytes.len() as u64)), [record(1), damage], "{cut}");
        }
    }

    #[test]
    fn data_that_contains_frames_of_another_segment_does_not_confuse_resynchronisation() {
        let (mut bytes, _) = segment(&[1]);
        let start = bytes.len();
        let mut inner = Vec::new();
        frame::put_frame(&mut inner, SALT + 1, |payload| put_position(payload, id(9))).unwrap();
        // No text holds the magic, so this is more than a publisher can do.
        frame::put_frame(&mut bytes, SALT, |payload| payload.extend(inner)).unwrap();
        let end = bytes.len();
        frame::put_frame(&mut bytes, SALT, |payload| put_position(payload, id(2))).unwrap();
        let (offset, length) = (start as u64, (end - start) as u64);
        let damage = Damage { offset, bytes: length, after: id(1), before: Some(id(2)) };
        assert_eq!(scan(&bytes, None), [record(1), Piece::Damage(damage), record(2)]);
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_scanning_ends_and_ids_rise(
            edits in proptest::collection::vec((0_usize..4_000, any::<u8>()), 0..20),
            cut in 0_usize..4_000,
            length in proptest::option::of(HEADER_BYTES as u64..5_000),
        ) {
            let mut bytes = vec![0; HEADER_BYTES];
            for n in 1..40 {
                let event = Event::new(Target::All, "x".repeat(n));
                let entry = Entry { event: &event, key: None };
                frame::put_frame(&mut bytes, SALT, |payload| entry.put(payload, id(n as u64))).unwrap();
            }
            for (at, byte) in edits {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut % 200));
            let mut last = id(0);
            for piece in Scan::new(&bytes, SALT, last, length) {
                if let Piece::Record(record) = piece {
                    prop_assert!(record.follows(last));
                    last = record.id();
                }
            }
        }

        #[test]
        fn random_bytes_hold_no_record(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let found = scan(&bytes, None);
            prop_assert!(found.iter().all(|piece| !matches!(piece, Piece::Record(_))));
        }
    }
}
