//! `cargo xtask sbom`: the list of all crates that the server is made of, with versions, licences and hashes, in the format
//! CycloneDX (JSON). `cargo-cyclonedx` makes it of Cargo.lock.

use std::fs;

use crate::{
    dist, install,
    invocation::{Invocation, Workspace},
    release_parts,
};

/// The tool writes this file beside the manifest of every member of the workspace.
const WRITTEN: &str = "fanfare-sbom.json";

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    install::provide(workspace, "a list of parts needs", release_parts::SBOM)?;
    let host = dist::host(workspace)?;
    let words = ["cargo", "cyclonedx", "--manifest-path", "crates/server/Cargo.toml", "--format", "json"];
    let more = ["--spec-version", "1.5", "--target", &host, "--no-build-deps", "--override-filename", "fanfare-sbom"];
    let made = dist::shipped(workspace, Invocation::new(&words).with_args(&more)).and_then(|make| workspace.run(&make));
    let text = fs::read_to_string(workspace.root().join("crates/server").join(WRITTEN));
    remove_written(workspace)?;
    made?;
    let text = text.map_err(|error| format!("cargo-cyclonedx has written no {WRITTEN}: {error}"))?;
    // Paths of this machine say nothing, and would make the list another one elsewhere.
    let text = text.replace(&format!("file://{}", workspace.root().display()), "file:///fanfare");
    let tree = workspace.ask(&Invocation::new(&[
        "cargo", "tree", "--locked", "-p", "fanfare", "-e", "normal", "--target", &host, "--prefix", "none",
        "--format", "{p}",
    ]))?;
    let count = whole(&text, &tree)?;
    let packages = workspace.target().join("packages");
    let path = packages.join("fanfare.cdx.json");
    fs::create_dir_all(&packages).and_then(|()| fs::write(&path, &text)).map_err(|error| error.to_string())?;
    println!("{}: {count} crates", path.display());
    Ok(())
}

/// Removes all that the tool has written, because it is no source.
fn remove_written(workspace: &Workspace) -> Result<(), String> {
    let manifests = workspace.ask(&Invocation::new(&["git", "ls-files", "-z", "*Cargo.toml"]))?;
    for manifest in manifests.split_terminator('\0') {
        let written = workspace.root().join(manifest).with_file_name(WRITTEN);
        if written.exists() {
            fs::remove_file(&written).map_err(|error| format!("{}: {error}", written.display()))?;
        }
    }
    Ok(())
}

/// Checks that the list has each crate of `cargo tree`, with a licence. Returns their number.
fn whole(text: &str, tree: &str) -> Result<usize, String> {
    if !text.contains("\"bomFormat\": \"CycloneDX\"") {
        return Err("what was written is no CycloneDX".to_owned());
    }
    let mut crates: Vec<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    crates.sort_unstable();
    crates.dedup();
    let missing = crates.iter().filter(|(name, version)| !text.contains(&format!("pkg:cargo/{name}@{version}")));
    let missing: Vec<String> = missing.map(|(name, version)| format!("{name} {version}")).collect();
    if missing.is_empty() && !crates.is_empty() {
        return Ok(crates.len());
    }
    Err(format!("the list lacks: {}", missing.join(", ")))
}

/// The name and version in a line of `cargo tree`: `bytes v1.12.1 (*)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_the_list_lacks_is_named() {
        let list = r#"{"bomFormat": "CycloneDX", "purl": "pkg:cargo/bytes@1.12.1"}"#;
        assert_eq!(whole(list, "bytes v1.12.1\nbytes v1.12.1 (*)\n"), Ok(1));
        assert_eq!(whole(list, "bytes v1.12.1\nhttp v1.4.0\n").unwrap_err(), "the list lacks: http 1.4.0");
        assert!(whole(list, "").is_err() && whole("{}", "bytes v1.12.1").is_err());
    }
}
