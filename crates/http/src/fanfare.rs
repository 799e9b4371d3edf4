//! [`Fanfare`]: the shards and their threads, from their start to the end of their drain; and [`Handle`], through which
//! a program publishes and answers requests of its own server.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fanfare_core::{
    Account, Channel, ChannelAccount, Event, Hub, IdempotencyKey, Journal, Page, PublishError, ReadLimit, Receipt,
    Shard, Start, Target, Wait,
};
use hyper::{Request, Response};
use tokio::{sync::mpsc, time::timeout_at};
use tracing::info;

use crate::{
    access::PUBLISH_KEY_BYTES_MAX,
    app::{App, unix_ms},
    body::Body,
    config::Config,
    driver::Driver,
    events::{Events, Follow, FollowError},
    handoff::Handoff,
    inbound::Inbound,
    lane::Lane,
    service::{Peer, Service},
    tcp::Tcp,
};

/// How long the journal may take to end after the drain should be over.
const JOURNAL_TIME: Duration = Duration::from_secs(2);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that had not taken everything they were due when the time was over.
    pub cut: usize,
}

/// A running engine: one thread a shard, and one for a journal. Dropping it without [`Fanfare::drain`] cuts every stream;
/// a journal then ends a moment later.
#[derive(Debug)]
pub struct Fanfare {
    pub(crate) app: Arc<App>,
    lanes: Vec<Lane>,
    /// Those that have to end, and how they say so: with the connections that they had to cut.
    threads: usize,
    ended: mpsc::Sender<io::Result<usize>>,
    ends: mpsc::Receiver<io::Result<usize>>,
}

/// Also when a thread panics.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Settings of the engine.
fn engine(config: &Config) -> io::Result<fanfare_core::Config> {
    let is_long = config.publish_key.as_ref().is_some_and(|key| key.len() > PUBLISH_KEY_BYTES_MAX);
    if is_long || config.retry_ms.is_empty() {
        let reason = "the publish key is too long, or the range of retry times is empty";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    // Both are the same limit.
    let connections_max = config.connections_max.min(config.core.connections_max);
    Ok(fanfare_core::Config { connections_max, ..config.core.clone() })
}

impl Fanfare {
    /// Starts the threads; the order and the history are in memory. Ticks of [`Config::clock`] are [`Fanfare::serve`]'s.
    ///
    /// # Errors
    /// A setting that nothing could be served with, or threads or descriptors have run out.
    pub fn start(config: Config) -> io::Result<Self> {
        let core = engine(&config)?;
        let (hub, shards) = Hub::new(core, Box::new(unix_ms));
        Self::with(config, hub, shards)
    }

    /// As [`Fanfare::start`], with a journal that gives the order and keeps the events: what it has from before is read
    /// before this returns.
    ///
    /// # Errors
    /// As of [`Fanfare::start`], or the journal cannot be read.
    pub fn start_behind(config: Config, mut journal: Box<dyn Journal>) -> io::Result<Self> {
        let core = engine(&config)?;
        let (hub, shards) = Hub::behind_journal(core, Box::new(unix_ms));
        journal.restore(hub.desk())?;
        let mut fanfare = Self::with(config, Arc::clone(&hub), shards)?;
        fanfare.spawn("journal".to_owned(), move || {
            let _ended = OnDrop(|| hub.journal_ended());
            journal.run(hub.desk()).map(|()| 0)
        })?;
        Ok(fanfare)
    }

    fn with(config: Config, hub: Arc<Hub<Tcp>>, shards: Vec<Shard<Tcp>>) -> io::Result<Self> {
        let app = Arc::new(App::new(hub, config));
        let (ended, ends) = mpsc::channel(shards.len() + 1);
        let mut fanfare = Self { app, lanes: Vec::with_capacity(shards.len()), threads: 0, ended, ends };
        for (number, shard) in shards.into_iter().enumerate() {
            let (lane, accepted) = Lane::new();
            fanfare.lanes.push(lane);
            let driver = Driver { app: Arc::clone(&fanfare.app), shard, number, accepted };
            let (made, is_made) = std::sync::mpsc::sync_channel(1);
            fanfare.spawn(format!("shard-{number}"), move || driver.run(|result| drop(made.send(result))))?;
            is_made.recv().unwrap_or_else(|_| Err(io::Error::other("a thread ended at once")))?;
        }
        Ok(fanfare)
    }

    /// A thread that ends with the drain.
    fn spawn(&mut self, name: String, run: impl FnOnce() -> io::Result<usize> + Send + 'static) -> io::Result<()> {
        let (ended, app) = (self.ended.clone(), Arc::clone(&self.app));
        let thread = format!("the thread {name}");
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(run));
            let result = result.unwrap_or_else(|_| Err(io::Error::other(format!("{thread} has panicked"))));
            app.fail(&result.as_ref().map_or_else(ToString::to_string, |_| format!("{thread} has ended")));
            let _ = ended.blocking_send(result);
        };
        thread::Builder::new().name(name).spawn(run)?;
        self.threads += 1;
        Ok(())
    }

    /// What requests and publishers need; cheap to clone.
    pub fn handle(&self) -> Handle {
        Handle { app: Arc::clone(&self.app), lanes: self.lanes.clone().into() }
    }

    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Waits for a part to fail, a thread that has panicked for instance; none ends before the drain unless it fails. From then on
    /// [`Handle::is_ready`] says no, and all that is left to do is to drain.
    pub async fn failed(&self) -> io::Error {
        self.app.failed().await;
        io::Error::other(self.app.failure().unwrap_or_default())
    }

    /// From now on `/readyz` says that the server drains, so that no more traffic is sent to it; all goes on until
    /// [`Fanfare::drain`].
    pub fn announce_drain(&self) {
        self.app.leave();
    }

    /// Refuses further publishes, gives every stream what was accepted, a time to come back, and a whole end; at the
    /// latest after [`Config::drain_timeout`], and 2 s for the journal.
    ///
    /// # Errors
    /// A part has failed, or has not ended in time.
    pub async fn drain(mut self) -> io::Result<Ended> {
        info!(connections = self.app.hub.registry().connections(), "draining");
        self.app.drain();
        // The shards look at the time themselves, and need a moment for it.
        let ends = self.app.drain_ends().map_or_else(Instant::now, |ends| ends + JOURNAL_TIME);
        let (mut cut, mut failed) = (0, None);
        for _ in 0..self.threads {
            match timeout_at(ends.into(), self.ends.recv()).await {
                Ok(Some(Ok(cut_there))) => cut += cut_there,
                // The others end in good order all the same.
                Ok(Some(Err(error))) => failed = failed.or(Some(error)),
                Ok(None) | Err(_) => failed = failed.or(Some(io::Error::other("a part did not end in time"))),
            }
        }
        info!(cut, "drained");
        failed.map_or(Ok(Ended { cut }), Err)
    }
}

impl Drop for Fanfare {
    fn drop(&mut self) {
        // The shards end at their next sweep, whoever still has a handle.
        self.app.abandoned.set();
        // So that it ends, and lets go of its directory.
        self.app.hub.close_journal();
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
    /// to be polled by hyper, and end with an error if they have to be cut. Over HTTP/2 hyper does not poll a body while its
    /// peer takes nothing, and nothing but [`Body::cut`] tells that the stream is to end: whoever runs the request drops
    /// hyper's future of it then, or closes the connection.
    ///
    /// The request may come from any server that is built on `http`'s types, axum's for instance.
    pub async fn answer<B>(&self, request: Request<B>, address: SocketAddr) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (shard, place) = Lane::emptiest(&self.lanes).map_or((0, None), |(at, lane)| (at, Some(lane.place(None))));
        let handoff = Arc::new(Handoff::of(place));
        let peer = Peer { address, shard, is_h1: false, handoff };
        let service = Service { app: Arc::clone(&self.app), peer };
        let Ok(response) = service.answer_to(request.map(Inbound::other)).await;
        response
    }

    /// The events that a stream would carry, for a receiver in this process. Waits until what the journal had is read.
    ///
    /// # Errors
    /// [`FollowError`].
    pub async fn subscribe(&self, follow: Follow) -> Result<Events, FollowError> {
        Events::open(&self.app, &self.lanes, follow).await
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then, unless it says so.
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        self.app.publish(event, None, wait).await
    }

    /// Publishes one event, once for each key: the same event again is not published, and gets the first answer. Keys
    /// with a scope of the program's own are told apart from those that come over HTTP.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then, unless it says so.
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

    /// Whether all goes well: what the journal had is read, no part has failed, and no drain has begun or been announced. It is
    /// what `/readyz` says.
    pub fn is_ready(&self) -> bool {
        self.app.hub.is_ready() && self.app.failure().is_none() && !self.app.is_leaving()
    }

    /// How many streams are open.
    pub fn connections(&self) -> usize {
        self.app.hub.registry().connections()
    }
}
