//! [`Predecessor`]: the old process, whose sockets this process takes over. [`Words`]: what it says.

use std::{
    env,
    fs::File,
    io::{self, stdin},
    net::TcpListener,
    os::{
        fd::AsFd as _,
        unix::{net::UnixStream, process::parent_id},
    },
    sync::Arc,
    thread,
};

use rustix::stdio::dup2_stdin;
use tokio::sync::mpsc;
use tracing::info;

use super::wire::{FAILED, GO, PREPARED, READY, SERVE, Wire};
use crate::failure::Failure;

/// The variable that has the id of the old process. It is for its child alone. (It does not begin as a setting does.)
pub(super) const VARIABLE: &str = "SUCCEEDS_FANFARE";

/// Sockets with their names.
pub(crate) type Sockets = Vec<(String, TcpListener)>;

/// The old process. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Predecessor(Arc<Wire>);

impl Predecessor {
    /// The process that has started this one for an upgrade, with its sockets and their names.
    ///
    /// # Errors
    /// A sentence: the sockets do not come.
    pub(crate) fn of_this_process() -> Result<Option<(Self, Sockets)>, String> {
        let is_child = env::var(VARIABLE).is_ok_and(|id| id.parse() == Ok(parent_id()));
        if !is_child {
            return Ok(None);
        }
        let taken = || -> io::Result<_> {
            let wire = Wire(UnixStream::from(stdin().as_fd().try_clone_to_owned()?));
            // Nobody else shall read it.
            dup2_stdin(File::open("/dev/null")?)?;
            let sockets = wire.take()?;
            Ok(Some((Self(Arc::new(wire)), sockets)))
        };
        taken().map_err(|error| format!("the sockets of the process before cannot be taken over: {error}"))
    }

    /// This process cannot go on.
    pub(crate) fn tell_failure(&self, reason: &str) {
        // The old one may be gone. The log has the reason too.
        let _ = self.0.say(&format!("{FAILED}{reason}"));
    }

    /// Listens to it from now on, on a thread of its own.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn listen(self) -> io::Result<Words> {
        let (heard, words) = mpsc::unbounded_channel();
        let wire = Arc::clone(&self.0);
        thread::Builder::new().name("upgrade".to_owned()).spawn(move || {
            // Its end closes the channel.
            while let Ok(Some(word)) = wire.hear(None) {
                if heard.send(word).is_err() {
                    return;
                }
            }
        })?;
        Ok(Words { predecessor: self, words })
    }
}

/// What the old process says.
pub(crate) struct Words {
    predecessor: Predecessor,
    words: mpsc::UnboundedReceiver<String>,
}

impl Words {
    /// All settings and files are read. Waits until the engine may start.
    ///
    /// # Errors
    /// The old process is gone, or has given up.
    pub(crate) async fn prepared(&mut self) -> Result<(), Failure> {
        info!("prepared to take over");
        self.say_and_hear(PREPARED, GO).await
    }

    /// The engine is ready. Waits until this process may serve.
    ///
    /// # Errors
    /// As of [`Words::prepared`].
    pub(crate) async fn ready(&mut self) -> Result<(), Failure> {
        self.say_and_hear(READY, SERVE).await
    }

    /// Waits until the old process is gone. It has nothing to say while the engine starts.
    pub(crate) async fn gone(&mut self) -> Failure {
        self.words.recv().await;
        gone()
    }

    async fn say_and_hear(&mut self, says: &str, hears: &str) -> Result<(), Failure> {
        if self.predecessor.0.say(says).is_ok() && self.words.recv().await.is_some_and(|word| word == hears) {
            return Ok(());
        }
        Err(gone())
    }
}

fn gone() -> Failure {
    Failure::failed("the process before has ended, or has given up: nothing is taken over")
}
