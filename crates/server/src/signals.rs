//! SIGTERM and SIGINT. A server drains at the first and ends at once at the second; a subscriber ends well at SIGINT.

use std::{io, process, thread};

use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{info, warn};

/// On Linux and macOS alike.
const SIGXFSZ: i32 = 25;

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
