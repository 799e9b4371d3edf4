//! [`Keeper`]: gives back the space of what the history has let go of, beside the thread that writes. What the journal takes
//! is bounded by what the history and the remembered keys take of memory.

use std::{
    collections::HashMap,
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::{Desk, Event, Holds, Target};
use tracing::{debug, warn};

use crate::{
    config::Config,
    plan::{Candidate, Limits, Step, plan, without_events},
    reclaim::Reclaim,
    record::Stored,
    recovery::Recovered,
    room::{Room, is_about_room},
    segments::{SealedSegment, Segments},
    stop::Stop,
};

/// How often it looks; and while there is more to read, which takes some 40 ms of a full segment.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const BUSY_INTERVAL: Duration = Duration::from_millis(50);
/// How long it is believed how much of a segment is live: it only gets less.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// Bytes that are read at a time to find out what is live.
const MEASURED_BYTES_MAX: u64 = 16 << 20;
/// A segment is full when it has a part in so many of what the history takes, but not below one part in so many of what it may
/// have: so little of the disk is in the one that is written to, and its dead events are the only ones nobody can give back.
const FULL_SHARE: u64 = 4;
const FULL_SHARE_MIN: u64 = 16;
/// Events that the hub is asked about at a time: publishes wait meanwhile.
const ASKED_MAX: usize = 64;

/// The thread that gives space back.
#[derive(Debug)]
pub(crate) struct Keeper {
    segments: Arc<Segments>,
    reclaim: Reclaim,
    room: Arc<Room>,
    segment_bytes_max: u64,
    /// What was live of a segment when it was last read.
    measured: HashMap<u64, (Instant, u64)>,
    has_failed: bool,
}

impl Keeper {
    pub(crate) fn new(recovered: &Recovered, config: Config, room: Arc<Room>, desk: &dyn Desk) -> Self {
        let segment_bytes_max = config.log.segment_bytes_max;
        let keeper = Self {
            segments: Arc::clone(recovered.segments()),
            reclaim: Reclaim::new(recovered, config.marks_max),
            room,
            segment_bytes_max,
            measured: HashMap::new(),
            has_failed: false,
        };
        keeper.limits(desk);
        keeper
    }

    pub(crate) fn run(mut self, stop: &Stop, desk: &dyn Desk) {
        // Soon: a server that is ended again and again has to come to it.
        let mut interval = BUSY_INTERVAL;
        while !stop.wait(interval) {
            interval = LOOK_INTERVAL;
            match self.look(stop, desk) {
                Ok(has_more) => {
                    self.has_failed = false;
                    if has_more {
                        interval = BUSY_INTERVAL;
                    }
                }
                // A full disk, for instance: it is tried again, and said once.
                Err(error) if !mem::replace(&mut self.has_failed, true) => {
                    warn!(%error, "journal: cannot give space back");
                }
                Err(_) => {}
            }
        }
    }

    /// Does what there is to do; whether there is more. What fails keeps nothing else from being done.
    fn look(&mut self, stop: &Stop, desk: &dyn Desk) -> io::Result<bool> {
        if !self.room.is_full() {
            self.room.take_turn().make();
        }
        let (limits, oldest) = (self.limits(desk), desk.oldest());
        let (sealed, bytes) = (self.segments.sealed(), self.segments.bytes());
        self.measured.retain(|number, _| sealed.iter().any(|segment| segment.number == *number));
        let (without_events, dead) = without_events(&sealed, oldest);
        // All of them if there is too much, else those that are there for keys alone.
        let due = if bytes > limits.bytes_max { 0..sealed.len() } else { dead..without_events };
        let has_more = self.measure(sealed.get(due).unwrap_or_default(), desk);
        let candidates: Vec<_> = sealed.iter().map(|segment| self.candidate(*segment)).collect();
        let mut result = Ok(has_more);
        for step in plan(&candidates, bytes, oldest, &limits) {
            if stop.is_set() {
                break;
            }
            debug!(?step, bytes, "journal: giving space back");
            if let Err(error) = self.take(step, desk) {
                result = result.and(Err(error));
            }
        }
        result
    }

    fn take(&mut self, step: Step, desk: &dyn Desk) -> io::Result<()> {
        match step {
            Step::Remove { number } => self.reclaim.remove(number),
            Step::Rewrite { first, last } => {
                let rewritten = self.rewrite(first, last, desk);
                if rewritten.is_ok() {
                    // What is live of it now is all of it.
                    self.measured.insert(first, (Instant::now(), u64::MAX));
                }
                rewritten
            }
        }
    }

    /// On a full disk it takes the room that was held for that, and nobody else does meanwhile.
    fn rewrite(&mut self, first: u64, last: u64, desk: &dyn Desk) -> io::Result<()> {
        let rewritten = self.reclaim.rewrite(first, last, |stored| are_live(stored, desk));
        if !rewritten.as_ref().is_err_and(is_about_room) {
            return rewritten;
        }
        let room = Arc::clone(&self.room);
        let mut reserve = room.take_turn();
        if !reserve.is_made() {
            return rewritten;
        }
        reserve.release()?;
        let rewritten = self.reclaim.rewrite(first, last, |stored| are_live(stored, desk));
        reserve.make();
        rewritten
    }

    /// How much the journal may take now, and how much one segment.
    fn limits(&self, desk: &dyn Desk) -> Limits {
        let held_bytes = u64::try_from(desk.held_bytes()).unwrap_or(u64::MAX);
        let full_bytes =
            (held_bytes / FULL_SHARE).clamp(self.segment_bytes_max / FULL_SHARE_MIN, self.segment_bytes_max);
        self.segments.set_full_bytes(full_bytes);
        let limits = Limits::new(held_bytes, full_bytes);
        // Whatever can be given back is needed then.
        if self.room.is_full() { Limits { bytes_max: 0, ..limits } } else { limits }
    }

    fn candidate(&self, segment: SealedSegment) -> Candidate {
        let live_bytes = self.measured.get(&segment.number).map_or(segment.bytes, |(_, live_bytes)| *live_bytes);
        Candidate { segment, live_bytes: live_bytes.min(segment.bytes) }
    }

    /// Reads some of the segments of which it has been known for a while what is live, or never, those first of which it has been
    /// known for the longest time; whether there were any.
    fn measure(&mut self, sealed: &[SealedSegment], desk: &dyn Desk) -> bool {
        let mut read_bytes = 0_u64;
        while read_bytes < MEASURED_BYTES_MAX {
            let measured = |segment: &&SealedSegment| self.measured.get(&segment.number).map(|(measured, _)| *measured);
            let oldest = sealed.iter().min_by_key(measured).copied();
            let is_due = |segment: &SealedSegment| {
                measured(&segment).is_none_or(|measured| measured.elapsed() >= MEASURE_INTERVAL)
            };
            let Some(SealedSegment { number, bytes, .. }) = oldest.filter(is_due) else { return read_bytes > 0 };
            // One that cannot be read is let alone until all of it is too old.
            let live_bytes = self.reclaim.live_bytes(number, |stored| are_live(stored, desk)).unwrap_or(bytes);
            self.measured.insert(number, (Instant::now(), live_bytes));
            read_bytes = read_bytes.saturating_add(bytes.max(1));
        }
        true
    }
}

/// What of each the hub still needs.
fn are_live(stored: &[Stored], desk: &dyn Desk) -> Vec<Holds> {
    let asked = |stored: &[Stored]| {
        let asked: Vec<(_, &[Target])> = stored
            .iter()
            .map(|stored| (stored.id, stored.event.as_ref().map(Event::targets).unwrap_or_default()))
            .collect();
        desk.holds(&asked)
    };
    stored.chunks(ASKED_MAX).flat_map(asked).collect()
}
