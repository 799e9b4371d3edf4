//! [`Fanfare`]: the shards and their threads, from their start to the end of their drain.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fanfare_core::{
    engine::{Hub, Shard},
    journal::Journal,
};
use tokio::{sync::mpsc, time::timeout_at};
use tracing::info;

use crate::{
    app::{App, unix_ms},
    config::Config,
    connection::{driver::Driver, lane::Lane},
    handle::Handle,
    link::socket::ClientSocket,
};

/// Time that the journal has to end after the drain should be over.
const JOURNAL_TIME: Duration = Duration::from_secs(2);

/// The end of a server that has drained.
///
/// ```
/// # use fanfare_http::{Config, Event, Fanfare, Follow, Target, Wait};
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fanfare = Fanfare::start(Config { drain_timeout: Duration::from_millis(100), ..Config::default() })?;
/// let handle = fanfare.handle();
/// let _never_read = handle.subscribe(Follow::channels([])).await?;
/// handle.publish(Event::new(Target::All, "hello"), Wait::Written).await?;
/// assert_eq!(fanfare.drain().await?.cut, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Number of connections that had not taken everything they were due when the time was over.
    pub cut: usize,
}

/// A running engine: one thread for each shard, and one for a journal. If it is dropped without [`Fanfare::drain`], every stream
/// is cut, and the journal ends a moment later.
///
/// ```
/// use fanfare_http::{Channel, Config, Event, Fanfare, Target, Wait};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fanfare = Fanfare::start(Config::default())?;
/// let handle = fanfare.handle();
/// let event = Event::new(Target::Channel(Channel::new("news")?), "hello");
/// let receipt = handle.publish(event, Wait::Journal).await?;
/// assert_eq!(receipt.matched, 0, "nobody follows the channel");
///
/// let ended = fanfare.drain().await?;
/// assert_eq!(ended.cut, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Fanfare {
    pub(crate) app: Arc<App>,
    lanes: Vec<Lane>,
    /// Number of threads that have to end. Each sends the number of connections that it had to cut.
    threads: usize,
    report: mpsc::Sender<io::Result<usize>>,
    reports: mpsc::Receiver<io::Result<usize>>,
}

/// Time for the last traces to go out once everything has drained.
const TRACES_TIME: Duration = Duration::from_secs(2);

/// Calls a function when it is dropped, also when a thread panics.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Fanfare {
    /// Starts the threads, with the order and the history in memory. The ticks of [`Config::clock`] are left to
    /// [`Fanfare::serve`].
    ///
    /// # Errors
    /// Nothing could be served with a setting, or threads or descriptors have run out.
    ///
    /// ```
    /// use fanfare_http::{Config, Fanfare};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut config = Config { channels_max: 16, ..Config::default() };
    /// config.core.shards = 2;
    /// let fanfare = Fanfare::start(config)?;
    /// assert!(fanfare.handle().is_ready());
    /// fanfare.drain().await?;
    ///
    /// let nothing = Config { retry_ms: 2..=1, ..Config::default() };
    /// assert!(Fanfare::start(nothing).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(config: Config) -> io::Result<Self> {
        config.check()?;
        let (hub, shards) = Hub::new(config.core.clone(), Box::new(unix_ms));
        Self::with(config, hub, shards)
    }

    /// Starts the threads as [`Fanfare::start`] does, with a journal that gives the order and keeps the events. The journal
    /// reads what it has from before, or finds that this has to wait, before this function returns. The crates `fanfare-disk`
    /// and `fanfare-redis` have journals.
    ///
    /// # Errors
    /// As of [`Fanfare::start`], or the journal cannot be read.
    ///
    /// ```
    /// use std::{io, task::{Context, Waker}, thread};
    ///
    /// use fanfare_http::{
    ///     Config, Event, EventId, Fanfare, Journal, Target, Wait, core::journal::{Desk, Past, Settled},
    /// };
    ///
    /// /// Numbers events from 1 on, and keeps them nowhere.
    /// #[derive(Default)]
    /// struct Counter(u64);
    ///
    /// impl Journal for Counter {
    ///     fn restore(&mut self, desk: &dyn Desk) -> io::Result<()> {
    ///         desk.restore_past(Past::default());
    ///         Ok(())
    ///     }
    ///
    ///     fn run(mut self: Box<Self>, desk: &dyn Desk) -> io::Result<()> {
    /// #       struct Unpark(thread::Thread);
    /// #       impl std::task::Wake for Unpark {
    /// #           fn wake(self: std::sync::Arc<Self>) {
    /// #               self.0.unpark();
    /// #           }
    /// #       }
    /// #       let waker = Waker::from(std::sync::Arc::new(Unpark(thread::current())));
    ///         // `waker` unparks this thread.
    ///         let mut group = Vec::new();
    ///         while !desk.is_closed() {
    ///             desk.take(&mut group, &Context::from_waker(&waker));
    ///             let settled = group.drain(..).map(|submission| {
    ///                 self.0 += 1;
    ///                 Settled::Own(EventId::new(self.0, 0), submission)
    ///             });
    ///             desk.settle(&mut settled.collect(), &Context::from_waker(&waker));
    ///             if !desk.is_closed() {
    ///                 thread::park();
    ///             }
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start_behind(Config::default(), Box::new(Counter::default()))?;
    /// let receipt = fanfare.handle().publish(Event::new(Target::All, "hello"), Wait::Journal).await?;
    /// assert_eq!(receipt.id, EventId::new(1, 0));
    /// fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_behind(config: Config, mut journal: Box<dyn Journal>) -> io::Result<Self> {
        config.check()?;
        let (hub, shards) = Hub::behind_journal(config.core.clone(), Box::new(unix_ms));
        journal.restore(hub.desk())?;
        let mut fanfare = Self::with(config, Arc::clone(&hub), shards)?;
        fanfare.spawn("journal".to_owned(), move || {
            let _ended = OnDrop(|| hub.journal_ended());
            journal.run(hub.desk()).map(|()| 0)
        })?;
        Ok(fanfare)
    }

    fn with(config: Config, hub: Arc<Hub<ClientSocket>>, shards: Vec<Shard<ClientSocket>>) -> io::Result<Self> {
        let traces = config.traces.clone();
        let app = Arc::new(App::new(hub, config));
        traces.map(|sink| app.traces.start(sink)).transpose()?;
        let (report, reports) = mpsc::channel(shards.len() + 1);
        let mut fanfare = Self { app, lanes: Vec::with_capacity(shards.len()), threads: 0, report, reports };
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

    /// Starts a thread that ends with the drain.
    fn spawn(&mut self, name: String, run: impl FnOnce() -> io::Result<usize> + Send + 'static) -> io::Result<()> {
        let (report, app) = (self.report.clone(), Arc::clone(&self.app));
        let thread = format!("the thread {name}");
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(run));
            let result = result.unwrap_or_else(|_| Err(io::Error::other(format!("{thread} has panicked"))));
            app.fail(&result.as_ref().map_or_else(ToString::to_string, |_| format!("{thread} has ended")));
            let _ = report.blocking_send(result);
        };
        thread::Builder::new().name(name).spawn(run)?;
        self.threads += 1;
        Ok(())
    }

    /// A handle to the engine, through which a program publishes, follows channels and answers requests.
    ///
    /// ```
    /// # use fanfare_http::{Config, Fanfare};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// assert!(handle.is_ready());
    ///
    /// fanfare.drain().await?;
    /// assert!(!handle.is_ready(), "a handle may live longer than the engine");
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.app), self.lanes.clone().into())
    }

    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Waits for a part to fail: the thread of a shard or of the journal has panicked, or has ended before the drain. From then
    /// on [`Handle::is_ready`] says no and [`Handle::failure`] says why, and all that is left to do is to drain.
    ///
    /// ```
    /// use std::io;
    ///
    /// use fanfare_http::{Config, Fanfare, Journal, core::journal::{Desk, Past}};
    ///
    /// struct Broken;
    ///
    /// impl Journal for Broken {
    ///     fn restore(&mut self, desk: &dyn Desk) -> io::Result<()> {
    ///         desk.restore_past(Past::default());
    ///         Ok(())
    ///     }
    ///
    ///     fn run(self: Box<Self>, _: &dyn Desk) -> io::Result<()> {
    ///         Err(io::Error::other("the disk is gone"))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> io::Result<()> {
    /// let fanfare = Fanfare::start_behind(Config::default(), Box::new(Broken))?;
    /// let handle = fanfare.handle();
    /// assert_eq!(fanfare.failed().await.to_string(), "the disk is gone");
    /// assert_eq!(handle.failure().as_deref(), Some("the disk is gone"));
    /// assert!(!handle.is_ready() && fanfare.drain().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn failed(&self) -> io::Error {
        self.app.failed().await
    }

    /// Lets `/readyz` say from now on that the server drains, so that no more traffic is sent to it. Everything else goes on until
    /// [`Fanfare::drain`].
    ///
    /// ```
    /// # use fanfare_http::{Config, Event, Fanfare, Target, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// fanfare.announce_drain();
    /// assert!(!handle.is_ready());
    /// assert!(handle.publish(Event::new(Target::All, "still here"), Wait::Journal).await.is_ok());
    /// # fanfare.drain().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn announce_drain(&self) {
        self.app.phases.leave();
    }

    /// Refuses further publishes, and gives every stream what was accepted, a time to come back, and a whole end. Streams that
    /// have not taken everything after [`Config::drain_timeout`] are cut. The journal has 2 s more.
    ///
    /// # Errors
    /// A part has failed, or has not ended in time.
    ///
    /// ```
    /// # use fanfare_http::{Config, Event, Fanfare, Follow, PublishError, Target, Told, Wait};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fanfare = Fanfare::start(Config::default())?;
    /// let handle = fanfare.handle();
    /// let mut events = handle.subscribe(Follow::channels([])).await?;
    /// handle.publish(Event::new(Target::All, "the last"), Wait::Journal).await?;
    ///
    /// let draining = tokio::spawn(fanfare.drain());
    /// let Some(Ok(Told::Event(message))) = events.next().await else { panic!("accepted, so it comes") };
    /// assert_eq!(message.fields().data, "the last");
    /// assert!(events.next().await.is_none());
    /// assert_eq!(draining.await??.cut, 0);
    ///
    /// let late = handle.publish(Event::new(Target::All, "too late"), Wait::Journal).await;
    /// assert_eq!(late.map(|receipt| receipt.id), Err(PublishError::Draining));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(mut self) -> io::Result<Ended> {
        info!(connections = self.app.hub.registry().connections(), "draining");
        self.app.drain();
        // The shards look at the time themselves, and need a moment for it.
        let deadline = self.app.phases.ends().map_or_else(Instant::now, |ends| ends + JOURNAL_TIME);
        let (mut cut, mut failed) = (0, None);
        for _ in 0..self.threads {
            match timeout_at(deadline.into(), self.reports.recv()).await {
                Ok(Some(Ok(cut_there))) => cut += cut_there,
                // The others end in good order all the same.
                Ok(Some(Err(error))) => failed = failed.or(Some(error)),
                Ok(None) | Err(_) => failed = failed.or(Some(io::Error::other("a part did not end in time"))),
            }
        }
        self.app.traces.end(TRACES_TIME).await;
        info!(cut, "drained");
        failed.map_or(Ok(Ended { cut }), Err)
    }
}

impl Drop for Fanfare {
    fn drop(&mut self) {
        // The shards end at their next sweep, whoever still has a handle.
        self.app.phases.end();
        // So that the journal ends, and lets go of its directory.
        self.app.hub.close_journal();
    }
}
