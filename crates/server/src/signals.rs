//! Signals. A server drains at the first SIGTERM or SIGINT and ends at once at the second; nothing else that an operator or
//! a tool may send it by habit (SIGHUP, SIGUSR1, SIGUSR2) ends it. A subscriber ends well at SIGINT.
//!
//! SIGPIPE is ignored before `main` runs, by Rust: a peer or a reader that is gone is an error of the write. SIGQUIT, and
//! what tells of a fault of the process, do what the system does with them.

use std::{fs, io, process, thread};

use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{info, warn};

/// On Linux and macOS alike.
const SIGXFSZ: i32 = 25;

/// What other servers take as "read your settings again" or "open your log again", from an operator, logrotate, or a
/// terminal that is closed. The system's answer to each is to end the process.
const HARMLESS: [(&str, SignalKind); 3] = [
    ("SIGHUP", SignalKind::hangup()),
    ("SIGUSR1", SignalKind::user_defined1()),
    ("SIGUSR2", SignalKind::user_defined2()),
];

/// From now on SIGHUP, SIGUSR1 and SIGUSR2 are told in the log, and do nothing else, until the end of the process. One that
/// was ignored at its start, as by `nohup`, stays ignored. Needs a runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn survive_habits() -> io::Result<()> {
    let ignored = ignored();
    for (name, kind) in HARMLESS {
        if is_ignored(ignored, kind) {
            continue;
        }
        let mut signals = signal(kind)?;
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                info!("{name}: nothing is reloaded yet; other settings need a restart");
            }
        });
    }
    Ok(())
}

/// The signals that this process ignores, one bit each (proc_pid_status(5), `SigIgn`); none where the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_ignored(ignored: u64, kind: SignalKind) -> bool {
    u32::try_from(kind.as_raw_value() - 1).is_ok_and(|bit| ignored.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// From now on a write beyond a limit on the size of files (`ulimit -f`) fails, and does not end the process. Needs a
/// runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn survive_large_files() -> io::Result<()> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

/// Becomes ready at the first signal and from then on waits for the second.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        info!("{name}: draining; a second signal ends it at once");
        tokio::spawn(async move {
            let name = either(&mut terminate, &mut interrupt).await;
            warn!("{name}: ended at once");
            process::exit(1);
        });
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// From now on SIGINT ends the process with 0, whatever its other threads wait for.
///
/// # Errors
/// The system lets no handler be installed, or no thread start.
pub(crate) fn end_well_on_interrupt() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut interrupt = {
        let _in_it = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(interrupt.recv());
        process::exit(0);
    })?;
    Ok(())
}
