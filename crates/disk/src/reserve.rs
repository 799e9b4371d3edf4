//! [`Reserve`]: a file that holds room for operations that free room on a full disk and need some for it: a new segment
//! behind one that is mostly dead, and a rewrite.

use std::{io, sync::Arc};

use crate::{
    files::{Files, write_all},
    names::RESERVE,
};

const PIECE_BYTES: usize = 4_096;

/// The file, or the place for it.
#[derive(Debug)]
pub(crate) struct Reserve {
    files: Arc<dyn Files>,
    bytes_max: u64,
    /// None if the file is missing.
    bytes: Option<u64>,
}

impl Reserve {
    /// A reserve of `bytes_max`, made at once if the disk has room.
    pub(crate) fn new(files: Arc<dyn Files>, bytes_max: u64) -> Self {
        let listed = files.list().unwrap_or_default();
        let bytes = listed.iter().find(|file| file.name == RESERVE).map(|file| file.bytes);
        let mut reserve = Self { files, bytes_max, bytes: bytes.filter(|bytes| *bytes == bytes_max) };
        reserve.make();
        reserve
    }

    pub(crate) fn is_made(&self) -> bool {
        self.bytes.is_some()
    }

    /// Takes the room, or half of it. Does nothing if the room is taken already, or the disk has none.
    pub(crate) fn make(&mut self) {
        if self.bytes == Some(self.bytes_max) {
            return;
        }
        self.bytes = [self.bytes_max, self.bytes_max / 2].into_iter().find(|bytes| self.write(*bytes).is_ok());
        if self.bytes.is_none() {
            // A smaller file would be of little use here, and its room may be of use to an event.
            let _ = self.files.remove(RESERVE);
        }
    }

    /// Gives the room to whoever takes it first.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.bytes = None;
        self.files.remove(RESERVE)
    }

    /// Writes noise: a file system may give zeros no room.
    fn write(&self, bytes: u64) -> io::Result<()> {
        let file = self.files.create(RESERVE)?;
        let mut left = bytes;
        while left > 0 {
            let noise: [u8; PIECE_BYTES] = rand::random();
            let piece = noise.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&noise);
            write_all(&*file, piece)?;
            left -= piece.len() as u64;
        }
        file.sync_data()
    }
}
