//! Files of settings and keys. They are read whole, so that they have to be small.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// Largest file, far more than all settings or keys need.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a file of keys, which is a regular one: it is read again and again, and whoever opens a pipe waits for its writer.
///
/// # Errors
/// A sentence with the file.
pub(crate) fn keys(path: &Path) -> Result<Vec<u8>, String> {
    regular(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn regular(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    // The system itself refuses to read a directory.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("it is a pipe, a socket or a device; give a regular file"));
    }
    whole(path)
}

/// Reads a file, which may be a pipe.
///
/// # Errors
/// It cannot be read, or it has more than 1 MiB.
pub(crate) fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1MiB"));
    }
    Ok(bytes)
}
