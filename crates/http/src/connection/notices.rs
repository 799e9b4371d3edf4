//! [`NoticeLog`]: the lines of the log that a shard has to say.

use std::collections::HashMap;

use fanfare_core::{
    Account, Target,
    engine::{CloseReason, Closed, Notice},
};
use tracing::{info, warn};

use crate::limits::log::{STREAM_LINES_PER_SECOND_MAX, Sampler};

/// Busy channels that are named in one second. More are counted.
const LINES_PER_SECOND_MAX: usize = 10;
const SECOND_MS: u64 = 1_000;

/// Writes the notices of one shard, and busy channels once a second.
#[derive(Debug)]
pub(crate) struct NoticeLog {
    busy: HashMap<Target, u64>,
    next_busy_ms: u64,
    /// Lines about streams that end in the ordinary way.
    ordinary: Sampler,
    /// Lines about the others, apart: a crowd that leaves must not hide who has lost something.
    others: Sampler,
}

impl Default for NoticeLog {
    fn default() -> Self {
        let sampler = || Sampler::new(STREAM_LINES_PER_SECOND_MAX);
        Self { busy: HashMap::new(), next_busy_ms: 0, ordinary: sampler(), others: sampler() }
    }
}

impl NoticeLog {
    pub(crate) fn write(&mut self, notices: Vec<Notice>, now_ms: u64) {
        for notice in notices {
            match notice {
                Notice::Closed(closed) => {
                    let sampler = if is_ordinary(&closed) { &self.ordinary } else { &self.others };
                    if let Some(left_out) = sampler.admit(now_ms) {
                        write_closed(&closed, left_out);
                    }
                }
                Notice::Busy { target, dropped } => *self.busy.entry(target).or_default() += dropped,
            }
        }
        if !self.busy.is_empty() && now_ms >= self.next_busy_ms {
            self.next_busy_ms = now_ms + SECOND_MS;
            self.write_busy();
        }
    }

    fn write_busy(&mut self) {
        let mut busy: Vec<_> = self.busy.drain().collect();
        busy.sort_unstable_by_key(|(_, dropped)| std::cmp::Reverse(*dropped));
        let lines = LINES_PER_SECOND_MAX.min(busy.len());
        let (worst, others) = busy.split_at(lines);
        for (target, dropped) in worst {
            warn!(dropped, channel = target.to_string(), "channel busy");
        }
        if !others.is_empty() {
            let dropped: u64 = others.iter().map(|(_, dropped)| dropped).sum();
            warn!(dropped, channels = others.len(), "more channels busy");
        }
    }
}

/// Whether a stream has ended as most do, with nothing lost.
fn is_ordinary(closed: &Closed) -> bool {
    let is_ordinary = matches!(
        closed.reason,
        CloseReason::ClientGone | CloseReason::Drained | CloseReason::Expired | CloseReason::Disconnected
    );
    is_ordinary && closed.account.lost == 0
}

/// Writes the line about a stream that has ended. `left_out` lines of its kind were not written before it.
fn write_closed(closed: &Closed, left_out: u64) {
    let Closed { connection, client, reason, age_ms, account } = closed;
    let Account { matched, replayed, written, dropped, repaired, lost, owed: _, position } = account;
    let left_out = (left_out > 0).then_some(left_out);
    info!(
        connection,
        client = client.as_str(),
        reason = reason.as_str(),
        age_ms,
        matched,
        replayed,
        written,
        queued = account.queued(),
        dropped,
        repaired,
        lost,
        %position,
        lag = account.lag(),
        left_out,
        "close"
    );
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, sync::Arc};

    use fanfare_core::{ClientId, EventId};
    use parking_lot::Mutex;
    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Id, Record},
    };

    use super::*;

    /// Collects the fields of every line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Visit for &Lines {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().push(format!("{}={value:?}", field.name()));
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn the_line_at_close_says_what_became_of_every_event() {
        let lines = Lines::default();
        let position = EventId::new(7, 8);
        let account =
            Account { matched: 10, replayed: 4, written: 5, dropped: 6, repaired: 1, lost: 2, owed: 3, position };
        let (client, reason) = (ClientId::new("ann").unwrap(), CloseReason::ClientGone);
        let closed = Closed { connection: 1, client, reason, age_ms: 9, account };
        tracing::subscriber::with_default(lines.clone(), || write_closed(&closed, 0));
        let expected = [
            "message=close",
            "connection=1",
            "client=\"ann\"",
            "reason=\"client gone\"",
            "age_ms=9",
            "matched=10",
            "replayed=4",
            "written=5",
            "queued=4",
            "dropped=6",
            "repaired=1",
            "lost=2",
            "position=7-8",
            "lag=7",
        ];
        assert_eq!(*lines.0.lock(), expected);
    }

    #[test]
    fn a_crowd_that_leaves_does_not_hide_who_has_lost_something() {
        let lines = Lines::default();
        let closed = |lost| {
            let account = Account { lost, ..Account::default() };
            let (client, reason) = (ClientId::new("ann").unwrap(), CloseReason::ClientGone);
            Notice::Closed(Closed { connection: 1, client, reason, age_ms: 9, account })
        };
        let crowd = (0..1_000).map(|_| closed(0)).chain([closed(7)]).collect();
        let mut log = NoticeLog::default();
        tracing::subscriber::with_default(lines.clone(), || {
            log.write(crowd, 5_000);
            log.write(vec![closed(0)], 6_000);
        });
        let said = |line: &str| lines.0.lock().iter().filter(|said| *said == line).count();
        assert_eq!(said("message=close"), usize::try_from(STREAM_LINES_PER_SECOND_MAX).unwrap() + 2);
        assert_eq!((said("lost=7"), said("left_out=950")), (1, 1));
    }
}
