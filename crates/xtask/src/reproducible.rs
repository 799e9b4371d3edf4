//! `cargo xtask reproducible`: the server is built twice, in two directories, with two target directories and two homes of
//! cargo. Both programs have to have the same bytes.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    dist,
    invocation::{Invocation, Workspace},
};

/// Paths of different length, below the target directory.
const PLACES: [&str; 2] = ["one", "the/other/place"];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let host = dist::host(workspace)?;
    let epoch = dist::epoch(workspace)?;
    // So that no build waits for the network.
    workspace.run(&Invocation::new(&["cargo", "fetch", "--locked", "--target", &host]))?;
    let list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let files = workspace.ask(&Invocation::new(&list))?;
    let places = PLACES.map(|place| workspace.target().join("reproducible").join(place));
    // Both before the first build, which takes minutes: somebody may edit meanwhile.
    for place in &places {
        let failed = |error: io::Error| format!("{}: {error}", place.display());
        remove(place).map_err(failed)?;
        copy(workspace.root(), &place.join("sources"), &files).map_err(failed)?;
        link_home(&dist::cargo_home()?, &place.join("cargo")).map_err(failed)?;
    }
    let mut programs = Vec::new();
    for place in &places {
        let (root, home, target) = (place.join("sources"), place.join("cargo"), place.join("target"));
        let there = Workspace::at(&root)?.with_target(&target.display().to_string())?;
        there.run(&dist::with_variables(&there, &home, &epoch, dist::command("build", &host))?)?;
        programs.push(dist::program(&there, &host));
    }
    verdict(workspace, &programs)?;
    remove(&workspace.target().join("reproducible")).map_err(|error| error.to_string())
}

fn verdict(workspace: &Workspace, programs: &[PathBuf]) -> Result<(), String> {
    let paths: Vec<String> = programs.iter().map(|path| path.display().to_string()).collect();
    let sums = workspace
        .ask(&Invocation::new(&["sha256sum"]).with_args(&paths.iter().map(String::as_str).collect::<Vec<_>>()))?;
    print!("{sums}");
    if is_one_sum(&sums) {
        println!("{} programs from {} places have the same bytes", programs.len(), programs.len());
        return Ok(());
    }
    Err("the same sources gave different programs; both are kept, and `cmp -l` shows where they differ".to_owned())
}

/// Whether all lines of sha256sum begin with the same sum, and there are several.
fn is_one_sum(sums: &str) -> bool {
    let mut sums = sums.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
    let first = sums.next().unwrap_or_default();
    let others: Vec<&str> = sums.collect();
    first.len() == 64 && !others.is_empty() && others.iter().all(|sum| *sum == first)
}

/// Copies the files of the repository, links as links.
fn copy(from: &Path, to: &Path, files: &str) -> io::Result<()> {
    for path in files.split_terminator('\0') {
        let (source, copy) = (from.join(path), to.join(path));
        let Ok(metadata) = fs::symlink_metadata(&source) else { continue }; // Deleted, and git has not been told yet.
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent)?;
        }
        if metadata.is_symlink() {
            symlink(fs::read_link(&source)?, &copy)?;
        } else {
            fs::copy(&source, &copy)?;
        }
    }
    Ok(())
}

/// Another home of cargo, with the crates that are there.
fn link_home(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in ["registry", "config.toml"] {
        if from.join(name).exists() {
            symlink(from.join(name), to.join(name))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_the_same_if_all_their_sums_are() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert!(is_one_sum(&format!("{a}  one\n{a}  two\n")));
        for sums in [format!("{a}  one\n{b}  two\n"), format!("{a}  one\n"), String::new(), "\n\n".to_owned()] {
            assert!(!is_one_sum(&sums), "{sums}");
        }
    }

    #[test]
    fn a_copy_has_the_files_and_the_links_and_not_what_is_gone() {
        let place = std::env::temp_dir().join(format!("fanfare-copy-{}", std::process::id()));
        let (from, to) = (place.join("from"), place.join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/b"), "text").unwrap();
        symlink("a/b", from.join("link")).unwrap();
        copy(&from, &to, "a/b\0link\0gone\0").unwrap();
        assert_eq!(fs::read_to_string(to.join("a/b")).unwrap(), "text");
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("a/b"));
        assert!(!to.join("gone").exists());
        remove(&place).unwrap();
        remove(&place).unwrap();
    }
}
