//! [`Reserve`]: a file that holds room for the one thing that frees room on a full disk and needs some for it: a rewrite.

use std::{io, sync::Arc};

use crate::files::{Files, write_all};

/// The name of the file. It holds nothing that anybody reads, and is no loss.
pub(crate) const RESERVE: &str = "reserve";
const PIECE_BYTES: usize = 4_096;

/// The file, or the place for it.
#[derive(Debug)]
pub(crate) struct Reserve {
    files: Arc<dyn Files>,
    bytes: u64,
    is_made: bool,
}

impl Reserve {
    /// One of so many bytes, if there is room for them.
    pub(crate) fn new(files: Arc<dyn Files>, bytes: u64) -> Self {
        let listed = files.list().unwrap_or_default();
        let is_made = listed.iter().any(|file| file.name == RESERVE && file.bytes == bytes);
        let mut reserve = Self { files, bytes, is_made };
        reserve.make();
        reserve
    }

    pub(crate) fn is_made(&self) -> bool {
        self.is_made
    }

    /// Takes the room, unless it has it already, or there is none.
    pub(crate) fn make(&mut self) {
        if self.is_made {
            return;
        }
        self.is_made = self.write().is_ok();
        if !self.is_made {
            // Part of it would be of no use here, and may be of use to an event.
            let _ = self.files.remove(RESERVE);
        }
    }

    /// Gives the room to whoever takes it first.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.is_made = false;
        self.files.remove(RESERVE)
    }

    /// Noise, because a file system may give zeros no room.
    fn write(&self) -> io::Result<()> {
        let file = self.files.create(RESERVE)?;
        let mut left = self.bytes;
        while left > 0 {
            let noise: [u8; PIECE_BYTES] = rand::random();
            let piece = noise.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(&noise);
            write_all(&*file, piece)?;
            left -= piece.len() as u64;
        }
        file.sync_data()
    }
}
