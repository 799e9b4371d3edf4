//! [`Verdict`]: what became of one event on one connection, from the record of the connection.

use crate::{
    event::{event_id::EventId, gap::Gap, notice::CloseReason, target::Target},
    fates::{
        record::{Progress, Record},
        trail::{Entry, Span},
    },
};

/// Where an event waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the queue in front of the connection's shard.
    Inbox,
    /// In the ring of the connection.
    Ring,
    /// Partly in the socket.
    Socket,
    /// In the history, which the connection reads at the pace of its socket.
    History,
}

/// What became of one event on one connection. Times are monotonic, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event was not for the connection.
    NotSubscribed,
    /// The connection was not there, or its stream began behind the event.
    NotConnected,
    /// The socket took it in this span of time. Without a span, it is too long ago to know when.
    Written(Option<(u64, u64)>),
    /// The history gave it in this span of time, behind a start in the past or a full ring.
    Repaired(u64, u64),
    /// It waits.
    Waiting(Place),
    /// It found no room and is lost. The stream was told the gap, or will be.
    Dropped(Option<Gap>),
    /// The history did not have it any more. The stream was told the gap, or will be.
    InGap(Option<Gap>),
    /// The connection ended while the event waited.
    Closed(CloseReason),
    /// Nobody knows any more.
    TooLongAgo,
}

/// An event as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) id: EventId,
    /// The targets, if they are known.
    pub(crate) targets: Option<&'a [Target]>,
    /// Whether the history may keep it.
    pub(crate) is_kept: bool,
    /// The targets for which the history had it when the connections were asked.
    pub(crate) readable_for: &'a [Target],
    /// The targets for which the history has it now.
    pub(crate) kept_for: &'a [Target],
}

impl Verdict {
    /// What became of `event`. `passed` is the time at which the shard took it to its connections. `now_ms` is monotonic time.
    pub(crate) fn of(record: &Record, event: Known<'_>, passed: Option<(u64, u64)>, now_ms: u64) -> Self {
        let id = event.id;
        if event.targets.is_some_and(|targets| !record.follows(targets)) {
            return Self::NotSubscribed;
        }
        if !record.was_there(id) {
            return Self::NotConnected;
        }
        if !event.is_kept && id <= record.opened {
            // Only those who were there get an event that is live only.
            return Self::NotConnected;
        }
        if event.targets.is_none() {
            // It may have been for others. Only what was lost for all is certain.
            let fate = record.trail.lost(id).map_or(Self::TooLongAgo, |gap| Self::InGap(Some(gap)));
            return fate.unless_ended(id, record);
        }
        if let Some(fate) = waits(record, event).or_else(|| in_gap(record, event)) {
            return fate.unless_ended(id, record);
        }
        if id > record.position {
            // Its outlet was broken, or its time was over.
            return record.ended.map_or(Self::NotConnected, |ended| Self::Closed(ended.reason));
        }
        let until_ms = record.ended.map_or(now_ms, |ended| ended.ms);
        let span_of = |span: &Span| (span.from_ms, span.to_ms.unwrap_or(until_ms));
        let covering = record.trail.entries().find_map(|entry| match entry {
            Entry::Repaired(span) if span.covers(id) => {
                let (from_ms, to_ms) = span_of(span);
                Some(Self::Repaired(from_ms, to_ms))
            }
            Entry::Waited(span) if span.covers(id) && id > record.opened => Some(Self::Written(Some(span_of(span)))),
            _ => None,
        });
        if let Some(verdict) = covering {
            return if id <= record.trail.losses_forgotten() { Self::TooLongAgo } else { verdict };
        }
        if id <= record.known && !record.follows(event.kept_for) {
            // Perhaps it had left the history before the stream began.
            return Self::TooLongAgo;
        }
        if id <= record.opened {
            return Self::Repaired(record.opened_ms, until_ms);
        }
        if id <= record.trail.forgotten() {
            return Self::TooLongAgo;
        }
        Self::Written(passed)
    }

    /// The same, unless the connection has ended while the event waited, or its gap.
    fn unless_ended(self, id: EventId, record: &Record) -> Self {
        let is_told = |gap: Gap| !record.untold.iter().any(|untold| untold.reason == gap.reason && untold.covers(id));
        let is_to_come = match self {
            Self::Waiting(_) => true,
            Self::Dropped(gap) | Self::InGap(gap) => !gap.is_some_and(is_told),
            _ => false,
        };
        match record.ended {
            Some(ended) if is_to_come => Self::Closed(ended.reason),
            _ => self,
        }
    }
}

/// What becomes of an event that the connection has not come to yet.
fn waits(record: &Record, event: Known<'_>) -> Option<Verdict> {
    let id = event.id;
    if record.begun == Some(id) {
        return Some(Verdict::Waiting(Place::Socket));
    }
    if record.waiting.contains(&id) {
        return Some(Verdict::Waiting(Place::Ring));
    }
    match record.progress {
        Progress::Behind { cursor, is_reading } if id > cursor && id <= record.seen => {
            Some(behind(record, event, is_reading))
        }
        Progress::Dropping { after } if id > after && id <= record.seen => Some(Verdict::Dropped(None)),
        Progress::Closing { after } if id > after => Some(Verdict::NotConnected),
        _ if id > record.seen => Some(Verdict::Waiting(Place::Inbox)),
        _ => None,
    }
}

/// What becomes of the event on a connection that reads the history and has not come to it yet.
fn behind(record: &Record, event: Known<'_>, is_reading: bool) -> Verdict {
    // What is being read may have left the history since.
    if event.is_kept && (is_reading || record.follows(event.readable_for)) {
        return Verdict::Waiting(Place::History);
    }
    let untold = if !event.is_kept {
        Verdict::Dropped(None)
    } else if event.id <= record.known {
        // Perhaps it had left the history before the stream began. Nobody is told of that.
        Verdict::TooLongAgo
    } else {
        Verdict::InGap(None)
    };
    in_gap(record, event).unwrap_or(untold)
}

/// The loss of the event, if it is in a gap.
fn in_gap(record: &Record, event: Known<'_>) -> Option<Verdict> {
    let id = event.id;
    let gives = |entry: &Entry| matches!(entry, Entry::Missed(missed) if missed.given.contains(&id));
    let is_given = record.trail.entries().any(gives);
    record.trail.entries().find_map(|entry| match entry {
        Entry::Dropped { gap, is_all } if gap.covers(id) && (*is_all || !event.is_kept) => {
            Some(Verdict::Dropped(Some(*gap)))
        }
        Entry::Missed(missed)
            if !is_given
                && event.is_kept
                && (missed.after < id && id <= missed.upto)
                && !record.follows(event.kept_for) =>
        {
            let gap = missed.gaps.iter().flatten().find(|gap| missed.is_whole && gap.covers(id));
            Some(gap.map_or(Verdict::TooLongAgo, |gap| Verdict::InGap(Some(*gap))))
        }
        _ => None,
    })
}
