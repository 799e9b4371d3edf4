//! [`alone`]: runs a test in a process with its own network, /tmp and /var/lib. All ports are free there, so commands
//! run as they are written. The end of the process ends everything that it started.

use std::{
    env, fs,
    io::Read as _,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{support::ended_within, tree};

/// Set in the separate process: the name of its test, or of a part of one.
const PART: &str = "DOCS_TEST_PART";

/// Longer than the waits of a page, each of which has a limit. The first wait compiles programs in Go.
const TIME_MAX: Duration = Duration::from_secs(180);

/// The script that sets the process up. Arguments: a directory, the number of directories that stay visible even below
/// /tmp, these directories, then a command. The command does not see itself as root, because root would make servers
/// change their user.
const SET_UP: &str = r#"
set -e
PATH=$PATH:/usr/sbin:/sbin
home=$1 count=$2; shift 2
ip link set lo up
mount -t proc proc /proc 2>/dev/null || true
while [ "$count" -gt 0 ]; do
    case $1 in /tmp/*) mkdir -p "$home$1"; mount --rbind "$1" "$home$1" ;; esac
    shift; count=$((count - 1))
done
mkdir -p "$home/tmp" "$home/lib"
mount --bind "$home/lib" /var/lib
mount --rbind "$home/tmp" /tmp
cd "$PWD"
as_somebody="unshare --user --map-user=1000 --map-group=1000"
if $as_somebody true 2>/dev/null; then exec $as_somebody "$@"; else exec "$@"; fi
"#;

/// The part of this process, if it is a separate one.
pub(crate) fn part() -> Option<String> {
    env::var(PART).ok()
}

/// Runs `body` as the test of this name, in a separate process.
#[track_caller]
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    if part().is_some() {
        return body();
    }
    if let Err(complaint) = run(test, test) {
        panic!("{complaint}");
    }
}

/// Runs a part of a test in a separate process. Returns its output if it failed.
pub(crate) fn run(test: &str, part: &str) -> Result<(), String> {
    // It is gone when the process has ended, together with what was written to /tmp.
    let home = tempfile::tempdir_in(tree::scratch()).unwrap();
    let mut said = Vec::new();
    // As an ordinary user, and as root where there are no user namespaces.
    for user in [&["--user", "--map-root-user"][..], &[]] {
        if !may(user) {
            said.push(format!("unshare {user:?} is refused"));
            continue;
        }
        let mut command = Command::new("unshare");
        command.args(user).args(["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", SET_UP, "sh"]);
        let (root, target, parts) = (tree::root(), tree::scratch().parent().unwrap(), tree::parts());
        let mut kept = vec![&*root];
        for more in [target, &*parts] {
            if !kept.iter().any(|directory| more.starts_with(directory)) && more.exists() {
                kept.push(more);
            }
        }
        command.arg(home.path()).arg(kept.len().to_string()).args(kept);
        command.arg(env::current_exe().unwrap()).args([test, "--exact", "--nocapture", "--test-threads=1"]);
        let log = home.path().join("log");
        let output = fs::File::create(&log).unwrap();
        command
            .env(PART, part)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let mut child = command.spawn().expect("`unshare` is missing: install Debian's package util-linux");
        let is_good = ended_within(&mut child, TIME_MAX).is_some_and(|status| status.success());
        let mut text = String::new();
        fs::File::open(&log).unwrap().read_to_string(&mut text).unwrap();
        return if is_good && text.contains("1 passed") { Ok(()) } else { Err(text) };
    }
    panic!("{said:?}: this test needs a network of its own; allow user namespaces, or run it as root");
}

fn may(user: &[&str]) -> bool {
    let mut command = Command::new("unshare");
    let status =
        command.args(user).args(["--net", "--mount", "--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    status.expect("`unshare` is missing: install Debian's package util-linux").success()
}
