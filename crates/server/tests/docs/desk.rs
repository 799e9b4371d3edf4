//! [`Desk`]: the place where the commands of one page are typed: a directory like the root of the repository, and a
//! PATH in which `fanfare` and `cargo run` are the program under test.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::tree::{parts, root};

const FANFARE: &str = env!("CARGO_BIN_EXE_fanfare");

/// A `cargo` that compiles nothing, because the tests have compiled the program.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
    "run --release") exec fanfare ;;
    "run --release -- "*) shift 3; exec fanfare "$@" ;;
    "run -q -p fanfare-sse --example "*) program=$6; shift 7; exec "$DOCS_TEST_EXAMPLES/$program" "$@" ;;
    "build --release -p fanfare" | "install --path crates/server") exit 0 ;;
esac
echo "the tests of the documentation know no \`cargo $*\`; see crates/server/tests/docs/desk.rs" >&2
exit 1
"#;

/// A `pip` that installs nothing, and only checks that the package is there.
const PIP: &str = "#!/bin/sh\n[ \"$1\" = install ] && exec python3 -c \"import $2\"\nexit 1\n";

/// Programs of the documentation, and how to install them.
const PROGRAMS: &[(&str, &str)] = &[
    ("busybox", "apt-get install busybox"),
    ("caddy", "apt-get install caddy"),
    ("curl", "apt-get install curl"),
    ("esbuild", "npm install esbuild"),
    ("go", "apt-get install golang-go"),
    ("haproxy", "apt-get install haproxy"),
    ("nginx", "apt-get install nginx"),
    ("node", "apt-get install nodejs"),
    ("openssl", "apt-get install openssl"),
    ("php", "apt-get install php-cli"),
    ("python3", "apt-get install python3"),
    ("redis-server", "apt-get install redis-server"),
    ("strace", "apt-get install strace"),
    ("systemd-analyze", "apt-get install systemd"),
];

/// A directory and an environment for commands. Its drop removes them.
pub(crate) struct Desk {
    directory: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let desk = Self { directory };
        for name in ["bin", "home", "repository/target/release"] {
            fs::create_dir_all(desk.path(name)).unwrap();
        }
        for entry in fs::read_dir(root()).unwrap().map(Result::unwrap) {
            if entry.file_name() != "target" {
                symlink(entry.path(), desk.path("repository").join(entry.file_name())).unwrap();
            }
        }
        symlink(FANFARE, desk.path("bin/fanfare")).unwrap();
        symlink(FANFARE, desk.path("repository/target/release/fanfare")).unwrap();
        desk.script("cargo", CARGO);
        desk.script("pip", PIP);
        let python = parts().join("python/bin/python");
        if python.exists() {
            desk.script("python3", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display()));
        }
        desk
    }

    /// The path of a file beside the directory that looks like the repository.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path("repository").join(name);
        fs::write(path, text).unwrap();
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes each `curl` of this command exit with 22 on an error status, which it does not do by default.
    pub(crate) fn fail_at_error_statuses(&self, command: &mut Command) {
        let home = self.path("curl");
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join(".curlrc"), "fail-with-body\n").unwrap();
        command.env("CURL_HOME", home);
    }

    /// bash that runs this text at the root of the repository.
    pub(crate) fn shell(&self, text: &str) -> Command {
        need_programs_of(text);
        self.program("bash", &["-euo", "pipefail", "-c", text])
    }

    /// A program with the environment of the desk.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("repository"));
        let from_outside = |name: &str| name.starts_with("FANFARE_") || name.to_lowercase().ends_with("_proxy");
        for (name, _) in env::vars().filter(|(name, _)| from_outside(name)) {
            command.env_remove(name);
        }
        let cache = env::var_os("GOCACHE").map_or_else(go_cache, PathBuf::from);
        command.env("PATH", search_path(Some(&self.path("bin")))).env("HOME", self.path("home")).env("GOCACHE", cache);
        command.env("NODE_PATH", parts().join("node_modules")).env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
        command.env("DOCS_TEST_EXAMPLES", examples());
        command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        command
    }
}

/// The directory where cargo has put the examples.
fn examples() -> PathBuf {
    Path::new(FANFARE).with_file_name("examples")
}

/// The path of an example in Rust.
#[track_caller]
pub(crate) fn example(name: &str) -> String {
    let path = examples().join(name);
    let build = "`cargo build -p fanfare-sse --examples` compiles it, and so does `cargo xtask test`";
    assert!(path.exists(), "{} is missing: {build}", path.display());
    path.display().to_string()
}

/// Go's usual cache, so that programs are not compiled again.
fn go_cache() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = env::var_os("HOME").map_or(PathBuf::from("/tmp"), PathBuf::from);
    cache.unwrap_or_else(|| home.join(".cache")).join("go-build")
}

/// A PATH with the directories of servers, and of a Go in its usual place, which are not in everybody's.
fn search_path(first: Option<&Path>) -> OsString {
    let known = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/go/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let first = first.into_iter().map(Path::to_owned).chain([parts().join("node_modules/.bin")]);
    env::join_paths(first.chain(env::split_paths(&known)).chain(more)).unwrap()
}

/// Panics with the package to install if the text names a missing program.
#[track_caller]
pub(crate) fn need_programs_of(text: &str) {
    let has = |word: &str| env::split_paths(&search_path(None)).any(|directory| directory.join(word).exists());
    for (program, install) in PROGRAMS {
        let is_named = text.split_whitespace().any(|word| word.rsplit('/').next() == Some(program));
        assert!(
            !is_named || has(program),
            "{program} is missing: `{install}` brings it, and so does `cargo xtask test`, which installs what the tests need"
        );
    }
}
