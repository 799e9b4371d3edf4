//! `fanfare pages`: writes man pages and completions for shells, from the one definition of the command line. Packages run it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Command;
use clap_complete::Shell;

use crate::failure::Failure;

/// The name of the program.
const NAME: &str = "fanfare";
/// Shells with completions.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes `man/` and `completions/` into `directory`. Other files there stay.
pub(crate) fn run(directory: &Path, definition: &Command) -> Result<(), Failure> {
    let (pages, completions) = (directory.join("man"), directory.join("completions"));
    let made = |path: &PathBuf| fs::create_dir_all(path);
    let written = || -> io::Result<()> {
        [&pages, &completions].into_iter().try_for_each(made)?;
        clap_mangen::generate_to(definition.clone(), &pages)?;
        for shell in SHELLS {
            clap_complete::generate_to(shell, &mut definition.clone(), NAME, &completions)?;
        }
        Ok(())
    };
    written().map_err(|error| Failure::of_system(&format!("{} cannot be written", directory.display()), &error))
}
