//! The events for the streams of a storm. While these are there, a few events give each a position to come back to.
//! While they are away, the rest is published as fast as it is answered, for them to find when they come back.
//!
//! One thread publishes. The main one sets the stage and reads the progress. Only counts and stages are shared, and
//! nothing is published with them, so every ordering is relaxed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::args::values::Rate;
use crate::crowd::plan::{AWAY_CHANNEL, Plan};
use crate::measure::latency::Latency;
use crate::publish::error::PublishError;
use crate::publish::publisher::{Published, Sender};

/// How often the thread looks at the stage.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The events to publish to the streams of a storm.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// While they are there.
    rate: Rate,
    /// While they are away.
    missed: u32,
    stage: AtomicU8,
    answered: AtomicU32,
    answered_away: AtomicU32,
}

/// The present work of the publishing thread.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Stage {
    There,
    /// The streams leave.
    Hushed,
    Away,
    Over,
}

impl Backlog {
    pub(crate) fn new(rate: Rate, missed: u32) -> Self {
        let stage = AtomicU8::new(Stage::There as u8);
        Self { rate, missed, stage, answered: AtomicU32::new(0), answered_away: AtomicU32::new(0) }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Relaxed);
    }

    /// The number of events published to them so far.
    pub(crate) fn answered(&self) -> u32 {
        self.answered.load(Relaxed)
    }

    /// Whether everything that they are to miss has been published.
    pub(crate) fn is_missed(&self) -> bool {
        self.answered_away.load(Relaxed) >= self.missed
    }

    pub(crate) fn run(self: Arc<Self>, plan: &Plan) -> Result<Published, PublishError> {
        let mut sender = Sender::open(plan, 0)?;
        let mut due_ns = plan.clock.now_ns();
        while !plan.deadline.has_passed() && !self.is_at(Stage::Over) {
            let now_ns = plan.clock.now_ns();
            let is_due =
                (self.is_at(Stage::There) && now_ns >= due_ns) || (self.is_at(Stage::Away) && !self.is_missed());
            if !is_due {
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            sender.ready(AWAY_CHANNEL)?;
            let event = self.answered();
            sender.publish(event..event + 1, AWAY_CHANNEL, now_ns)?;
            due_ns = now_ns + self.rate.due_ns(1);
            self.answered.fetch_add(1, Relaxed);
            if self.is_at(Stage::Away) {
                self.answered_away.fetch_add(1, Relaxed);
            }
        }
        let mut published = sender.close();
        // Only the steady traffic has a schedule that it could be late for.
        (published.answer, published.lateness, published.late) = (Latency::new(), Latency::new(), Vec::new());
        Ok(published)
    }

    fn is_at(&self, stage: Stage) -> bool {
        self.stage.load(Relaxed) == stage as u8
    }
}
