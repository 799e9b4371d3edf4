//! The engine of a server: started on a thread of its own, with its journal if there is one.

use std::{io, thread};

use fanfare_disk::DiskJournal;
use fanfare_http::{Config, Fanfare};
use fanfare_redis::RedisJournal;
use tokio::sync::oneshot;

use crate::{directory, failure::Failure, settings::Serve};

/// Starts the engine on its own thread. Reading a large journal takes seconds, and signals must be heard meanwhile.
///
/// # Errors
/// No thread can be started.
pub(super) fn start_beside(settings: Serve, config: Config) -> io::Result<oneshot::Receiver<Result<Fanfare, Failure>>> {
    let (done, starting) = oneshot::channel();
    thread::Builder::new().name("start".to_owned()).spawn(move || {
        // If the receiver is gone, the process is about to end.
        let _ = done.send(start(&settings, config));
    })?;
    Ok(starting)
}

/// Makes the engine, with the events of its journal if there is one.
fn start(settings: &Serve, config: Config) -> Result<Fanfare, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot serve: {error}"));
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
