//! SIGTERM and SIGINT: the first asks for a drain, the second ends the process at once.

use std::{io, process};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

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
