//! Signals. A server drains at the first SIGTERM or SIGINT, and ends at once at the second. SIGHUP has its settings read
//! again, and SIGUSR2 asks for an upgrade. SIGUSR1 does not end it, because operators and tools send it by habit. A subscriber ends well at SIGINT.
//!
//! Rust ignores SIGPIPE before `main` runs, so a write to a peer or reader that is gone returns an error. SIGQUIT, and
//! signals for a fault of the process, have the system's effect.

use std::{fs, future::pending, io, process, sync::Arc, thread};

use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
};
use tracing::{info, warn};

/// The number on Linux and on macOS.
const SIGXFSZ: i32 = 25;

/// Makes SIGUSR1 only write a log line, until the end of the process. Operators and logrotate send it as "open your log again", and
/// by default it ends a process. If it was ignored at the start it stays ignored. Needs a runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn survive_habits() -> io::Result<()> {
    if let Some(mut signals) = unless_ignored(SignalKind::user_defined1())? {
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                info!(
                    "SIGUSR1: has no effect; SIGHUP has settings and files read again, and SIGUSR2 asks for an upgrade"
                );
            }
        });
    }
    Ok(())
}

/// Each SIGHUP from now on, or nothing if it was ignored at the start, as under `nohup`. Needs a runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn hangups() -> io::Result<Option<Signal>> {
    unless_ignored(SignalKind::hangup())
}

/// Each SIGUSR2 from now on, or nothing if it was ignored at the start. Needs a runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn upgrades() -> io::Result<Option<Signal>> {
    unless_ignored(SignalKind::user_defined2())
}

fn unless_ignored(kind: SignalKind) -> io::Result<Option<Signal>> {
    if is_ignored(ignored(), kind) { Ok(None) } else { signal(kind).map(Some) }
}

/// The signals that this process ignores, one bit each (proc_pid_status(5), `SigIgn`). No bit is set where the system
/// does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_ignored(ignored: u64, kind: SignalKind) -> bool {
    u32::try_from(kind.as_raw_value() - 1).is_ok_and(|bit| ignored.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// Makes a write beyond a limit on file sizes (`ulimit -f`) fail instead of ending the process. Needs a runtime.
///
/// # Errors
/// The system lets no handler be installed.
pub(crate) fn survive_large_files() -> io::Result<()> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

/// The word to end, from a signal or an operator. Whatever the process does meanwhile, it is heard.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Listens from now on. After the first word one more signal ends the process at once. Needs a runtime. `ordered`: an operator's word.
    ///
    /// # Errors
    /// The system lets no handler be installed.
    pub(crate) fn listen(ordered: Arc<Notify>) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            let name = tokio::select! {
                name = either(&mut terminate, &mut interrupt) => name,
                () = ordered.notified() => "an operator",
            };
            info!("{name}: draining; a second signal ends it at once");
            tell.send_replace(true);
            let name = either(&mut terminate, &mut interrupt).await;
            warn!("{name}: ended at once");
            process::exit(1);
        });
        Ok(Self(told))
    }

    /// Ready once the word has come, each time.
    pub(crate) async fn told(&mut self) {
        if self.0.wait_for(|is_told| *is_told).await.is_err() {
            // Only a panic ends whoever listens. Then there is nothing to wait for.
            pending().await
        }
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// Makes SIGINT end the process with 0, no matter what its other threads wait for.
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
