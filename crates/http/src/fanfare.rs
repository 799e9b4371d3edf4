//! [`Fanfare`]: the shards and their threads, from their start to the end of their drain; and [`Handle`], through which
//! a program publishes and answers requests of its own server.

use std::{
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use fanfare_core::{
    Account, Channel, ChannelAccount, Event, Hub, IdempotencyKey, Page, PublishError, ReadLimit, Receipt, Start,
    Target, Wait,
};
use hyper::{Request, Response, body::Incoming, service::Service as _};
use tokio::sync::mpsc;
use tracing::info;

use crate::{
    access::PUBLISH_KEY_BYTES_MAX,
    app::{App, unix_ms},
    body::Body,
    config::Config,
    driver::Driver,
    handoff::Handoff,
    lane::Lane,
    service::{Peer, Service},
    tcp::Tcp,
};

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that had not taken everything they were due when the time was over.
    pub cut: usize,
}

/// A running engine: one thread a shard. Dropping it without [`Fanfare::drain`] cuts every stream.
#[derive(Debug)]
pub struct Fanfare {
    pub(crate) app: Arc<App>,
    lanes: Vec<Lane>,
    ends: mpsc::Receiver<thread::Result<usize>>,
}

impl Fanfare {
    /// Starts the threads. Ticks of [`Config::clock`] are [`crate::run`]'s.
    ///
    /// # Errors
    /// A setting that nothing could be served with, or threads or descriptors have run out.
    pub fn start(config: Config) -> io::Result<Self> {
        let is_long = config.publish_key.as_ref().is_some_and(|key| key.len() > PUBLISH_KEY_BYTES_MAX);
        if is_long || config.retry_ms.is_empty() {
            let reason = "the publish key is too long, or the range of retry times is empty";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let core = fanfare_core::Config { connections_max: config.connections_max, ..config.core.clone() };
        let (hub, shards) = Hub::<Tcp>::new(core, Box::new(unix_ms));
        let app = Arc::new(App::new(hub, config));
        let mut lanes = Vec::with_capacity(shards.len());
        let (ended, ends) = mpsc::channel(shards.len());
        for (number, shard) in shards.into_iter().enumerate() {
            let (lane, accepted) = Lane::new();
            lanes.push(lane);
            let (driver, runtime) = (Driver { app: Arc::clone(&app), shard, number, accepted }, Driver::runtime()?);
            let ended = ended.clone();
            let run = move || {
                let result = catch_unwind(AssertUnwindSafe(|| driver.run(&runtime)));
                // Sockets that are still open close here, before the server says that it has ended.
                drop(runtime);
                let _ = ended.blocking_send(result);
            };
            thread::Builder::new().name(format!("shard-{number}")).spawn(run)?;
        }
        Ok(Self { app, lanes, ends })
    }

    /// What requests and publishers need; cheap to clone.
    pub fn handle(&self) -> Handle {
        Handle { app: Arc::clone(&self.app), lanes: self.lanes.clone().into() }
    }

    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Waits for a shard to end, which none does before the drain unless it panics.
    pub(crate) async fn failed(&mut self) -> io::Error {
        self.ends.recv().await;
        io::Error::other("a shard has failed")
    }

    /// Refuses further publishes, gives every stream what was accepted, a time to come back, and a whole end; at the
    /// latest after [`Config::drain_timeout`].
    ///
    /// # Errors
    /// A shard's thread has panicked.
    pub async fn drain(mut self) -> io::Result<Ended> {
        info!(connections = self.app.hub.registry().connections(), "draining");
        self.app.drain();
        let mut cut = 0;
        for _ in 0..self.app.config.core.shards.max(1) {
            match self.ends.recv().await {
                Some(Ok(cut_there)) => cut += cut_there,
                Some(Err(_)) | None => return Err(io::Error::other("a shard has failed")),
            }
        }
        info!(cut, "drained");
        Ok(Ended { cut })
    }
}

/// Publishes, and answers requests that another server has accepted.
#[derive(Clone, Debug)]
pub struct Handle {
    app: Arc<App>,
    lanes: Arc<[Lane]>,
}

impl Handle {
    /// Answers any request of the wire contract. Its streams are carried by the caller's connection: their bodies are
    /// to be polled by hyper, and end with an error if they have to be cut.
    pub async fn answer(&self, request: Request<Incoming>, address: SocketAddr) -> Response<Body> {
        let (shard, place) = Lane::emptiest(&self.lanes).map_or((0, None), |(at, lane)| (at, Some(lane.place())));
        let handoff = Arc::new(Handoff::of(place));
        let peer = Peer { address, shard, is_h1: false, handoff };
        let service = Service { app: Arc::clone(&self.app), peer };
        let Ok(response) = service.call(request).await;
        response
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then.
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        self.app.publish(event, None, wait).await
    }

    /// Publishes one event, once for each key: the same event again is not published, and gets the first answer. Keys
    /// with a scope of the program's own are told apart from those that come over HTTP.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then.
    pub async fn publish_once(&self, event: Event, key: &IdempotencyKey, wait: Wait) -> Result<Receipt, PublishError> {
        self.app.publish(event, Some(key), wait).await
    }

    /// What is kept of `channel` from `start` on, at most `limit`; [`Page::next`] is where the next page begins.
    pub fn history(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        self.app.hub.history(channel, start, limit)
    }

    /// What became of the events of each open stream that `target` reaches (a client's, a channel's, all), by the number of
    /// the connection, as of now. None once the server drains.
    pub async fn accounts_of(&self, target: &Target) -> Vec<(u64, Account)> {
        tokio::select! {
            biased;
            // A shard that has drained answers nobody.
            () = self.app.draining.stopped() => Vec::new(),
            accounts = self.app.hub.accounts_of(target) => accounts,
        }
    }

    /// What became of the events of `channel` since somebody has been following it, up to a fraction of a second ago;
    /// `None` if nobody is.
    pub fn account_of(&self, channel: &Channel) -> Option<ChannelAccount> {
        self.app.hub.registry().channel(channel)
    }

    /// What became of broadcasts to all, up to a fraction of a second ago.
    pub fn account_of_all(&self) -> ChannelAccount {
        self.app.hub.registry().all()
    }

    /// How many streams are open.
    pub fn connections(&self) -> usize {
        self.app.hub.registry().connections()
    }
}
