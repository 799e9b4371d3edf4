//! [`RedisJournal`]: the journal in a Stream as a hub uses it: on one thread, with one link after the other, and what outlives
//! them.

use std::{cell::RefCell, future::poll_fn, io, mem, task::Poll, thread, time::Duration};

use fanfare_core::{Desk, Journal, Refusal};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    config::Config,
    ingest::Ingest,
    keeper,
    link::Link,
    link_error::LinkError,
    pending::Pending,
    reader::Reader,
    trouble::{Backoff, Trouble},
    writer::Writer,
};

/// A journal in a Stream that other nodes read and write as well.
#[derive(Debug)]
pub struct RedisJournal {
    config: Config,
    /// What this node calls itself: another name at each start.
    node: String,
}

impl RedisJournal {
    /// A node that uses the Stream of `config`.
    pub fn new(config: Config) -> Self {
        Self { config, node: format!("{:016x}", rand::random::<u64>()) }
    }

    /// One link after the other, until the desk is closed.
    async fn serve(&self, desk: &dyn Desk) {
        let (pending, trouble) = (RefCell::new(Pending::default()), Trouble::default());
        let mut reader = Reader::new(self.node.clone());
        loop {
            let link = tokio::select! {
                biased;
                link = self.link(&mut reader, &trouble, desk) => link,
                () = self.refuse(&pending, &trouble, desk) => return,
            };
            match self.work(&link, &mut reader, &pending, &trouble, desk).await {
                Ok(()) => return,
                Err(error) => trouble.begins(&error.reason, desk),
            }
        }
    }

    /// Tries until there is a link, and the hub has what was before it.
    async fn link(&self, reader: &mut Reader, trouble: &Trouble, desk: &dyn Desk) -> Link {
        let mut backoff = Backoff::new();
        loop {
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
            sleep(backoff.next()).await;
        }
    }

    /// While there is no link: what comes is refused, and what was under way is given up when it has waited for long enough.
    /// Returns when the desk is closed.
    async fn refuse(&self, pending: &RefCell<Pending>, trouble: &Trouble, desk: &dyn Desk) {
        loop {
            let look = poll_fn(|cx| {
                // What comes before the first attempt has failed waits for it.
                if !trouble.is_ongoing() && !desk.is_closed() {
                    return Poll::Pending;
                }
                let unsent = &mut pending.borrow_mut().unsent;
                desk.take(unsent, cx);
                if unsent.is_empty() && !desk.is_closed() { Poll::Pending } else { Poll::Ready(()) }
            });
            // Nothing to be told if it is over sooner: what is old is looked at then.
            let _ = timeout(self.config.timeout / 20, look).await;
            let is_closed = desk.is_closed();
            let (unsent, old) = {
                let mut pending = pending.borrow_mut();
                let end = pending.next();
                let age = if is_closed { Duration::ZERO } else { self.config.timeout };
                (mem::take(&mut pending.unsent), pending.take_older(age, end))
            };
            trouble.refuse(unsent, Refusal::NotPublished, desk);
            trouble.refuse(old, Refusal::Unknown, desk);
            if is_closed {
                return;
            }
        }
    }

    /// Until the desk is closed and everything is answered.
    async fn work(
        &self,
        link: &Link,
        reader: &mut Reader,
        pending: &RefCell<Pending>,
        trouble: &Trouble,
        desk: &dyn Desk,
    ) -> Result<(), LinkError> {
        let writer = Writer { config: &self.config, node: &self.node, link, pending, trouble };
        let ingest = Ingest::new(&self.config, &self.node, link);
        let ended = tokio::select! {
            biased;
            // First, so that the writer sees what it has brought.
            error = reader.run(link, pending, trouble, desk) => Err(link.named(error)),
            error = keeper::run(link, self.config.bytes_max) => Err(link.named(error)),
            never = ingest.run() => match never {},
            ended = writer.run(desk) => ended,
        };
        if ended.is_ok() {
            ingest.end().await;
        }
        ended
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl Journal for RedisJournal {
    /// Only looks whether the settings are right, if Redis can be reached: what was before is read when it runs.
    fn restore(&mut self, _: &dyn Desk) -> io::Result<()> {
        let look = || {
            runtime()?.block_on(async {
                let link = Link::open(&self.config).await?;
                link.attach(None).await.map_err(|error| link.named(error))
            })
        };
        // On a thread of its own: the caller may be in a runtime, where one must not wait for another.
        let looked = thread::scope(|scope| scope.spawn(look).join());
        let looked = looked.unwrap_or_else(|_| Err(LinkError::new("looking for it has panicked")));
        match looked {
            Ok(_) => Ok(()),
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
