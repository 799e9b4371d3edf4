//! [`Outsiders`]: clients that are no streams of the run, on a thread of their own that yields to all others: the
//! streams that are measured meanwhile are received on the same cores, and must not wait for it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::runtime::{Builder, LocalOptions};

use crate::failure::Failure;

/// The degree to which the thread yields: as much as can be said.
const NICE: i32 = 19;

/// The thread, and the open connections with it. They are closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Outsiders<Outcome> {
    outcome: Receiver<io::Result<Outcome>>,
    _stay: Sender<()>,
}

impl<Outcome: Send + 'static> Outsiders<Outcome> {
    /// Does `work` on a thread of this name. What it gives beside its outcome stays until this is dropped.
    pub(crate) fn start<Work, Kept>(name: &str, work: impl FnOnce() -> Work + Send + 'static) -> Result<Self, Failure>
    where
        Work: Future<Output = (Outcome, Kept)>,
    {
        let ((speaker, outcome), (stay, leave)) = (channel(), channel::<()>());
        let run = move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) else {
                return drop(speaker.send(Err(io::ErrorKind::OutOfMemory.into())));
            };
            // If it cannot be done, the figures of the streams are worse for it and never better.
            let _ = rustix::process::nice(NICE);
            let (outcome, kept) = runtime.block_on(work());
            // The main thread is gone only when the run has failed already.
            let _ = speaker.send(Ok(outcome));
            // An error: the other end was dropped, which means the same.
            let _ = leave.recv();
            drop(kept);
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(Failure::Thread)?;
        Ok(Self { outcome, _stay: stay })
    }

    /// The outcome, once it is there.
    pub(crate) fn outcome(&self) -> Result<Option<Outcome>, Failure> {
        self.outcome.try_recv().ok().transpose().map_err(Failure::Thread)
    }
}
