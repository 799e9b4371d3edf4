//! A rolling restart: two nodes behind nginx are replaced, one after the other, under streams that come back as browsers do.
//!
//! The main thread steps it within a script, and never waits: a node is replaced on a thread of its own.

use std::thread::JoinHandle;
use std::time::Duration;

use crate::args::rolling::RollingArgs;
use crate::crowd::Crowd;
use crate::crowd::live::Counts;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::site::Site;
use crate::site::error::SiteError;
use crate::site::node::{Replaced, Way};

impl Drop for Rolling {
    fn drop(&mut self) {
        // The thread has the site. Without this wait its programs would outlive this one.
        if let Stage::Replacing { thread, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            let _ = thread.join();
        }
    }
}

type Outcome = (Site, Result<Replaced, SiteError>);

/// How the nodes are replaced, and how far it has come.
#[derive(Debug)]
pub(crate) struct Rolling {
    pub(crate) way: Way,
    before: Duration,
    /// For so long all streams have to be there.
    pause: Duration,
    /// The most streams that may come back within a second.
    pub(crate) returns_max: u32,
    nodes: usize,
    /// `None`: the thread that replaces a node has it.
    site: Option<Site>,
    interrupt: Interrupt,
    stage: Stage,
    /// Since when all streams are there. `None`: some are away.
    calm_since_ns: Option<u64>,
    /// What each node's replacement took, and when it began and ended.
    pub(crate) replaced: Vec<(Replaced, u64, u64)>,
}

#[derive(Debug)]
enum Stage {
    /// The streams come back, or nothing happens.
    Calm,
    Replacing {
        from_ns: u64,
        thread: JoinHandle<Outcome>,
    },
    Over,
}

impl Rolling {
    /// With the site that is to be changed.
    pub(crate) fn new(args: &RollingArgs, site: Site, interrupt: Interrupt) -> Self {
        Self {
            way: if args.upgrade { Way::Upgrade } else { Way::Restart { away: args.away } },
            before: args.before,
            pause: args.pause,
            returns_max: args.returns_max.of(args.connections),
            nodes: site.nodes(),
            site: Some(site),
            interrupt,
            stage: Stage::Calm,
            calm_since_ns: None,
            replaced: Vec::new(),
        }
    }

    /// True: no more is to be published.
    pub(crate) fn step(&mut self, crowd: &Crowd, start_ns: u64) -> Result<bool, Failure> {
        if self.interrupt.came() {
            return Err(SiteError::Interrupted.into());
        }
        let now_ns = crowd.plan.clock.now_ns();
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Calm => {
                self.look(crowd.counts(), now_ns);
                self.after_calm(start_ns, now_ns)?
            }
            Stage::Replacing { from_ns, thread } if thread.is_finished() => {
                let (site, replaced) = thread.join().map_err(|_| Failure::Bug)?;
                self.site = Some(site);
                self.replaced.push((replaced?, from_ns, now_ns));
                self.calm_since_ns = None;
                Stage::Calm
            }
            stage => stage,
        };
        Ok(matches!(self.stage, Stage::Over))
    }

    fn look(&mut self, counts: Counts, now_ns: u64) {
        let Counts { away, back, refused_again, .. } = counts;
        // Those that were refused stay away, and are a fault.
        if away > back + refused_again {
            self.calm_since_ns = None;
        } else {
            self.calm_since_ns.get_or_insert(now_ns);
        }
    }

    fn after_calm(&mut self, start_ns: u64, now_ns: u64) -> Result<Stage, Failure> {
        let (since_ns, time) = match self.replaced.len() {
            0 => (Some(start_ns), self.before),
            _ => (self.calm_since_ns, self.pause),
        };
        let is_calm = since_ns.is_some_and(|ns| Duration::from_nanos(now_ns.saturating_sub(ns)) >= time);
        if !is_calm {
            return Ok(Stage::Calm);
        }
        let node = self.replaced.len();
        if node == self.nodes {
            return Ok(Stage::Over);
        }
        let (mut site, way) = (self.site.take().ok_or(Failure::Bug)?, self.way);
        let thread = std::thread::Builder::new().name("replace".to_owned()).spawn(move || {
            let replaced = site.replace(node, way);
            (site, replaced)
        });
        Ok(Stage::Replacing { from_ns: now_ns, thread: thread.map_err(Failure::Thread)? })
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// How many nodes there are to replace.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }
}
