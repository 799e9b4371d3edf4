//! `fanfare upgrade`: asks a running server for an upgrade, and waits for its outcome.

use std::{
    fs,
    io::{self, Write as _, stdout},
    os::unix::net::UnixDatagram,
    path::Path,
    process,
    time::{Duration, Instant},
};

use humantime::format_duration;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::outcome::{Outcome, address};
use crate::{args::UpgradeArgs, failure::Failure, harmless::harmless};

/// Pause between two looks at the server, in case that it ends without a word.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Longest outcome.
const OUTCOME_BYTES_MAX: usize = 16 << 10;
/// The number of SIGUSR2 on Linux.
const SIGUSR2: u32 = 12;

/// Asks, waits, and prints the outcome.
pub(crate) fn run(arguments: &UpgradeArgs) -> Result<(), Failure> {
    let id = match &arguments.pid_file {
        Some(path) => id_in(path)?,
        None => arguments.pid.unwrap_or_default(),
    };
    let server = i32::try_from(id).ok().and_then(Pid::from_raw).filter(|_| id != process::id());
    let server = server.ok_or_else(|| Failure::usage(format!("{id} is not the id of a server")))?;
    if !is_server(id) {
        return Err(Failure::failed(format!("process {id} is no server of Fanfare that runs")));
    }
    let failed = |error: io::Error| Failure::failed(format!("the outcome cannot be heard: {error}"));
    let address = address(id).map_err(failed)?;
    let outcomes = UnixDatagram::bind_addr(&address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::failed(format!("somebody waits for an upgrade of process {id} already")),
        _ => failed(error),
    })?;
    kill_process(server, Signal::USR2)
        .map_err(|error| Failure::failed(format!("process {id} cannot be asked: {error}")))?;
    let deadline = Instant::now().checked_add(arguments.timeout);
    loop {
        // First, so that an outcome that came before the end is read.
        let is_gone = test_kill_process(server).is_err();
        match heard(&outcomes, LOOK_INTERVAL).map_err(failed)? {
            Some(Outcome::Began(new)) => print(&format!("process {new} begins"))?,
            Some(Outcome::Done(new)) => return print(&format!("process {new} has taken over from process {id}")),
            Some(Outcome::Failed(reason)) => {
                return Err(Failure::failed(format!("process {id} goes on: {}", harmless(&reason))));
            }
            None if is_gone => {
                return Err(Failure::failed(format!("process {id} has ended without an upgrade; its log says why")));
            }
            None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                let time = format_duration(arguments.timeout);
                return Err(Failure::failed(format!(
                    "there was no outcome within {time}; the log of process {id} has it"
                )));
            }
            None => {}
        }
    }
}

/// The next outcome, for which there is `time`.
fn heard(outcomes: &UnixDatagram, time: Duration) -> io::Result<Option<Outcome>> {
    outcomes.set_read_timeout(Some(time))?;
    let mut bytes = vec![0; OUTCOME_BYTES_MAX];
    match outcomes.recv(&mut bytes) {
        Ok(length) => Ok(Outcome::parse(&String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()))),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The id in a file that has nothing else.
fn id_in(path: &Path) -> Result<u32, Failure> {
    let fault = |reason: &dyn ToString| Failure::usage(format!("{}: {}", path.display(), reason.to_string()));
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    text.trim().parse().map_err(|_| fault(&"there is no process id in it"))
}

/// Whether the process has the name of this one, and catches the signal: it would end any other.
fn is_server(id: u32) -> bool {
    let read = |process: &str, what: &str| fs::read_to_string(format!("/proc/{process}/{what}")).ok();
    let id = id.to_string();
    let has_name = read(&id, "comm").is_some_and(|name| Some(name) == read("self", "comm"));
    let status = read(&id, "status").unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    has_name && caught >> (SIGUSR2 - 1) & 1 == 1
}

fn print(line: &str) -> Result<(), Failure> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}
