//! `cargo xtask targets`: the crates compile for systems that are not at hand. Nothing is linked and nothing runs.
//!
//! Only Rust is compiled. C code in dependencies is left out, because a C compiler for another system is seldom there. A
//! target that is not installed is added with rustup. If that cannot be done, the target is named and not checked.

use std::path::Path;

use crate::invocation::{Invocation, Workspace};

/// A system, and the packages that must compile for it.
struct Target {
    triple: &'static str,
    packages: &'static [&'static str],
    /// Variables with which build scripts need no C compiler of that system. `{root}` is the workspace.
    without_c: &'static [(&'static str, &'static str)],
}

const TARGETS: &[Target] = &[
    Target {
        triple: "aarch64-apple-darwin",
        packages: &[
            "fanfare-admin",
            "fanfare-callers",
            "fanfare-core",
            "fanfare-disk",
            "fanfare-grants",
            "fanfare-h2",
            "fanfare-http",
            "fanfare-records",
            "fanfare-redis",
            "fanfare-sse",
            "fanfare",
            "fanfare-loadtest",
        ],
        // The program `true` compiles nothing, and says that it went well.
        without_c: &[("CC_aarch64_apple_darwin", "true"), ("AR_aarch64_apple_darwin", "true")],
    },
    // The same system with another processor: three packages show that no code assumes a processor.
    Target {
        triple: "x86_64-apple-darwin",
        packages: &["fanfare-core", "fanfare-disk", "fanfare-http"],
        without_c: &[("CC_x86_64_apple_darwin", "true"), ("AR_x86_64_apple_darwin", "true")],
    },
    // The server does not run there, because its signals, and the sync of a directory, exist only on Unix.
    Target {
        triple: "x86_64-pc-windows-msvc",
        packages: &[
            "fanfare-admin",
            "fanfare-callers",
            "fanfare-core",
            "fanfare-grants",
            "fanfare-h2",
            "fanfare-http",
            "fanfare-records",
            "fanfare-sse",
        ],
        without_c: &[
            // blake3's feature, set as cargo sets it: all of it in Rust.
            ("CARGO_FEATURE_PURE", "1"),
            ("CC_x86_64_pc_windows_msvc", "true"),
            // The file that comes of it is asked for here.
            ("AR_x86_64_pc_windows_msvc", "{root}/crates/xtask/no-library.sh"),
        ],
    },
];

/// The outcome of a target.
enum Checked {
    Passed,
    /// The target cannot be checked here. The text says why.
    Not(String),
}

/// Checks all targets. Returns a word for a summary: `passed`, or the number of targets that were not checked.
pub(crate) fn run(workspace: &Workspace) -> Result<String, String> {
    let mut unchecked = 0;
    let mut faults = Vec::new();
    let mut lines = Vec::new();
    for target in TARGETS {
        let packages = target.packages.join(", ");
        match target.check(workspace) {
            Ok(Checked::Passed) => lines.push(format!("{}: {packages}", target.triple)),
            Ok(Checked::Not(why)) => {
                unchecked += 1;
                lines.push(format!("{}: NOT CHECKED: {why}", target.triple));
            }
            Err(why) => faults.push(why),
        }
    }
    println!("{}", lines.join("\n"));
    if faults.is_empty() { Ok(summary(unchecked)) } else { Err(faults.join("\n")) }
}

fn summary(unchecked: usize) -> String {
    match unchecked {
        0 => "passed".to_owned(),
        1 => "passed, 1 target not checked".to_owned(),
        _ => format!("passed, {unchecked} targets not checked"),
    }
}

impl Target {
    fn check(&self, workspace: &Workspace) -> Result<Checked, String> {
        if let Err(why) = provide(workspace, self.triple) {
            return Ok(Checked::Not(why));
        }
        // Separate from the check, so that a missing network does not look like code that does not compile.
        if let Err(why) = workspace.ask(&Invocation::new(&["cargo", "fetch", "--locked", "--target", self.triple])) {
            return Ok(Checked::Not(format!("its dependencies cannot be fetched: {}", reason(&why))));
        }
        workspace.run(&self.invocation(workspace.root()))?;
        Ok(Checked::Passed)
    }

    /// Clippy checks all that `cargo check` does, shares its work, and fails on code that is unused only on this
    /// system.
    fn invocation(&self, root: &Path) -> Invocation {
        let check = Invocation::new(&["cargo", "clippy", "--locked", "--target", self.triple]);
        let packages: Vec<&str> = self.packages.iter().flat_map(|package| ["-p", package]).collect();
        let check = check.with_args(&packages).with_args(&["--", "-D", "warnings"]);
        let root = root.display().to_string();
        self.without_c.iter().fold(check, |check, (name, value)| check.with_env(name, &value.replace("{root}", &root)))
    }
}

/// Installs the standard library of a target where it is missing.
pub(crate) fn provide(workspace: &Workspace, triple: &str) -> Result<(), String> {
    if is_installed(workspace, triple)? {
        return Ok(());
    }
    let add = Invocation::new(&["rustup", "target", "add", triple]);
    println!("the target {triple} is not installed: {add}");
    workspace.ask(&add).map_err(|why| format!("it is not installed, and {}", reason(&why)))?;
    if is_installed(workspace, triple)? {
        return Ok(());
    }
    Err(format!("`{add}` succeeded, but rustc in PATH does not have it"))
}

fn is_installed(workspace: &Workspace, triple: &str) -> Result<bool, String> {
    let ask = Invocation::new(&["rustc", "--print", "target-libdir", "--target", triple]);
    let libraries = workspace.ask(&ask).map_err(|why| reason(&why))?;
    Ok(Path::new(libraries.trim()).is_dir())
}

/// The command that failed, and its error if that is further down, below progress messages.
fn reason(why: &str) -> String {
    let mut lines = why.lines();
    let first = lines.next().unwrap_or_default();
    match lines.find(|line| line.starts_with("error")) {
        Some(error) => format!("{first}: {error}"),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_of_its_packages_for_its_target_without_c() {
        let typed: Vec<String> = TARGETS.iter().map(|target| target.invocation(Path::new("/r")).to_string()).collect();
        let windows = "CARGO_FEATURE_PURE=1 CC_x86_64_pc_windows_msvc=true \
                       AR_x86_64_pc_windows_msvc=/r/crates/xtask/no-library.sh cargo clippy --locked --target x86_64-pc-windows-msvc \
                       -p fanfare-admin -p fanfare-callers -p fanfare-core -p fanfare-grants -p fanfare-h2 -p fanfare-http -p fanfare-records \
                       -p fanfare-sse -- -D warnings";
        assert_eq!(typed[2], windows);
        let mac = "CC_aarch64_apple_darwin=true AR_aarch64_apple_darwin=true cargo clippy --locked --target aarch64-apple-darwin ";
        assert!(typed[0].starts_with(mac), "{}", typed[0]);
    }

    #[test]
    fn the_variables_are_those_of_the_target() {
        for target in TARGETS {
            for (name, _) in
                target.without_c.iter().filter(|(name, _)| name.starts_with(['C', 'A']) && name.contains("_apple"))
            {
                assert!(name.ends_with(&target.triple.replace('-', "_")), "{name}");
            }
        }
    }

    #[test]
    fn a_target_that_nobody_has_is_not_checked_and_says_why() {
        let nobodys = Target { triple: "no-such-target", packages: &["xtask"], without_c: &[] };
        let Ok(Checked::Not(why)) = nobodys.check(&Workspace::find().unwrap()) else { panic!("it was checked") };
        assert!(why.contains("no-such-target"), "{why}");
    }

    #[test]
    fn a_reason_is_the_error_and_not_the_news_before_it() {
        let why =
            "`rustup target add x` failed (exit status: 1) info: syncing\ninfo: more\nerror: no network\nCaused by";
        assert!(
            reason(why).starts_with("`rustup target add x` failed") && reason(why).ends_with(": error: no network")
        );
        assert_eq!(
            reason("`rustup` could not be started: no such file"),
            "`rustup` could not be started: no such file"
        );
    }

    #[test]
    fn the_summary_counts_what_was_not_checked() {
        assert_eq!(summary(0), "passed");
        assert_eq!(summary(1), "passed, 1 target not checked");
        assert_eq!(summary(2), "passed, 2 targets not checked");
    }
}
