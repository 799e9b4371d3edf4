//! [`Asking`]: SIGUSR2, which asks for an upgrade.

use std::{future::pending, net::TcpListener, os::unix::net::UnixStream, thread};

use tokio::{signal::unix::Signal, sync::oneshot};
use tracing::{error, info};

use super::{
    outcome::Outcome,
    successor::{Start, Successor},
    wire::Wire,
};

/// Whoever asks for an upgrade, and how it is begun.
pub(crate) struct Asking {
    /// Nothing if the signal is ignored.
    signals: Option<Signal>,
    start: Start,
    /// Whether the sockets are free for a new process only when this one has drained.
    drains_first: bool,
    /// A new process has been started, and cannot take over yet.
    is_beginning: bool,
}

impl Asking {
    /// `drains_first`: this process owns something that the new one needs before it serves.
    pub(crate) fn new(signals: Option<Signal>, start: Start, drains_first: bool) -> Self {
        Self { signals, start, drains_first, is_beginning: false }
    }

    /// Waits until somebody asks, and until a new process can take these sockets over. What goes wrong is told, and the wait goes on.
    pub(crate) async fn successor(&mut self, sockets: &[(&'static str, &TcpListener)]) -> Successor {
        loop {
            match &mut self.signals {
                Some(signals) => {
                    if signals.recv().await.is_none() {
                        pending::<()>().await;
                    }
                }
                None => pending().await,
            }
            info!("SIGUSR2: a new process of {} is to take over", self.start);
            self.is_beginning = true;
            let begun = self.begin(sockets).await;
            self.is_beginning = false;
            match begun {
                Ok(successor) => return successor,
                Err(reason) => failed(&reason),
            }
        }
    }

    /// Whether somebody waits for a new process that has not begun to serve. It ends when [`Asking::successor`] is dropped.
    pub(crate) fn is_beginning(&self) -> bool {
        self.is_beginning
    }

    /// Whether this process drains before the new one starts its engine.
    pub(crate) fn drains_first(&self) -> bool {
        self.drains_first
    }

    /// Starts a process on a thread, because it takes its time.
    async fn begin(&self, sockets: &[(&'static str, &TcpListener)]) -> Result<Successor, String> {
        let clones = sockets.iter().map(|(name, socket)| Ok((*name, socket.try_clone()?)));
        let clones: Vec<_> = clones.collect::<std::io::Result<_>>().map_err(|error| error.to_string())?;
        let (start, drains_first) = (self.start.clone(), self.drains_first);
        let (own, other) = UnixStream::pair().map_err(|error| error.to_string())?;
        let wire = Wire(own);
        let hang_up = wire.hang_up().map_err(|error| error.to_string())?;
        let begun = on_a_thread(move || {
            let mut successor = Successor::start(&start, clones, wire, other)?;
            Outcome::Began(successor.id()).tell();
            if !drains_first {
                successor.go()?;
            }
            Ok(successor)
        });
        let begun = begun.await;
        hang_up.cancel();
        begun
    }
}

/// Has a successor start its engine, once this process has drained. Returns it when that is ready.
///
/// # Errors
/// A sentence. The successor has ended.
pub(crate) async fn let_go(mut successor: Successor) -> Result<Successor, String> {
    let hang_up = successor.hang_up().map_err(|error| error.to_string())?;
    let ready = on_a_thread(move || {
        successor.go()?;
        Ok(successor)
    });
    let ready = ready.await;
    hang_up.cancel();
    ready
}

/// The upgrade has failed, and this process goes on.
pub(crate) fn failed(reason: &str) {
    error!("no upgrade, this process goes on: {reason}");
    Outcome::Failed(reason.to_owned()).tell();
}

/// The upgrade has not come to its end, because this process is told to end.
pub(crate) fn called_off() {
    info!("no upgrade: this process is told to end, and the new one ends with it");
    Outcome::Failed("it is told to end".to_owned()).tell();
}

/// The new process serves.
pub(crate) fn done(id: u32) {
    info!("process {id} serves from now on");
    Outcome::Done(id).tell();
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (done, result) = oneshot::channel();
    let spawned = thread::Builder::new().name("upgrade".to_owned()).spawn(move || {
        // If nobody waits, a successor is dropped, which ends it.
        let _ = done.send(work());
    });
    spawned.map_err(|error| format!("no thread can be started: {error}"))?;
    result.await.unwrap_or_else(|_| Err("the thread of the upgrade has panicked".to_owned()))
}
