//! The engine of a server: started on a thread of its own, with its journal if there is one.

use std::{io, thread, time::Duration};

use fanfare_disk::DiskJournal;
use fanfare_http::{Config, Fanfare};
use fanfare_redis::RedisJournal;
use tokio::{sync::oneshot, time::sleep};
use tracing::info;

use crate::{directory, failure::Failure, settings::Serve, signals::Shutdown, upgrade::Predecessor};

/// Time between two looks whether an engine is ready.
const READY_PAUSE: Duration = Duration::from_millis(10);

/// An engine as it is started, and once more if it has drained for a process that cannot serve.
pub(super) struct Engine {
    pub(super) settings: Serve,
    pub(super) config: Config,
    /// The process that this one takes over from, at the first start.
    pub(super) predecessor: Option<Predecessor>,
}

impl Engine {
    /// Starts, or ends with `None` when it is told to shut down.
    ///
    /// # Errors
    /// The engine cannot start, or the process before is gone.
    pub(super) async fn start(&mut self, shutdown: &mut Shutdown) -> Result<Option<Fanfare>, Failure> {
        tokio::select! {
            biased;
            started = self.started() => started.map(Some),
            // Nothing is acknowledged yet, and a start may be broken off at any moment.
            () = shutdown.told() => {
                info!("ended before it was ready to serve");
                Ok(None)
            }
        }
    }

    async fn started(&mut self) -> Result<Fanfare, Failure> {
        let Some(predecessor) = self.predecessor.take() else { return self.engine().await };
        let mut words = predecessor.listen().map_err(|error| Failure::of_system("cannot take over", &error))?;
        words.prepared().await?;
        let ready = async {
            let fanfare = self.engine().await?;
            // The process before serves until then. It gives up in time.
            while !fanfare.handle().is_ready() {
                sleep(READY_PAUSE).await;
            }
            Ok(fanfare)
        };
        let fanfare = tokio::select! {
            ready = ready => ready?,
            gone = words.gone() => return Err(gone),
        };
        words.ready().await?;
        Ok(fanfare)
    }

    async fn engine(&self) -> Result<Fanfare, Failure> {
        let starting = start_beside(self.settings.clone(), self.config.clone());
        let starting = starting.map_err(|error| Failure::of_system("cannot start", &error))?;
        starting.await.unwrap_or_else(|_| Err(Failure::failed("cannot start: it has panicked")))
    }
}

/// Starts the engine on its own thread. Reading a large journal takes seconds, and signals must be heard meanwhile.
///
/// # Errors
/// No thread can be started.
fn start_beside(settings: Serve, config: Config) -> io::Result<oneshot::Receiver<Result<Fanfare, Failure>>> {
    let (done, starting) = oneshot::channel();
    thread::Builder::new().name("start".to_owned()).spawn(move || {
        // If the receiver is gone, the process is about to end.
        let _ = done.send(start(&settings, config));
    })?;
    Ok(starting)
}

/// Makes the engine, with the events of its journal if there is one.
fn start(settings: &Serve, config: Config) -> Result<Fanfare, Failure> {
    let failed = |error: io::Error| Failure::of_system("cannot serve", &error);
    if let Some(redis) = settings.redis() {
        return Fanfare::start_behind(config, Box::new(RedisJournal::new(redis))).map_err(failed);
    }
    let Some((path, how)) = settings.journal() else { return Fanfare::start(config).map_err(failed) };
    let refused = |reason: String| Failure::failed(format!("--journal: {reason}"));
    directory::make_parents(&path).map_err(refused)?;
    let journal = DiskJournal::open(&path, how).map_err(|error| refused(directory::cured(&error)))?;
    let started = Fanfare::start_behind(config, Box::new(journal));
    started.map_err(|error| Failure::failed(format!("cannot serve with the journal in {}: {error}", path.display())))
}
