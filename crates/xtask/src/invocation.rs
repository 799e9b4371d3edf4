//! [`Invocation`]: one command line as it would be typed at the repository root. [`Workspace`] runs it there.
//!
//! Every chore starts its child processes through this file. So all share the terminal and the target directory, all
//! see the parts that were installed for the tests, and every failure names the command. No shell is involved.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::json;

/// Placeholder for cargo's target directory in a command: see [`Workspace::place`].
const TARGET: &str = "{target}";

/// Variable that tells the tests the path of [`Workspace::parts`].
const PARTS_VARIABLE: &str = "FANFARE_TEST_PARTS";

/// A program with its arguments, and the environment variables that belong to the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    env: Vec<(String, String)>,
    words: Vec<String>,
}

impl Invocation {
    /// The program first, then its arguments, one word each.
    pub(crate) fn new(words: &[&str]) -> Self {
        Self { env: Vec::new(), words: words.iter().map(ToString::to_string).collect() }
    }

    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_args(mut self, args: &[&str]) -> Self {
        self.words.extend(args.iter().map(ToString::to_string));
        self
    }
}

/// The form that can be pasted into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// The repository of this tool, and cargo's target directory.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the repository from cargo's variable at run time, which stays right when a checkout is moved with its
    /// `target`.
    pub(crate) fn find() -> Result<Self, String> {
        let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("start this through cargo: `cargo xtask`")?;
        let root = Path::new(&package).ancestors().nth(2).ok_or("this package is not at crates/xtask")?;
        Self::at(root)
    }

    /// The repository at `root`. The target directory is cargo's: from `CARGO_TARGET_DIR`, from cargo's configuration,
    /// or `target`.
    pub(crate) fn at(root: &Path) -> Result<Self, String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Runs in the caller's directory, because a path in the variable is relative to it.
        let mut metadata = Command::new(cargo);
        metadata.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(root.join("Cargo.toml"));
        let answer = metadata.output().map_err(|error| format!("cargo could not be started: {error}"))?;
        if !answer.status.success() {
            return Err(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&answer.stderr).trim()));
        }
        let answer = String::from_utf8_lossy(&answer.stdout);
        let target = json::text(&answer, "target_directory").ok_or("`cargo metadata` names no target directory")?;
        Ok(Self { root: root.to_owned(), target: target.into() })
    }

    /// The same repository with another target directory, relative to the caller's directory.
    pub(crate) fn with_target(&self, target: &str) -> Result<Self, String> {
        let absolute = std::path::absolute(target).map_err(|error| format!("--target-dir {target}: {error}"))?;
        Ok(Self { root: self.root.clone(), target: absolute })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Directory of npm, pip and Go packages that only the tests need. `cargo clean` removes it.
    fn parts(&self) -> PathBuf {
        self.target.join("parts")
    }

    /// A command line in which `{target}` stands for cargo's target directory.
    pub(crate) fn place(&self, words: &[&str]) -> Invocation {
        // A relative path where possible, because commands run at the root.
        let target = self.target.strip_prefix(&self.root).unwrap_or(&self.target).display().to_string();
        let words: Vec<String> = words.iter().map(|word| word.replace(TARGET, &target)).collect();
        Invocation { env: Vec::new(), words }
    }

    /// Runs on the terminal of this process and waits. The error names the command.
    pub(crate) fn run(&self, invocation: &Invocation) -> Result<(), String> {
        println!("$ {invocation}");
        match self.command(invocation)?.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`{invocation}` failed ({status})")),
            Err(error) => Err(format!("`{invocation}` could not be started: {error}")),
        }
    }

    /// Runs a command without showing it. Returns its standard output, or the reason of the failure.
    pub(crate) fn ask(&self, invocation: &Invocation) -> Result<String, String> {
        match self.command(invocation)?.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => {
                let complaint = String::from_utf8_lossy(&output.stderr);
                Err(format!("`{invocation}` failed ({}) {}", output.status, complaint.trim()))
            }
            Err(error) => Err(format!("`{invocation}` could not be started: {error}")),
        }
    }

    pub(crate) fn command(&self, invocation: &Invocation) -> Result<Command, String> {
        let (program, args) = invocation.words.split_first().ok_or("an empty command line")?;
        let program = match env::var_os("CARGO") {
            // The toolchain that built this tool, even if another `cargo` comes first in PATH.
            Some(cargo) if program == "cargo" => cargo,
            _ => program.into(),
        };
        let mut path: Vec<PathBuf> =
            ["python/bin", "node_modules/.bin", "cargo/bin"].map(|name| self.parts().join(name)).into();
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(path).map_err(|error| format!("the repository's own path: {error}"))?;

        let mut command = Command::new(program);
        command.current_dir(&self.root).args(args).env("PATH", path);
        command.env("NODE_PATH", self.parts().join("node_modules")).env(PARTS_VARIABLE, self.parts());
        command.env("CARGO_TARGET_DIR", &self.target);
        command.envs(invocation.env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_it_would_be_typed() {
        let invocation = Invocation::new(&["cargo", "doc"]).with_env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(invocation.with_args(&["--locked"]).to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --locked");
        assert_eq!(Invocation::new(&["echo", "it's", ""]).to_string(), r"echo 'it'\''s' ''");
    }

    #[test]
    fn a_failure_names_the_command() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.run(&Invocation::new(&["false", "x"])).unwrap_err().starts_with("`false x` failed"));
        let absent = workspace.ask(&Invocation::new(&["no-such-program-here"])).unwrap_err();
        assert!(absent.starts_with("`no-such-program-here` could not be started"), "{absent}");
    }

    #[test]
    fn the_target_directory_stands_where_its_mark_is() {
        let workspace = Workspace::find().unwrap();
        let elsewhere = workspace.with_target("/elsewhere/t").unwrap();
        assert_eq!(
            elsewhere.place(&["{target}/parts/x", "a={target}"]).to_string(),
            "/elsewhere/t/parts/x a=/elsewhere/t"
        );
        let inside = workspace.with_target(workspace.root().join("build").to_str().unwrap()).unwrap();
        assert_eq!(inside.place(&["{target}/parts/x"]).to_string(), "build/parts/x");
    }

    #[test]
    fn all_that_is_started_builds_in_the_target_directory_and_finds_the_parts_there() {
        let workspace = Workspace::find().unwrap().with_target("/elsewhere/t").unwrap();
        let script = r#"echo "$CARGO_TARGET_DIR $NODE_PATH $FANFARE_TEST_PARTS ${PATH%%:*}""#;
        let seen = workspace.ask(&Invocation::new(&["sh", "-c", script])).unwrap();
        let parts = "/elsewhere/t/parts";
        assert_eq!(seen, format!("/elsewhere/t {parts}/node_modules {parts} {parts}/python/bin\n"));
    }

    #[test]
    fn cargo_says_where_it_builds() {
        let workspace = Workspace::find().unwrap();
        // This test runs from the target directory.
        assert!(env::current_exe().unwrap().starts_with(workspace.target()), "{:?}", workspace.target());
    }

    #[test]
    fn what_was_printed_is_given_back() {
        assert_eq!(Workspace::find().unwrap().ask(&Invocation::new(&["echo", "a", "b"])).unwrap(), "a b\n");
    }
}
