//! All subscribers of a run, spread over threads and processes: opened, watched, ordered about, and closed for their
//! sums.
//!
//! Used by every scenario. It never waits without a bound.

pub(crate) mod descriptors;
pub(crate) mod live;
pub(crate) mod newcomers;
pub(crate) mod notice;
pub(crate) mod opening;
pub(crate) mod outsiders;
pub(crate) mod plan;
pub(crate) mod receiver;
pub(crate) mod remote;
pub(crate) mod shared;
pub(crate) mod subscriber;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use self::live::{Counts, Live};
use self::notice::Notice;
use self::plan::{Order, Part, Plan};
use self::receiver::{Receivers, merged};
use self::remote::Remote;
use crate::failure::Failure;
use crate::measure::sum::Sum;
use crate::publish::publisher::Published;

/// The time for which both sides are left alone before something is weighed. After the last event it is also the time
/// in which a straggler or a second copy is still seen.
const SETTLE: Duration = Duration::from_millis(250);

/// The time between two looks at the counts while something is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The open streams of a run, and their state as far as it is known.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) plan: Plan,
    receivers: Receivers,
    orders: watch::Sender<Order>,
    remotes: Vec<Remote>,
    lives: Vec<Arc<Live>>,
    notices: Receiver<Notice>,
    speaker: Sender<Notice>,
    /// The end of the first of the closed ones.
    closed_first: Option<String>,
    /// The reason why the first that could not be opened again could not.
    refused_again_first: Option<String>,
    pub(crate) published: Vec<Published>,
}

impl Crowd {
    /// Starts to open all streams, on this many threads of this many processes. This process is one of them.
    pub(crate) fn start(plan: Plan, threads: u32, processes: u32) -> Result<Self, Failure> {
        let (speaker, notices) = mpsc::channel();
        let (orders, ordered) = watch::channel(Order::Run);
        let of = threads * processes;
        let part = |number| Part { number, of };
        let (here, elsewhere) = if processes == 1 { (0..of, 0..0) } else { (0..0, 0..processes) };
        let receivers = Receivers::start(&plan, here.map(part), &ordered, &speaker)?;
        let remotes = elsewhere.map(|process| {
            let parts = (process * threads..(process + 1) * threads).map(part).collect();
            Remote::start(&plan, parts, speaker.clone())
        });
        let remotes: Vec<_> = remotes.collect::<Result<_, _>>()?;
        let lives = receivers.lives.iter().chain(remotes.iter().map(|remote| &remote.live)).cloned().collect();
        Ok(Self {
            plan,
            receivers,
            orders,
            remotes,
            lives,
            notices,
            speaker,
            closed_first: None,
            refused_again_first: None,
            published: Vec::new(),
        })
    }

    /// Waits until each stream has had its 200 and all have stayed open for a moment. `look` is called meanwhile.
    pub(crate) fn opened(&mut self, mut look: impl FnMut(Counts)) -> Result<(), Failure> {
        let connections = self.plan.connections();
        let deadline = self.plan.deadline;
        while self.counts().open < connections {
            self.learn(LOOK_EVERY)?;
            look(self.counts());
            if deadline.has_passed() {
                return Err(Failure::NotOpen { open: self.counts().open, connections, timeout: deadline.timeout() });
            }
        }
        self.settle()?;
        match self.counts().closed {
            0 => Ok(()),
            closed => Err(Failure::ClosedEarly { closed, connections }),
        }
    }

    /// A sender for a publisher to tell how it went.
    pub(crate) fn speaker(&self) -> Sender<Notice> {
        self.speaker.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lives.iter().fold(Counts::default(), |sum, live| sum.plus(live.counts()))
    }

    /// Waits for a notice, at most this long, and takes in all that are there.
    pub(crate) fn learn(&mut self, at_most: Duration) -> Result<(), Failure> {
        // Both ends are held here, so the only error is that the time is up.
        let first = self.notices.recv_timeout(at_most.min(LOOK_EVERY)).ok();
        for notice in first.into_iter().chain(self.notices.try_iter()) {
            match notice {
                Notice::Refused(refusal) => {
                    return Err(refusal.into_failure(self.counts().open, self.plan.connections()));
                }
                Notice::RefusedAgain(cause) => {
                    self.refused_again_first.get_or_insert(cause);
                }
                Notice::NoReceiver(cause) => return Err(Failure::NoReceiver(cause)),
                Notice::Closed(cause) => {
                    self.closed_first.get_or_insert(cause);
                }
                Notice::Lost(cause) => return Err(Failure::Remote(cause)),
                Notice::Published(published) => self.published.push((*published)?),
            }
        }
        Ok(())
    }

    /// Keeps the streams open for this long.
    pub(crate) fn hold(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.learn(end.saturating_duration_since(Instant::now()))?;
        }
        Ok(())
    }

    /// Leaves both sides alone for a moment.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.hold(SETTLE)
    }

    pub(crate) fn order(&mut self, order: Order) -> Result<(), Failure> {
        self.remotes.iter().try_for_each(|remote| remote.order(&order))?;
        self.orders.send_replace(order);
        Ok(())
    }

    /// Faults of streams that the target closed, or did not open again.
    pub(crate) fn stream_faults(&self) -> Vec<String> {
        let Counts { closed, refused_again, .. } = self.counts();
        let connections = self.plan.connections();
        let closed = self
            .closed_first
            .iter()
            .map(|first| format!("{closed} of {connections} streams were closed; the first: {first}"));
        let refused = self
            .refused_again_first
            .iter()
            .map(|first| format!("{refused_again} streams could not be opened again; the first: {first}"));
        closed.chain(refused).collect()
    }

    /// Ends the threads, which closes the streams, and adds up the sums of each group.
    pub(crate) fn close(mut self, published: Vec<u32>) -> Result<Vec<Sum>, Failure> {
        self.order(Order::End(published))?;
        let mut parts = vec![self.receivers.join()?];
        for remote in self.remotes {
            parts.push(remote.join()?);
        }
        let parts = parts.into_iter().filter(|sums| !sums.is_empty());
        parts.reduce(merged).ok_or(Failure::Bug)
    }
}
