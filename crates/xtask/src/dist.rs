//! [`build`]: how a program is built that is shipped: with the profile `dist`, and so that the same sources give the same
//! bytes wherever they are.
//!
//! Paths of this machine do not get into the program: those of the sources, of cargo's home and of the target directory
//! are replaced, in Rust and in C.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::invocation::{Invocation, Workspace};

/// The command that builds the server for `target`, a triple of rustc. `cargo` is the word after `cargo`.
pub(crate) fn build(workspace: &Workspace, cargo: &str, target: &str) -> Result<Invocation, String> {
    shipped(workspace, command(cargo, target))
}

/// The same command without its variables.
pub(crate) fn command(cargo: &str, target: &str) -> Invocation {
    Invocation::new(&["cargo", cargo, "--locked", "--profile", "dist", "--package", "fanfare", "--target", target])
}

/// A command with the variables of a build that is shipped.
pub(crate) fn shipped(workspace: &Workspace, invocation: Invocation) -> Result<Invocation, String> {
    with_variables(workspace, &cargo_home()?, &epoch(workspace)?, invocation)
}

/// The same with this home of cargo, and this time for files of packages.
pub(crate) fn with_variables(
    workspace: &Workspace,
    home: &Path,
    epoch: &str,
    invocation: Invocation,
) -> Result<Invocation, String> {
    // The target directory may be below the root: the last one that fits counts.
    let places = [(home, "/cargo"), (workspace.root(), "/fanfare"), (workspace.target(), "/target")];
    if places.iter().any(|(path, _)| path.display().to_string().contains(char::is_whitespace)) {
        return Err("a build that is shipped needs paths without spaces".to_owned());
    }
    let flags = |flag: &str| {
        let flags = places.iter().map(|(path, name)| format!("{flag}={}={name}", path.display()));
        flags.collect::<Vec<_>>().join(" ")
    };
    Ok(invocation
        .with_env("CARGO_HOME", &home.display().to_string())
        .with_env("CARGO_INCREMENTAL", "0")
        .with_env("SOURCE_DATE_EPOCH", epoch)
        .with_env("RUSTFLAGS", &flags("--remap-path-prefix"))
        .with_env("CFLAGS", &flags("-ffile-prefix-map")))
}

/// Where the program is then.
pub(crate) fn program(workspace: &Workspace, target: &str) -> PathBuf {
    workspace.target().join(target).join("dist/fanfare")
}

/// The triple of this machine.
pub(crate) fn host(workspace: &Workspace) -> Result<String, String> {
    let answer = workspace.ask(&Invocation::new(&["rustc", "--version", "--verbose"]))?;
    let host = answer.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say which machine this is".to_owned())
}

/// The time of the newest commit, in seconds: the date of files in packages. A variable of the caller counts first.
pub(crate) fn epoch(workspace: &Workspace) -> Result<String, String> {
    if let Ok(epoch) = env::var("SOURCE_DATE_EPOCH") {
        return Ok(epoch);
    }
    let log = Invocation::new(&["git", "log", "-1", "--format=%ct"]);
    let said = workspace.ask(&log).map_err(|why| format!("{why}; without git give SOURCE_DATE_EPOCH"))?;
    Ok(said.trim().to_owned())
}

/// The directory where cargo has the sources of crates.
pub(crate) fn cargo_home() -> Result<PathBuf, String> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return std::path::absolute(home).map_err(|error| format!("CARGO_HOME: {error}"));
    }
    let home = env::var_os("HOME").ok_or("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_names_the_profile_and_hides_the_paths_of_this_machine() {
        let workspace = Workspace::find().unwrap().with_target("/elsewhere/t").unwrap();
        let typed = build(&workspace, "zigbuild", "x86_64-unknown-linux-musl").unwrap().to_string();
        let end = "cargo zigbuild --locked --profile dist --package fanfare --target x86_64-unknown-linux-musl";
        assert!(typed.ends_with(end), "{typed}");
        let root = workspace.root().display();
        assert!(
            typed.contains(&format!("--remap-path-prefix={root}=/fanfare --remap-path-prefix=/elsewhere/t=/target"))
        );
        assert!(typed.contains("-ffile-prefix-map=/elsewhere/t=/target"), "{typed}");
        assert!(program(&workspace, "a").ends_with("t/a/dist/fanfare"));
        let spaced = workspace.with_target("/else where").unwrap();
        assert!(build(&spaced, "build", "a").unwrap_err().contains("without spaces"));
    }
}
