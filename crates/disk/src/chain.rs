//! [`Chain`]: the segments of a directory in order, read from their headers, and how much of each counts.

use std::io;

use fanfare_core::EventId;

use crate::{
    files::{Files, Listed},
    header::{HEADER_BYTES, Header, HeaderError},
    names::{is_tmp, segment_name, segment_number},
};

/// One segment file.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) number: u64,
    pub(crate) file_bytes: u64,
    /// None if the header is damaged.
    pub(crate) header: Option<Header>,
}

impl Link {
    pub(crate) fn name(&self) -> String {
        segment_name(self.number)
    }

    /// The number of the last segment that this file stands for.
    pub(crate) fn through(&self) -> u64 {
        self.header.as_ref().map_or(self.number, |header| header.through)
    }
}

/// All segments of a directory.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
    /// Files that stand for nothing any more: the remains of unfinished removals and rewrites.
    pub(crate) left_overs: Vec<String>,
}

/// The reason for which there is no chain.
#[derive(Debug)]
pub(crate) enum ChainError {
    /// A segment has a format that this program does not know.
    Newer { file: String, format: u16 },
    /// A file cannot be read.
    Io { file: String, source: io::Error },
}

impl Chain {
    /// Reads the headers. Segments up to `removed_upto` were given up.
    pub(crate) fn read(files: &dyn Files, removed_upto: u64, listed: &[Listed]) -> Result<Self, ChainError> {
        let mut chain = Self::default();
        chain.left_overs.extend(listed.iter().map(|file| &file.name).filter(|name| is_tmp(name)).cloned());
        let mut segments: Vec<(u64, &Listed)> =
            listed.iter().filter_map(|file| Some((segment_number(&file.name)?, file))).collect();
        segments.sort_unstable_by_key(|(number, _)| *number);
        let mut covered_upto = removed_upto;
        for (number, file) in segments {
            let header = read_header(files, number, &file.name)?;
            let link = Link { number, file_bytes: file.bytes, header };
            if number <= covered_upto && link.through() <= covered_upto {
                chain.left_overs.push(file.name.clone());
                continue;
            }
            covered_upto = link.through();
            chain.links.push(link);
        }
        Ok(chain)
    }

    /// Length of the part of a segment that counts. None for the last segment unless its header tells.
    pub(crate) fn length(&self, index: usize) -> Option<u64> {
        let link = self.links.get(index)?;
        let header = link.header.as_ref();
        if let Some(bytes) = header.and_then(|header| header.rewritten_bytes) {
            return Some(bytes);
        }
        let next = self.links.get(index + 1)?;
        let is_next = next.number.checked_sub(1) == Some(link.through());
        let previous = next.header.as_ref().filter(|_| is_next).and_then(|header| header.previous);
        let told = previous.filter(|previous| header.is_some_and(|header| header.salt == previous.salt));
        // A segment that the next one does not mention counts as a whole.
        Some(told.map_or(link.file_bytes, |previous| previous.bytes))
    }

    /// The base of the first segment from `index` on that has one. No id in an earlier segment is above the base.
    pub(crate) fn base_from(&self, index: usize) -> Option<EventId> {
        self.links.iter().skip(index).find_map(|link| Some(link.header.as_ref()?.base))
    }
}

/// Reads the header of a segment. None if the header is damaged.
fn read_header(files: &dyn Files, number: u64, name: &str) -> Result<Option<Header>, ChainError> {
    let bytes = files.read(name, HEADER_BYTES as u64);
    let bytes = bytes.map_err(|source| ChainError::Io { file: name.to_owned(), source })?;
    match Header::decode(&bytes) {
        Ok(header) => Ok(Some(header).filter(|header| header.number == number)),
        Err(HeaderError::Damaged) => Ok(None),
        Err(HeaderError::Newer { format }) => Err(ChainError::Newer { file: name.to_owned(), format }),
    }
}
