//! [`Active`]: the segment that is written to. Its good length covers whole groups only. The remains of a failed write
//! are cut off, or the segment is given up.

use std::{io, sync::Arc};

use thiserror::Error;

use crate::{
    files::{File, Files, write_all},
    header::{Header, Previous},
    names::{segment_name, tmp_name},
};

/// A refused append. Nothing of the group was acknowledged.
#[derive(Debug, Error)]
#[error("the journal cannot be written: {source}")]
pub(crate) struct AppendError {
    /// Whether the group may be there after a restart nevertheless.
    pub(crate) is_unknown: bool,
    /// The error of the system.
    pub(crate) source: io::Error,
}

#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: Arc<dyn File>,
    pub(crate) number: u64,
    pub(crate) salt: u32,
    /// Length of the part of the file that counts.
    pub(crate) bytes: u64,
    is_synced: bool,
}

impl Active {
    /// Creates a segment with nothing but its header.
    ///
    /// The file gets its name after the header was written, so no file with the name of a segment lacks a header. A
    /// file that has the name already comes from a creation that failed half way. If `is_durable`, a crash of the
    /// machine does not undo the creation.
    pub(crate) fn create(files: &dyn Files, header: &Header, is_durable: bool) -> io::Result<Self> {
        let name = segment_name(header.number);
        let tmp = tmp_name(&name);
        let created = Self::write_header(files, header, &tmp, is_durable).and_then(|active| {
            files.rename(&tmp, &name)?;
            if is_durable {
                files.sync_names()?;
            }
            Ok(active)
        });
        if created.is_err() {
            // The next attempt overwrites the remains, or the next start removes them.
            let _ = files.remove(&tmp);
        }
        created
    }

    fn write_header(files: &dyn Files, header: &Header, tmp: &str, is_durable: bool) -> io::Result<Self> {
        let bytes = header.encode();
        let file = files.create(tmp)?;
        write_all(&*file, &bytes)?;
        if is_durable {
            file.sync_data()?;
        }
        let Header { number, salt, is_synced, .. } = *header;
        Ok(Self { file, number, salt, bytes: bytes.len() as u64, is_synced })
    }

    /// Appends whole frames. After an error that is unknown nothing may be appended any more.
    pub(crate) fn append(&mut self, frames: &[u8]) -> Result<(), AppendError> {
        if let Err(source) = write_all(&*self.file, frames) {
            let is_unknown = self.file.set_len(self.bytes).is_err();
            return Err(AppendError { is_unknown, source });
        }
        if self.is_synced
            && let Err(source) = self.file.sync_data()
        {
            // Best effort: after a failed sync nobody knows which bytes of this file are on the disk.
            let _ = self.file.set_len(self.bytes);
            return Err(AppendError { is_unknown: true, source });
        }
        self.bytes += frames.len() as u64;
        Ok(())
    }

    /// Length and salt, for the header of the next segment.
    pub(crate) fn as_previous(&self) -> Previous {
        Previous { salt: self.salt, bytes: self.bytes }
    }
}
