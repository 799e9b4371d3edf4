//! [`Traces`]: the traces of a server: those of the last events, and those that the sink has yet to be told of.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use fanfare_core::EventId;
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use super::{
    context::{TraceContext, TraceId},
    recent::Recent,
    traced::{TraceSink, Traced},
    under_way::{Facts, Now, UnderWay, place_of},
};

/// Finished publishes that wait for the sink. One more is dropped, and counted.
const QUEUE_MAX: usize = 1_024;
/// Finished publishes that the sink gets at once.
const BATCH_MAX: usize = 256;
/// Time in which a batch is gathered.
const GATHER_TIME: Duration = Duration::from_millis(500);

/// The traces of a server.
#[derive(Debug)]
pub(crate) struct Traces {
    recent: Mutex<Recent>,
    /// Publishes that the sink will be told of. None without a sink.
    under_way: Option<Mutex<UnderWay>>,
    /// The way to the thread of the sink, while it runs.
    queue: Mutex<Option<Queue>>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Queue {
    finished: SyncSender<Traced>,
    /// Told when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Traces {
    pub(crate) fn new(has_sink: bool) -> Self {
        Self {
            recent: Mutex::default(),
            under_way: has_sink.then(Mutex::default),
            queue: Mutex::default(),
            dropped: Arc::default(),
        }
    }

    /// Gives finished publishes to `sink` from now on, on a thread of its own.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(&self, sink: Arc<dyn TraceSink>) -> io::Result<()> {
        let (finished, waiting) = sync_channel(QUEUE_MAX);
        let (end, ended) = oneshot::channel();
        let dropped = Arc::clone(&self.dropped);
        thread::Builder::new().name("traces".to_owned()).spawn(move || {
            hand_on(&waiting, &*sink, &dropped);
            // Nobody may wait for it.
            let _ = end.send(());
        })?;
        *self.queue.lock() = Some(Queue { finished, ended });
        Ok(())
    }

    /// Lets the sink have what waits, for this time at most.
    pub(crate) async fn end(&self, time: Duration) {
        let queue = self.queue.lock().take();
        if let Some(Queue { finished, ended }) = queue {
            drop(finished);
            let _ = timeout(time, ended).await;
        }
    }

    /// Remembers the trace of an event.
    pub(crate) fn remember(&self, event: EventId, context: &TraceContext) {
        self.recent.lock().push(event, context.trace_id());
    }

    /// The trace of an event, if it had one and is still known.
    pub(crate) fn of(&self, event: EventId) -> Option<TraceId> {
        self.recent.lock().of(event)
    }

    /// Publishes whose spans nobody will see, because too many were under way or waited, or because the sink could not hand them on.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The place of a publish that begins. None if nobody is told of it, or if too many are under way.
    pub(super) fn enter(&self, context: TraceContext, facts: impl FnOnce() -> Facts) -> Option<usize> {
        let under_way = self.under_way.as_ref().filter(|_| context.is_sampled())?;
        let entered = under_way.lock().enter(facts());
        entered.map_err(|lost| self.count_dropped(lost)).ok()
    }

    pub(super) fn change(&self, place: usize, change: impl FnOnce(&mut Facts)) {
        if let Some(under_way) = &self.under_way {
            under_way.lock().get_mut(place).map(change);
        }
    }

    /// The last shard has passed the event with this stamp.
    pub(crate) fn fan_out(&self, stamp: u64, now_us: u64) {
        if let (Some(place), Some(under_way)) = (place_of(stamp), &self.under_way) {
            under_way.lock().fan_out(stamp, now_us);
            self.finish_at(place, now_us);
        }
    }

    /// Tells the sink of the publish at `place`, if it is finished.
    pub(super) fn finish_at(&self, place: usize, now_us: u64) {
        let now = Now::at(now_us);
        let finished = self.under_way.as_ref().and_then(|under_way| under_way.lock().take_finished(place, &now));
        finished.into_iter().for_each(|traced| self.finish(traced));
    }

    fn count_dropped(&self, count: usize) {
        // Relaxed: a figure for people.
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn finish(&self, traced: Traced) {
        let queue = self.queue.lock();
        let is_taken = queue.as_ref().is_some_and(|queue| queue.finished.try_send(traced).is_ok());
        if !is_taken {
            self.count_dropped(1);
        }
    }
}

/// Gives the sink all that waits, until nobody sends any more.
fn hand_on(waiting: &Receiver<Traced>, sink: &dyn TraceSink, dropped: &AtomicU64) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        let end = Instant::now() + GATHER_TIME;
        while batch.len() < BATCH_MAX
            && let Ok(next) = waiting.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            batch.push(next);
        }
        let lost = sink.export(batch);
        dropped.fetch_add(lost as u64, Ordering::Relaxed);
    }
}
