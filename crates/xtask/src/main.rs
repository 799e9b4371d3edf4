//! `cargo xtask`: the chores of this repository, the same on a desk and in CI.
//!
//! This file reads the command line and turns the outcome into an exit code. Each chore is a separate file. Exit codes:
//! 0 done, 1 the chore failed, 2 the command line was not understood.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]
#![forbid(unsafe_code)]

mod advisories;
mod binaries;
mod ci;
mod circles;
mod deb;
mod deny;
mod dist;
mod failure;
mod follow;
mod image;
mod install;
mod invocation;
mod json;
mod musl;
mod nouns;
mod packages;
mod parts;
mod progress;
mod release_parts;
mod reproducible;
mod sbom;
mod smoke;
mod suite;
mod targets;
mod tree;
mod trial;
mod valkey;
mod version;

use std::process::ExitCode;

use invocation::Workspace;

const USAGE: &str = "\
usage: cargo xtask <chore>

  ci             everything that CI runs, in order, up to the first failure
  test [ARGS]    install what the tests need and is missing, compile every test, then run
                 all of them, whichever fails; what failed is told in the end;
                 ARGS go to `cargo test` (choose packages or targets to run fewer)
  valkey         run the tests that need a Redis server once more, with Valkey in its place
  smoke          put a little load on the server, the floor and nchan, and look at every
                 event; no figure of it means anything
  targets        check that the crates compile for macOS, and some of them for Windows
  tree           lint the source tree: file headers, file lengths, import circles, registries
                 in Cargo.lock, licences of packages, the Dockerfile
  advisories     check the dependencies against the RustSec database, which has to be
                 reached: no part of ci
  deb            make the Debian package, check it, and install it in a copy of this system
  static         make programs for x86-64 and arm64 that need no library, and try each
  sbom           list all crates that the server is made of, as CycloneDX
  reproducible   build the server twice, in two places, and compare the bytes
  help           this text

The chores from `deb` on are for a release. They take minutes and are no part of ci.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let chore: fn(&Workspace, &[&str]) -> Result<(), String> = match words.as_slice() {
        ["ci"] => |workspace, _| ci::run(workspace),
        ["test", ..] => |workspace, args| suite::run(workspace, args),
        ["valkey"] => |workspace, _| valkey::run(workspace),
        ["smoke"] => |workspace, _| smoke::run(workspace),
        ["targets"] => |workspace, _| targets::run(workspace).map(|_| ()),
        ["tree"] => |workspace, _| tree::run(workspace),
        ["advisories"] => |workspace, _| advisories::run(workspace),
        ["deb"] => |workspace, _| deb::run(workspace),
        ["static"] => |workspace, _| musl::run(workspace),
        ["sbom"] => |workspace, _| sbom::run(workspace),
        ["reproducible"] => |workspace, _| reproducible::run(workspace),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            if !words.is_empty() {
                eprintln!("xtask: `{}` is not a chore\n", words.join(" "));
            }
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match Workspace::find().and_then(|workspace| chore(&workspace, &words[1..])) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
