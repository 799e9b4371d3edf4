//! The directory of `--journal`: the check before a server starts ([`check`]), the directories above it
//! ([`make_parents`]), and the advice on errors ([`cured`]).

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use fanfare_disk::{DiskJournal, OpenError};

/// Checks whether a server could start with this journal. Writes nothing. Another server may have the journal open.
///
/// # Errors
/// A sentence that says what to do.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    match parents(path).find(|parent| parent.exists()) {
        Some(above) if !above.is_dir() => Err(not_a_directory(above)),
        _ => told(DiskJournal::check(path)),
    }
}

/// Adds advice to an error. The directory may be closed to the person who checks and open to the server's user.
fn told(checked: Result<(), OpenError>) -> Result<(), String> {
    match checked {
        Err(OpenError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Ok(()),
        checked => checked.map_err(|error| cured(&error)),
    }
}

/// Makes the directories above `path` that do not exist. The journal makes the last one itself, for its owner alone.
///
/// # Errors
/// A sentence that names the directory that cannot be made.
pub(crate) fn make_parents(path: &Path) -> Result<(), String> {
    let missing: Vec<_> = parents(path).take_while(|parent| !parent.exists()).collect();
    for directory in missing.into_iter().rev() {
        make(directory).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => not_a_directory(directory.parent().unwrap_or(directory)),
            _ => format!("{} cannot be created: {error}", directory.display()),
        })?;
    }
    Ok(())
}

/// The reason why there can be no journal, and what to do.
pub(crate) fn cured(error: &OpenError) -> String {
    let cure = match error {
        OpenError::Foreign(_) => "; give a directory that is empty or does not exist yet",
        OpenError::Locked(_) => "; each server needs a directory of its own",
        OpenError::NotWritable { .. } => "; give a directory that this user may write to",
        _ => "",
    };
    format!("{error}{cure}")
}

fn not_a_directory(path: &Path) -> String {
    OpenError::NotADirectory(path.to_owned()).to_string()
}

/// The directories above `path`, the nearest first.
fn parents(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty())
}

/// Makes a directory. Its name is on the disk before anything is written below it.
fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        // Another server has made the directory meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
    fs::File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_minds_what_is_wrong_and_not_that_it_may_not_look() {
        let io = |kind: ErrorKind| told(Err(OpenError::Io { file: "/x".to_owned(), source: kind.into() }));
        assert_eq!(io(ErrorKind::PermissionDenied), Ok(()));
        assert!(io(ErrorKind::InvalidInput).unwrap_err().starts_with("/x cannot be read: "));
        let foreign = told(Err(OpenError::Foreign("/x".into()))).unwrap_err();
        assert!(foreign.ends_with("; give a directory that is empty or does not exist yet"), "{foreign}");
    }
}
