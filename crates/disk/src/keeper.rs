//! [`Keeper`]: gives back the space of events that the history has let go of, beside the thread that writes. The
//! journal's share of the disk is bounded by the memory of the history and of the remembered keys.

use std::{
    collections::HashMap,
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::{
    Event, Target,
    journal::{Desk, Holds},
};
use tracing::{debug, warn};

use crate::{
    config::Config,
    plan::{Candidate, Limits, Step, plan, without_events},
    reclaim::Reclaim,
    record::Stored,
    recovery::Recovered,
    room::{Room, is_about_room},
    segments::{SealedSegment, Segments},
    shutdown::Shutdown,
};

/// Time between two looks; and the time while there is more to read, which takes some 40 ms of a full segment.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const BUSY_INTERVAL: Duration = Duration::from_millis(50);
/// Time for which a measured share of live bytes is believed. The share only gets less.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// Bytes that one look reads to measure live bytes.
const MEASURED_BYTES_MAX: u64 = 16 << 20;
/// A segment is full at one part in [`FULL_SHARE`] of the history's bytes, but not below one part in [`FULL_SHARE_MIN`]
/// of the configured maximum. So the active segment has a small part of the disk: its dead events are the only ones
/// that nobody can give back.
const FULL_SHARE: u64 = 4;
const FULL_SHARE_MIN: u64 = 16;
/// Events that one question to the hub names. Publishes wait for the answer.
const ASKED_MAX: usize = 64;

/// The thread that gives space back.
#[derive(Debug)]
pub(crate) struct Keeper {
    segments: Arc<Segments>,
    reclaim: Reclaim,
    room: Arc<Room>,
    segment_bytes_max: u64,
    /// Live bytes of a segment, with the time of the measurement.
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

    pub(crate) fn run(mut self, shutdown: &Shutdown, desk: &dyn Desk) {
        // The first look comes soon, so that a server which is restarted again and again gets to it.
        let mut interval = BUSY_INTERVAL;
        while !shutdown.wait(interval) {
            interval = LOOK_INTERVAL;
            match self.look(shutdown, desk) {
                Ok(has_more) => {
                    self.has_failed = false;
                    if has_more {
                        interval = BUSY_INTERVAL;
                    }
                }
                // On a full disk, for instance. The next look tries again; the log has one line.
                Err(error) if !mem::replace(&mut self.has_failed, true) => {
                    warn!(%error, "journal: cannot give space back");
                }
                Err(_) => {}
            }
        }
    }

    /// Takes all steps that are due; true if there is more to do. A step that fails does not keep the next ones from
    /// being done.
    fn look(&mut self, shutdown: &Shutdown, desk: &dyn Desk) -> io::Result<bool> {
        if !self.room.is_full() {
            self.room.take_turn().make();
        }
        let (limits, oldest) = (self.limits(desk), desk.oldest());
        let (sealed, bytes) = (self.segments.sealed(), self.segments.bytes());
        self.measured.retain(|number, _| sealed.iter().any(|segment| segment.number == *number));
        let (without_events, dead) = without_events(&sealed, oldest);
        // All segments if the journal is above its limit, else those that are kept for their keys alone.
        let due = if bytes > limits.bytes_max { 0..sealed.len() } else { dead..without_events };
        let has_more = self.measure(sealed.get(due).unwrap_or_default(), desk);
        let candidates: Vec<_> = sealed.iter().map(|segment| self.candidate(*segment)).collect();
        let mut result = Ok(has_more);
        for step in plan(&candidates, bytes, oldest, &limits) {
            if shutdown.is_set() {
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
                    // All that is left in the segment is live.
                    self.measured.insert(first, (Instant::now(), u64::MAX));
                }
                rewritten
            }
        }
    }

    /// Rewrites a run. On a full disk the rewrite takes the reserve, and no other thread takes room meanwhile.
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

    /// The bytes that the journal and one segment may take now.
    fn limits(&self, desk: &dyn Desk) -> Limits {
        let held_bytes = u64::try_from(desk.held_bytes()).unwrap_or(u64::MAX);
        let full_bytes =
            (held_bytes / FULL_SHARE).clamp(self.segment_bytes_max / FULL_SHARE_MIN, self.segment_bytes_max);
        self.segments.set_full_bytes(full_bytes);
        let limits = Limits::new(held_bytes, full_bytes);
        // A full disk needs all space that can be given back.
        if self.room.is_full() { Limits { bytes_max: 0, ..limits } } else { limits }
    }

    fn candidate(&self, segment: SealedSegment) -> Candidate {
        let live_bytes = self.measured.get(&segment.number).map_or(segment.bytes, |(_, live_bytes)| *live_bytes);
        Candidate { segment, live_bytes: live_bytes.min(segment.bytes) }
    }

    /// Reads some segments whose measurement is missing or old, the oldest measurement first. True if there were any.
    fn measure(&mut self, sealed: &[SealedSegment], desk: &dyn Desk) -> bool {
        let mut read_bytes = 0_u64;
        while read_bytes < MEASURED_BYTES_MAX {
            let measured = |segment: &&SealedSegment| self.measured.get(&segment.number).map(|(measured, _)| *measured);
            let oldest = sealed.iter().min_by_key(measured).copied();
            let is_due = |segment: &SealedSegment| {
                measured(&segment).is_none_or(|measured| measured.elapsed() >= MEASURE_INTERVAL)
            };
            let Some(SealedSegment { number, bytes, .. }) = oldest.filter(is_due) else { return read_bytes > 0 };
            // An unreadable segment counts as live until all of its events are too old.
            let live_bytes = self.reclaim.live_bytes(number, |stored| are_live(stored, desk)).unwrap_or(bytes);
            self.measured.insert(number, (Instant::now(), live_bytes));
            read_bytes = read_bytes.saturating_add(bytes.max(1));
        }
        true
    }
}

/// Asks the hub which events and keys are live.
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
