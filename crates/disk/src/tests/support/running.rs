//! [`Running`]: a hub behind a journal on a disk in memory, and the thread that runs the journal.

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant, SystemTime},
};

use fanfare_core::{
    Channel, Event, EventId, Gap, IdempotencyKey, PublishError, ReadLimit, Receipt, Retentions, Start, Wait,
    engine::{Hub, Shard, Socket},
    journal::Journal as _,
};

use crate::{
    config::{Config, Fsync, LogConfig},
    directory::Directory,
    journal::DiskJournal,
};

use super::{MemoryDisk, boot};

const PATIENCE: Duration = Duration::from_secs(20);

/// A socket that never exists, because nobody subscribes.
#[derive(Debug)]
pub(crate) struct NoSocket(Infallible);

impl Socket for NoSocket {
    fn poll_write(&mut self, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn shut_write(&mut self) {
        match self.0 {}
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        assert!(Instant::now() < end, "nobody answers");
        thread::park_timeout(PATIENCE);
    }
}

#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64
}

pub(crate) fn fsync(fsync: Fsync) -> Config {
    let log = LogConfig { fsync, segment_bytes_max: 4 << 10 };
    Config { log, fsync_interval: Duration::from_millis(5), ..Config::default() }
}

/// A hub and the thread of its journal.
pub(crate) struct Running {
    pub(crate) hub: Arc<Hub<NoSocket>>,
    _shards: Vec<Shard<NoSocket>>,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) fn new(disk: &Arc<MemoryDisk>, config: Config) -> Self {
        Self::with(disk, config, Retentions::default())
    }

    pub(crate) fn with(disk: &Arc<MemoryDisk>, config: Config, history: Retentions) -> Self {
        // No shard takes anything out of its inbox.
        let core = fanfare_core::Config {
            inbox_messages_max: usize::MAX,
            inbox_bytes_max: usize::MAX,
            history,
            ..fanfare_core::Config::default()
        };
        // Nobody drives its shard, which takes nothing. Dropped, it would have the hub refuse what is published.
        let (hub, shards) = Hub::behind_journal(core, Box::new(unix_ms));
        let directory = Directory::with_files(disk.clone(), boot(1)).unwrap();
        let mut journal = Box::new(DiskJournal::with(directory, config));
        journal.restore(hub.desk()).unwrap();
        let desk = Arc::clone(&hub);
        Self { hub, _shards: shards, thread: thread::spawn(move || journal.run(desk.desk())) }
    }

    pub(crate) fn publish(&self, event: Event) -> Result<Receipt, PublishError> {
        block_on(self.hub.publish(event, Wait::Journal))
    }

    pub(crate) fn publish_once(&self, event: Event, key: &IdempotencyKey) -> Result<Receipt, PublishError> {
        block_on(self.hub.publish_once(event, key, Wait::Journal))
    }

    /// The kept events of a channel, and the gap before them.
    pub(crate) fn history(&self, channel: &str, start: &Start) -> (Vec<(EventId, String)>, Option<Gap>) {
        let limit = ReadLimit { messages_max: usize::MAX, bytes_max: usize::MAX };
        let page = self.hub.history(&Channel::new(channel).unwrap(), start, limit);
        (page.messages.iter().map(|message| (message.id(), message.fields().data)).collect(), page.gap)
    }

    pub(crate) fn data(&self) -> Vec<String> {
        self.history("a", &Start::Earliest).0.into_iter().map(|(_, data)| data).collect()
    }

    pub(crate) fn drain(self) -> io::Result<()> {
        self.hub.drain();
        self.thread.join().unwrap()
    }
}
