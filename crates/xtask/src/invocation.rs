//! An [`Invocation`] is one command line as it would be typed at the repository root; [`Workspace`] runs it there.
//!
//! Every chore starts its child processes through this file, so that they all share the terminal, all see the test
//! parts that were installed under `target/parts`, and every failure names the command. No shell is involved.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// As it can be pasted into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// The repository this tool was started in.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Cargo says at run time where this package is, which stays true when a checkout is moved with its `target`.
    pub(crate) fn find() -> Result<Self, String> {
        let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("start this through cargo: `cargo xtask`")?;
        let root = Path::new(&package).ancestors().nth(2).ok_or("this package is not at crates/xtask")?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where npm and pip packages that only the tests need are installed; `cargo clean` removes them.
    fn parts(&self) -> PathBuf {
        self.root.join("target/parts")
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

    /// Runs unseen and gives back what was printed to standard output, or why there is nothing to give.
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

    fn command(&self, invocation: &Invocation) -> Result<Command, String> {
        let (program, args) = invocation.words.split_first().ok_or("an empty command line")?;
        let program = match env::var_os("CARGO") {
            // The toolchain that built this tool, also where another `cargo` comes first in PATH.
            Some(cargo) if program == "cargo" => cargo,
            _ => program.into(),
        };
        let mut path = vec![self.parts().join("python/bin"), self.parts().join("node_modules/.bin")];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(path).map_err(|error| format!("the repository's own path: {error}"))?;

        let mut command = Command::new(program);
        command.current_dir(&self.root).args(args).env("PATH", path);
        command.env("NODE_PATH", self.parts().join("node_modules"));
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
    fn what_was_printed_is_given_back() {
        assert_eq!(Workspace::find().unwrap().ask(&Invocation::new(&["echo", "a", "b"])).unwrap(), "a b\n");
    }
}
