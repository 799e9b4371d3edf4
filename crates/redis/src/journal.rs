//! [`RedisJournal`]: the journal in a Stream as a hub uses it. It runs on one thread, with one link after the other,
//! and holds the state that outlives links.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::poll_fn,
    io,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use fanfare_core::{
    EventId,
    journal::{Desk, Journal, Refusal},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    asker,
    config::Config,
    in_flight::InFlight,
    ingest::Ingest,
    keeper,
    link::{Link, fresh_name},
    link_error::LinkError,
    reader::Reader,
    trouble::{Backoff, Trouble},
    writer::Writer,
};

/// Time that the start may take to check the settings.
const LOOK_TIME: Duration = Duration::from_secs(2);
/// Time between two looks at submissions that wait without a link.
const REFUSE_INTERVAL: Duration = Duration::from_millis(100);
/// Time after which a link was a good one. The next attempt counts as the first.
const CALM: Duration = Duration::from_secs(5);

/// A journal in a Stream that other nodes read and write as well.
///
/// ```no_run
/// use std::time::Duration;
///
/// use fanfare_core::{Event, Target, Wait, engine::Hub, journal::Journal as _};
/// use fanfare_redis::{Config, RedisJournal};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # async fn publish(config: Config) -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::behind_journal(fanfare_core::Config::default(), Box::new(|| 1_000));
/// let mut journal = Box::new(RedisJournal::new(config));
/// journal.restore(hub.desk())?;
/// # let running = std::sync::Arc::clone(&hub);
/// let journal = std::thread::spawn(move || journal.run(running.desk()));
/// // Waits until there is a link to Redis, and the events that are in the Stream are read.
/// hub.ready().await;
/// let receipt = hub.publish(Event::new(Target::All, "for the streams of all nodes"), Wait::Journal).await?;
/// assert!(hub.is_shared() && receipt.id == hub.last_id());
/// # hub.drain();
/// # journal.join().map_err(|_| "the journal panicked")??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RedisJournal {
    config: Config,
    /// Name of this node, another one at each start.
    node: String,
}

impl RedisJournal {
    /// A node that uses the Stream of `config`. No server is asked before the journal is restored.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use fanfare_core::Pattern;
    /// use fanfare_redis::{Config, RedisJournal};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config {
    ///     address: "redis://:secret@127.0.0.1".parse()?,
    ///     name: "my-app".parse()?,
    ///     events_max: 100_000,
    ///     bytes_max: 256 << 20,
    ///     timeout: Duration::from_secs(5),
    ///     replicas: 0,
    ///     subscribe: vec![Pattern::new("prices.*")?],
    ///     message_bytes_max: 1 << 20,
    ///     keys_max: 100_000,
    ///     keys_ms: 600_000,
    /// };
    /// let journal = RedisJournal::new(config);
    /// assert!(!format!("{journal:?}").contains("secret"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(config: Config) -> Self {
        Self { config, node: fresh_name() }
    }

    /// Opens one link after the other, until the desk is closed.
    async fn serve(&self, desk: &dyn Desk) {
        let (in_flight, trouble) = (RefCell::new(InFlight::default()), Trouble::default());
        let mut reader = Reader::new(&self.node, &in_flight, self.config.message_bytes_max);
        let mut backoff = Backoff::new();
        loop {
            let link = tokio::select! {
                biased;
                link = self.link(&mut reader, &mut backoff, &trouble, desk) => link,
                never = hand_over(&in_flight, desk) => match never {},
                () = self.refuse(&in_flight, &trouble, desk) => return,
            };
            let began = Instant::now();
            match self.work(&link, &mut reader, &in_flight, &trouble, desk).await {
                Ok(()) => return,
                Err(error) => trouble.begins(&error.reason, desk),
            }
            if began.elapsed() > CALM {
                backoff = Backoff::new();
            }
        }
    }

    /// Tries until there is a link, and the hub has the earlier events. Only the very first attempt comes without a
    /// delay.
    async fn link(&self, reader: &mut Reader<'_>, backoff: &mut Backoff, trouble: &Trouble, desk: &dyn Desk) -> Link {
        loop {
            if trouble.is_ongoing() {
                sleep(backoff.next()).await;
            }
            let linked = async {
                let link = Link::open(&self.config).await?;
                reader.attach(&link, desk).await.map_err(|error| link.named(error))?;
                Ok::<_, LinkError>(link)
            };
            match linked.await {
                Ok(link) => {
                    info!(server = %link.info.addr(), "linked to Redis");
                    trouble.is_over(desk);
                    return link;
                }
                Err(error) => trouble.begins(&error.reason, desk),
            }
        }
    }

    /// Serves the desk while there is no link. New submissions are refused, and sent ones are given up after the
    /// timeout. Returns when the desk is closed.
    async fn refuse(&self, in_flight: &RefCell<InFlight>, trouble: &Trouble, desk: &dyn Desk) {
        loop {
            let look = poll_fn(|cx| {
                // Submissions wait until the first attempt has failed.
                if !trouble.is_ongoing() && !desk.is_closed() {
                    return Poll::Pending;
                }
                let has_unsent = in_flight.borrow_mut().fetch(desk, cx);
                if has_unsent || desk.is_closed() { Poll::Ready(()) } else { Poll::Pending }
            });
            // The look ends periodically, so that old submissions are given up.
            let _ = timeout(REFUSE_INTERVAL, look).await;
            let is_closed = desk.is_closed();
            let (unsent, old) = {
                let mut in_flight = in_flight.borrow_mut();
                let end = in_flight.next();
                let age = if is_closed { Duration::ZERO } else { self.config.timeout };
                (in_flight.take_unsent(), in_flight.take_older(age, end))
            };
            trouble.refuse(unsent, Refusal::NotPublished, desk);
            trouble.refuse(old, Refusal::Unknown, desk);
            if is_closed {
                // Events that were read and found no room are dropped.
                in_flight.borrow_mut().settle(desk, &Context::from_waker(Waker::noop()));
                return;
            }
        }
    }

    /// Works over one link until the desk is closed and everything is answered.
    async fn work(
        &self,
        link: &Link,
        reader: &mut Reader<'_>,
        in_flight: &RefCell<InFlight>,
        trouble: &Trouble,
        desk: &dyn Desk,
    ) -> Result<(), LinkError> {
        let writer = Writer { config: &self.config, node: &self.node, link, in_flight, trouble };
        let ingest = Ingest::new(&self.config, &self.node, link);
        let ended = tokio::select! {
            biased;
            // The reader comes first, so that the writer sees the events that it has read.
            error = reader.run(link, trouble, desk) => Err(link.named(error)),
            error = asker::run(link, in_flight, desk) => Err(link.named(error)),
            error = keeper::run(link, self.config.bytes_max) => Err(link.named(error)),
            never = ingest.run() => match never {},
            ended = writer.run(desk) => ended,
        };
        if ended.is_ok() {
            ingest.end().await;
        }
        ended
    }

    /// Checks whether Redis can be used with these settings.
    async fn look(&self) -> Result<(), LinkError> {
        let link = Link::open(&self.config).await?;
        let look = async {
            link.attach(None, EventId::ZERO).await?;
            link.trim(u64::MAX).await?;
            Ingest::new(&self.config, &self.node, &link).try_subscribe().await
        };
        look.await.map_err(|error| link.named(error))
    }
}

/// Hands over the events that were read, for ever.
async fn hand_over(in_flight: &RefCell<InFlight>, desk: &dyn Desk) -> Infallible {
    poll_fn(|cx| {
        in_flight.borrow_mut().settle(desk, cx);
        Poll::Pending
    })
    .await
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl Journal for RedisJournal {
    /// Checks the settings only, if Redis can be reached. The earlier events are read when the journal runs.
    fn restore(&mut self, _: &dyn Desk) -> io::Result<()> {
        let look = || {
            let late = |_| Err(LinkError::new("redis: no answer in time"));
            runtime()?.block_on(async { timeout(LOOK_TIME, self.look()).await.unwrap_or_else(late) })
        };
        // The check has a thread of its own: the caller may be in a runtime, where one must not wait for another.
        let looked = thread::scope(|scope| scope.spawn(look).join());
        match looked.unwrap_or_else(|_| Err(LinkError::new("looking for Redis has panicked"))) {
            Ok(()) => Ok(()),
            Err(error) if error.is_setting => Err(io::Error::other(error.reason)),
            Err(error) => {
                warn!("not ready: {error}");
                Ok(())
            }
        }
    }

    fn run(self: Box<Self>, desk: &dyn Desk) -> io::Result<()> {
        runtime()?.block_on(self.serve(desk));
        Ok(())
    }
}
