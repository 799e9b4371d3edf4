//! `cargo xtask deb`: the Debian package. It is built, listed, held against Debian's own check, and installed, upgraded and
//! removed in a copy of this system, from which the program serves.
//!
//! The list of its files is in crates/server/Cargo.toml. The units of the package are those of the examples, with the place
//! where a package puts the program. The program itself writes its man pages and completions.

use std::{fs, path::PathBuf};

use crate::{
    dist, install,
    invocation::{Invocation, Workspace},
    release_parts, trial,
};

const UNIT: &str = "examples/systemd/fanfare.service";
/// What is done before the package is removed, beside what cargo-deb writes.
/// Lines of the package's own in its scripts. cargo-deb adds those for the service.
const SCRIPTS: [&str; 2] = ["packaging/debian/prerm", "packaging/debian/postrm"];
const SOCKET: &str = "examples/systemd/fanfare.socket";
/// The section of the socket's unit, and the same with what it needs under another name than the service's.
const SOCKET_SECTION: [&str; 2] = ["\n[Socket]\n", "\n[Socket]\nService=fanfare.service\n"];
/// Where the unit of the examples has the program, and where a package has it.
const PROGRAM: [&str; 2] = ["/usr/local/bin/fanfare", "/usr/bin/fanfare"];
/// Files that are made of others. The path is in crates/server/Cargo.toml, so it is not in cargo's target directory.
const STAGE: &str = "target/package";

/// The greatest exposure of the service that `systemd-analyze security` may find, times ten.
const EXPOSURE_MAX: &str = "20";

/// Files that the package must have, with their rights.
const FILES: &[(&str, &str)] = &[
    ("-rwxr-xr-x", "./usr/bin/fanfare"),
    ("-rw-r--r--", "./etc/fanfare/fanfare.toml"),
    ("-rw-r--r--", "./usr/lib/systemd/system/fanfare.service"),
    ("-rw-r--r--", "./usr/lib/systemd/system/fanfare.service.d/hardening.conf"),
    ("-rw-r--r--", "./usr/lib/systemd/system/fanfare-http.socket"),
    ("-rw-r--r--", "./usr/share/man/man1/fanfare.1.gz"),
    ("-rw-r--r--", "./usr/share/man/man1/fanfare-serve.1.gz"),
    ("-rw-r--r--", "./usr/share/man/man1/fanfare-journal-check.1.gz"),
    ("-rw-r--r--", "./usr/share/bash-completion/completions/fanfare"),
    ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_fanfare"),
    ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/fanfare.fish"),
    ("-rw-r--r--", "./usr/share/doc/fanfare/copyright"),
    ("-rw-r--r--", "./usr/share/doc/fanfare/LICENSE-MIT"),
    ("-rw-r--r--", "./usr/share/doc/fanfare/docs/settings.md"),
];

/// The life of the package: installed, upgraded with a changed settings file, removed, and purged. `$1` is the package.
const LIFE: &str = r#"
set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg -i "$1"
dpkg --verify fanfare
fanfare serve --config /etc/fanfare/fanfare.toml --check
systemd-analyze verify fanfare.service fanfare-http.socket
systemd-analyze security --offline=true --threshold="$2" fanfare.service | tail -1
test -L /etc/systemd/system/multi-user.target.wants/fanfare.service
test ! -e /etc/systemd/system/sockets.target.wants
# A system may be told to install no manual, so they are looked at in the package itself.
dpkg -x "$1" /tmp/unpacked
gzip -dc /tmp/unpacked/usr/share/man/man1/fanfare-serve.1.gz | grep -q '^\.TH fanfare-serve '
bash -n /tmp/unpacked/usr/share/bash-completion/completions/fanfare
echo '# mine' >> /etc/fanfare/fanfare.toml
systemctl enable fanfare-http.socket
test -L /etc/systemd/system/sockets.target.wants/fanfare-http.socket
dpkg -i "$1"
grep -q '^# mine$' /etc/fanfare/fanfare.toml
dpkg -r fanfare
test ! -e /usr/bin/fanfare
grep -q '^# mine$' /etc/fanfare/fanfare.toml
dpkg -P fanfare
test ! -e /etc/fanfare/fanfare.toml
test ! -e /etc/systemd/system/multi-user.target.wants/fanfare.service
test ! -e /usr/lib/systemd/system/fanfare-http.socket
test ! -L /etc/systemd/system/sockets.target.wants/fanfare-http.socket
"#;

/// Installs the package, and becomes its program.
const SERVE: &str = r#"dpkg -i "$1" > /dev/null && shift && exec fanfare "$@""#;

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    install::provide(workspace, "a Debian package needs", release_parts::DEB)?;
    let host = dist::host(workspace)?;
    workspace.run(&dist::build(workspace, "build", &host)?)?;
    let package = pack(workspace, &host)?;
    let path = package.display().to_string();
    let bytes = || fs::read(&package).map_err(|error| format!("{path}: {error}"));
    let first = bytes()?;
    pack(workspace, &host)?;
    if first != bytes()? {
        return Err(format!("{path} was made twice of the same, and is not the same"));
    }
    let contents = workspace.ask(&Invocation::new(&["dpkg-deb", "--contents", &path]))?;
    let missing = missing(&contents);
    if !missing.is_empty() {
        return Err(format!("{path} lacks:\n{}\nit has:\n{contents}", missing.join("\n")));
    }
    workspace.run(&Invocation::new(&[
        "lintian",
        "--allow-root",
        "--fail-on",
        "error,warning",
        "--no-tag-display-limit",
        &path,
    ]))?;
    let copy = workspace.root().join("crates/xtask/in-a-copy.sh").display().to_string();
    let place = workspace.target().join("packages").display().to_string();
    let shown = Invocation::new(&["sh", &copy, "sh", "-c", LIFE, "sh", &path, EXPOSURE_MAX]);
    workspace.run(&shown.with_env("IN_A_COPY_SHOWS", &place))?;
    let shows = format!("IN_A_COPY_SHOWS={place}");
    let version = trial::serve(&["env", &shows, "sh", &copy, "sh", "-c", SERVE, "sh", &path])
        .map_err(|why| format!("{path} was installed, and {why}"))?;
    println!(
        "{path}: {version}, installed, upgraded, removed and purged in a copy of this system, where it has served"
    );
    Ok(())
}

/// Makes the package of what is built.
fn pack(workspace: &Workspace, host: &str) -> Result<PathBuf, String> {
    let failed = |error| format!("{STAGE}: {error}");
    let read = |path: &str| fs::read_to_string(workspace.root().join(path)).map_err(|error| format!("{path}: {error}"));
    let (unit, socket) = (read(UNIT)?, read(SOCKET)?);
    let stage = workspace.root().join(STAGE);
    // What an earlier run has left would be packaged too.
    if stage.exists() {
        fs::remove_dir_all(&stage).map_err(failed)?;
    }
    // cargo-deb takes the units and scripts that lie in the stage itself.
    fs::create_dir_all(stage.join("units")).map_err(failed)?;
    fs::write(stage.join("units/fanfare-http.socket"), packaged_socket(&socket)?).map_err(failed)?;
    fs::write(stage.join("fanfare.service"), packaged(&unit)?).map_err(failed)?;
    for script in SCRIPTS {
        let name = script.rsplit('/').next().unwrap_or(script);
        fs::write(stage.join(name), read(script)?).map_err(failed)?;
    }
    let program = dist::program(workspace, host).display().to_string();
    workspace.run(&Invocation::new(&[&program, "pages", &stage.display().to_string()]))?;
    let packages = workspace.target().join("packages");
    fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    let path = packages.join("fanfare.deb");
    let words =
        ["cargo", "deb", "--package", "fanfare", "--profile", "dist", "--target", host, "--no-build", "--no-strip"];
    let words = Invocation::new(&words).with_args(&["--output", &path.display().to_string()]);
    workspace.run(&dist::shipped(workspace, words)?)?;
    Ok(path)
}

/// The unit as the package has it.
fn packaged(unit: &str) -> Result<String, String> {
    let [from, to] = PROGRAM;
    let start = format!("\nExecStart={from} ");
    if !unit.contains(&start) {
        return Err(format!("{UNIT} does not start {from}"));
    }
    Ok(unit.replace(from, to))
}

/// The unit of the socket as the package has it. Its name is not that of the service, so it says which one it is for.
fn packaged_socket(socket: &str) -> Result<String, String> {
    let [from, to] = SOCKET_SECTION;
    if socket.matches(from).count() != 1 {
        return Err(format!("{SOCKET} has no section [Socket]"));
    }
    Ok(socket.replace(from, to).replace("fanfare.socket", "fanfare-http.socket"))
}

/// The files that the output of `dpkg-deb --contents` does not have as they must be.
fn missing(contents: &str) -> Vec<String> {
    let has = |rights: &str, path: &str| {
        let words = contents.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // By name or by number.
        words
            .into_iter()
            .any(|words| matches!(words[..], [is, "root/root" | "0/0", _, _, _, name] if is == rights && name == path))
    };
    let missing = FILES.iter().filter(|(rights, path)| {
        // A long text is compressed.
        !has(rights, path) && !has(rights, &format!("{path}.gz"))
    });
    missing.map(|(rights, path)| format!("{rights} {path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_the_package_is_that_of_the_examples_at_another_place() {
        let workspace = Workspace::find().unwrap();
        let unit = fs::read_to_string(workspace.root().join(UNIT)).unwrap();
        let there = packaged(&unit).unwrap();
        assert!(there.contains("\nExecStart=/usr/bin/fanfare serve ") && !there.contains("/usr/local/"), "{there}");
        assert_eq!(unit.lines().count(), there.lines().count());
        assert!(packaged("ExecStart=fanfare").unwrap_err().contains("does not start /usr/local/bin/fanfare"));
    }

    #[test]
    fn the_socket_of_the_package_starts_the_service() {
        let workspace = Workspace::find().unwrap();
        let socket = packaged_socket(&fs::read_to_string(workspace.root().join(SOCKET)).unwrap()).unwrap();
        assert!(socket.contains("\n[Socket]\nService=fanfare.service\n"), "{socket}");
        // What its comment tells to enable is this unit.
        assert!(socket.contains("systemctl enable --now fanfare-http.socket "), "{socket}");
        assert!(packaged_socket("[Unit]\n").unwrap_err().contains("no section [Socket]"));
    }

    #[test]
    fn each_file_that_is_not_there_or_has_other_rights_is_missing() {
        let line = |(rights, path): &(&str, &str)| format!("{rights} root/root  100 2026-11-30 00:00 {path}\n");
        let whole: String = FILES.iter().map(line).collect();
        assert_eq!(missing(&whole), [""; 0]);
        assert_eq!(missing(&whole.replace("settings.md", "settings.md.gz")), [""; 0]);
        assert_eq!(missing(&whole.replace("-rwxr-xr-x", "-rwsr-xr-x")), ["-rwxr-xr-x ./usr/bin/fanfare"]);
    }

    #[test]
    fn the_changelog_of_the_package_has_the_version_of_the_workspace() {
        let workspace = Workspace::find().unwrap();
        let read = |path: &str| fs::read_to_string(workspace.root().join(path)).unwrap();
        let manifest = read("Cargo.toml");
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap().trim_matches('"');
        let changelog = read("packaging/debian/changelog");
        assert!(changelog.starts_with(&format!("fanfare ({version}-1) ")), "{changelog}");
    }
}
