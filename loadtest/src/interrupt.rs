//! Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed), as a flag that every wait of the comparison looks at. Every
//! started program is ended before this one is.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Whether this program has been told to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Lets the three signals set the flag from now on, instead of ending the process.
    pub(crate) fn catch() -> io::Result<Self> {
        let interrupt = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut ctrl_c, mut hang_up) = {
            let _context = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?)
        };
        let flag = Arc::clone(&interrupt.0);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = ctrl_c.recv() => {}
                    _ = hang_up.recv() => {}
                }
                // It says only that, so nothing has to be ordered with it.
                flag.store(true, Ordering::Relaxed);
            });
        })?;
        Ok(interrupt)
    }

    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
