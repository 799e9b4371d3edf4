//! Each fault that an image may have. Also the real image: cargo can read the tree that its build is sent.

use std::{path::PathBuf, process};

use super::*;
use crate::invocation::{Invocation, Workspace};

const GOOD: &str = "\
# A comment: COPY nothing\\
FROM rust:1.95-alpine3.22 AS build
COPY Cargo.toml Cargo.lock ./
COPY crates crates
RUN cargo build --locked \\
 --profile dist
FROM alpine:3.22
COPY --from=build /fanfare/target/dist/fanfare /usr/local/bin/fanfare
USER 10001:10001
ENV FANFARE_LISTEN=0.0.0.0:3000
EXPOSE 3000
HEALTHCHECK --interval=1s CMD [\"wget\", \"http://127.0.0.1:3000/healthz\"]
";
const GOOD_IGNORE: &str = "# A comment\n.git\ntarget\n**/target\n\ncrates/notes\n";
const MANIFEST: &str = "rust-version = \"1.95\"\n[profile.dist]\n";
const FILES: &[&str] =
    &["Cargo.toml", "Cargo.lock", "crates/a/Cargo.toml", "crates/a/src/lib.rs", "crates/notes/a.md", "fuzz/Cargo.toml"];

fn seen(dockerfile: &str, ignore: &str) -> Vec<String> {
    Image { steps: steps(dockerfile), ignore: patterns(ignore), manifest: MANIFEST, files: FILES }.faults()
}

#[test]
fn an_image_that_fits_has_no_faults() {
    assert_eq!(seen(GOOD, GOOD_IGNORE), [""; 0]);
}

#[test]
fn each_thing_in_the_dockerfile_that_does_not_fit_is_one_fault() {
    let cases = [
        ("COPY crates crates", "COPY crates assets ./", "copies assets, which is not there"),
        ("COPY crates crates\n", "", "does not copy crates/a/Cargo.toml, which cargo reads"),
        ("Cargo.toml Cargo.lock ./", "Cargo.toml ./", "does not copy Cargo.lock, which cargo reads"),
        ("/target/dist/", "/target/release/", "does not copy the program that the profile dist makes"),
        (" --profile dist", " --release", "names no profile"),
        ("rust:1.95-", "rust:1.90-", "does not build with Rust 1.95, which Cargo.toml asks for"),
        ("0.0.0.0:3000", "0.0.0.0:8080", "exposes port 3000 and listens on 0.0.0.0:8080"),
        ("/healthz", "/", "has no HEALTHCHECK that asks \"http://127.0.0.1:3000/healthz\""),
        ("FROM alpine:3.22", "FROM alpine:3.21", "builds and runs on different systems"),
        ("FROM alpine:3.22", "FROM scratch", "builds and runs on different systems"),
        ("ENV FANFARE_LISTEN=0.0.0.0:3000\n", "", "exposes port 3000 and listens on loopback"),
        ("USER 10001:10001", "USER 0:0", "runs as root"),
        ("USER 10001:10001\n", "", "runs as root"),
    ];
    for (good, bad, fault) in cases {
        assert!(GOOD.contains(good));
        assert_eq!(seen(&GOOD.replace(good, bad), GOOD_IGNORE), [format!("Dockerfile: {fault}")]);
    }
    let other = GOOD.replace("dist", "small");
    assert_eq!(
        seen(&other, GOOD_IGNORE),
        ["Dockerfile: builds with the profile small, which Cargo.toml does not have"]
    );
}

#[test]
fn each_pattern_that_is_missing_or_too_much_is_a_fault() {
    let cases = [
        (".git\ntarget", vec![]),
        ("target", vec!["does not have .git"]),
        (".git\n**/target", vec!["does not have target"]),
        (".git\ntarget\n*.md", vec!["*.md is a kind of pattern that this check does not know"]),
        (".git\ntarget\n**/src", vec!["leaves out crates/a/src/lib.rs, which the build needs"]),
        (".git\ntarget\nCargo.lock", vec!["leaves out Cargo.lock, which the build needs"]),
    ];
    for (ignore, faults) in cases {
        let faults: Vec<String> = faults.iter().map(|fault| format!(".dockerignore: {fault}")).collect();
        assert_eq!(seen(GOOD, ignore), faults, "{ignore}");
    }
}

#[test]
fn a_variable_without_a_setting_is_a_fault() {
    let settings = "#[arg(long, env = \"FANFARE_LISTEN\")]";
    assert!(unknown_variables("FANFARE_LISTEN: ${FANFARE_LISTEN:?x}", settings).is_empty());
    let faults = unknown_variables("ENV FANFARE_LISTENS=1", settings);
    assert_eq!(faults, ["FANFARE_LISTENS is the variable of no setting"]);
}

/// A directory with the files that the build is sent and copies. Removed at the end.
struct Context(PathBuf);

impl Drop for Context {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_the_build_copies_is_a_workspace_that_cargo_can_read() {
    let workspace = Workspace::find().unwrap();
    let list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = workspace.ask(&Invocation::new(&list)).unwrap();
    let files: Vec<&str> = listed.split_terminator('\0').filter(|path| workspace.root().join(path).exists()).collect();
    assert_eq!(faults(workspace.root(), &files).unwrap(), [""; 0]);

    let read = |path: &str| fs::read_to_string(workspace.root().join(path)).unwrap();
    let (dockerfile, ignore) = (read(DOCKERFILE), read(IGNORE));
    let image = Image { steps: steps(&dockerfile), ignore: patterns(&ignore), manifest: "", files: &files };
    let context = Context(std::env::temp_dir().join(format!("xtask-image-{}", process::id())));
    let sources = image.sources();
    for path in &files {
        let is_sent = !image.ignore.iter().any(|pattern| is_ignored(path, pattern));
        if is_sent && sources.iter().any(|source| is_below(path, source)) {
            let copy = context.0.join(path);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(workspace.root().join(path), copy).unwrap();
        }
    }
    let manifest = context.0.join("Cargo.toml").display().to_string();
    let metadata = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1", "--manifest-path"];
    let answer = workspace.ask(&Invocation::new(&metadata).with_args(&[&manifest])).unwrap();
    assert!(answer.contains("\"name\":\"fanfare\""), "{answer}");
}
