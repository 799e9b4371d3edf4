//! [`Keeper`]: gives back the space of what the history has let go of, beside the thread that writes. What the journal takes
//! is bounded by what the history takes of memory, and the events of remembered keys would.

use std::{
    collections::HashMap,
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::Desk;
use tracing::{debug, warn};

use crate::{
    journal::Config,
    plan::{Candidate, Limits, Step, plan},
    reclaim::Reclaim,
    record::Stored,
    recovery::Recovered,
    segments::{SealedSegment, Segments},
    stop::Stop,
};

/// How often it looks; and while there is more to read, which takes some 40 ms of a full segment.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const BUSY_INTERVAL: Duration = Duration::from_millis(50);
/// How long it is believed how much of a segment is live: it only gets less.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// Events that the hub is asked about at a time: publishes wait meanwhile.
const ASKED_MAX: usize = 64;

/// The thread that gives space back.
#[derive(Debug)]
pub(crate) struct Keeper {
    segments: Arc<Segments>,
    reclaim: Reclaim,
    segment_bytes_max: u64,
    /// What was live of a segment when it was last read.
    measured: HashMap<u64, (Instant, u64)>,
    has_failed: bool,
}

impl Keeper {
    pub(crate) fn new(recovered: &Recovered, config: Config) -> Self {
        Self {
            segments: Arc::clone(recovered.segments()),
            reclaim: Reclaim::new(recovered, config.marks_max),
            segment_bytes_max: config.log.segment_bytes_max,
            measured: HashMap::new(),
            has_failed: false,
        }
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
        let held_bytes = u64::try_from(desk.held_bytes()).unwrap_or(u64::MAX);
        let limits = Limits::new(held_bytes, self.segment_bytes_max);
        let (sealed, bytes) = (self.segments.sealed(), self.segments.bytes());
        self.measured.retain(|number, _| sealed.iter().any(|segment| segment.number == *number));
        let has_more = bytes > limits.bytes_max && self.measure(&sealed, desk);
        let candidates: Vec<_> = sealed.iter().map(|segment| self.candidate(*segment)).collect();
        let mut result = Ok(has_more);
        for step in plan(&candidates, bytes, desk.oldest(), &limits) {
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
                // What is live of it now is all of it.
                self.measured.remove(&first);
                self.reclaim.rewrite(first, last, |events| are_live(events, desk))
            }
        }
    }

    fn candidate(&self, segment: SealedSegment) -> Candidate {
        let live_bytes = self.measured.get(&segment.number).map_or(segment.bytes, |(_, live_bytes)| *live_bytes);
        Candidate { segment, live_bytes: live_bytes.min(segment.bytes) }
    }

    /// Reads the segment of which it has been known for the longest time what is live, or never; whether there was one.
    fn measure(&mut self, sealed: &[SealedSegment], desk: &dyn Desk) -> bool {
        let measured = |segment: &&SealedSegment| self.measured.get(&segment.number).map(|(measured, _)| *measured);
        let Some(SealedSegment { number, bytes, .. }) = sealed.iter().min_by_key(measured).copied() else {
            return false;
        };
        if self.measured.get(&number).is_some_and(|(measured, _)| measured.elapsed() < MEASURE_INTERVAL) {
            return false;
        }
        // One that cannot be read is let alone until all of it is too old.
        let live_bytes = self.reclaim.live_bytes(number, |events| are_live(events, desk)).unwrap_or(bytes);
        self.measured.insert(number, (Instant::now(), live_bytes));
        true
    }
}

/// For each event whether the hub still needs it.
fn are_live(events: &[Stored], desk: &dyn Desk) -> Vec<bool> {
    let asked = |events: &[Stored]| {
        let events: Vec<_> = events.iter().map(|stored| (stored.id, stored.event.targets())).collect();
        desk.holds(&events)
    };
    events.chunks(ASKED_MAX).flat_map(asked).collect()
}
