//! [`Contents`]: everything that one segment holds, read as a whole into memory, and the faults in it.

use std::io;

use fanfare_core::EventId;

use crate::{
    boot::Boot,
    files::Files,
    finding::Finding,
    header::{Header, Previous},
    names::segment_name,
    record::{Record, Stored},
    scan::{Piece, Scan},
};

/// One segment, read as a whole.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// None if the header is damaged. The segment has no other contents then.
    pub(crate) header: Option<Header>,
    /// Events and keys.
    pub(crate) stored: Vec<Stored>,
    pub(crate) findings: Vec<Finding>,
    /// The last id of the records, or the last id before the segment.
    pub(crate) last: EventId,
    /// The newest id up to which events are lost; zero if none are.
    pub(crate) lost: EventId,
    /// Whether events up to the end are lost.
    pub(crate) is_end_lost: bool,
    /// Whether the segment was closed in order.
    pub(crate) is_ended: bool,
    /// Length of the part of the file that counts.
    pub(crate) bytes: u64,
}

impl Contents {
    /// Reads segment `number`. The ids before it go up to `last`. If `length` is known, no more bytes count. `found` is
    /// the header as it was read before, if it was.
    ///
    /// # Errors
    /// The segment cannot be read, or its header has changed.
    pub(crate) fn read(
        files: &dyn Files,
        number: u64,
        length: Option<u64>,
        last: EventId,
        boot: Boot,
        found: Option<&Header>,
    ) -> io::Result<Self> {
        let name = segment_name(number);
        let file = files.read(&name, u64::MAX)?;
        let Some(header) = Header::decode(&file).ok().filter(|header| header.number == number) else {
            let bytes = file.len() as u64;
            let findings = vec![Finding::DamagedHeader { file: name, bytes, after: last }];
            return Ok(Self { findings, last, is_end_lost: true, bytes: length.unwrap_or(bytes), ..Self::default() });
        };
        if found.is_some_and(|found| found.salt != header.salt) {
            return Err(io::Error::other(format!("{name} has been rewritten while the journal was read")));
        }
        let last = last.max(header.base);
        let mut contents = Self { last, bytes: length.unwrap_or(file.len() as u64), ..Self::default() };
        // A synced write that is not whole after a crash was never acknowledged.
        let is_tail_torn = length.is_none() && header.is_synced && !header.boot.is_same(boot);
        for piece in Scan::new(&file, header.salt, last, length) {
            contents.add(piece, &name, is_tail_torn);
        }
        contents.header = Some(header);
        Ok(contents)
    }

    fn add(&mut self, piece: Piece, name: &str, is_tail_torn: bool) {
        self.is_ended = matches!(piece, Piece::Record(Record::End(_)));
        match piece {
            Piece::Record(record) => {
                self.last = record.id();
                if let Record::Stored(stored) = record {
                    self.stored.push(stored);
                }
            }
            Piece::Torn { offset, bytes } => self.tear(name, offset, bytes),
            Piece::Damage(damage) if is_tail_torn && damage.before.is_none() => {
                self.tear(name, damage.offset, damage.bytes);
            }
            Piece::Damage(damage) => {
                self.findings.push(Finding::Damaged { file: name.to_owned(), damage });
                match damage.before {
                    Some(before) => self.lost = before.before(),
                    None => self.is_end_lost = true,
                }
            }
        }
    }

    fn tear(&mut self, name: &str, offset: u64, bytes: u64) {
        self.findings.push(Finding::Torn { file: name.to_owned(), offset, bytes });
        self.bytes = offset;
    }

    /// Length and salt, for the header of the next segment.
    pub(crate) fn as_previous(&self) -> Option<Previous> {
        Some(Previous { salt: self.header.as_ref()?.salt, bytes: self.bytes })
    }
}
