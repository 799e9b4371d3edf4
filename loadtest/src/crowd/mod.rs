//! All subscribers of a run, spread over the receiving threads: opened, watched, and closed for their ledgers.
//!
//! Used by every scenario. It learns by notices what happens; it never waits without a bound.

pub(crate) mod descriptors;
pub(crate) mod subscriber;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, oneshot};

use self::subscriber::{Closed, Desk, Plan, SubscribeError};
use crate::args::StreamArgs;
use crate::failure::Failure;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::ledger::{Expected, Ledger};
use crate::publisher::{PublishError, Published};
use crate::wire::target::Target;

/// So many connect at once: more would only fill the target's accept queue.
const CONNECTING_MAX: usize = 200;

/// How long both sides are left alone before something is weighed. After the last event it is also the time in which
/// a straggler or a second copy is still seen.
const SETTLE: Duration = Duration::from_millis(250);

/// What the threads of a run tell the main one: a few times per connection, never per event.
#[derive(Debug)]
pub(crate) enum Notice {
    Open,
    Refused {
        number: u32,
        cause: SubscribeError,
    },
    Closed(Closed),
    /// Each subscriber of one thread has seen the last event or been closed.
    ThreadDone,
    Published(Result<Published, PublishError>),
}

/// One receiving thread. Dropping `stop` ends it.
#[derive(Debug)]
struct Receiving {
    thread: JoinHandle<io::Result<Ledger>>,
    stop: oneshot::Sender<()>,
    activity_ns: Arc<AtomicU64>,
}

/// The open streams of a run, and what is known of them.
#[derive(Debug)]
pub(crate) struct Crowd {
    receiving: Vec<Receiving>,
    notices: Receiver<Notice>,
    speaker: Sender<Notice>,
    connections: u32,
    open: u32,
    threads_done: usize,
    pub(crate) closed: u32,
    /// How the first of the closed ones ended.
    closed_first: Option<Closed>,
    pub(crate) published: Option<Published>,
}

impl Crowd {
    /// Opens all streams, and returns once each has had its 200 and all have stayed open for a moment.
    pub(crate) fn open(
        args: &StreamArgs,
        target: &Target,
        expected: Expected,
        clock: Clock,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let (speaker, notices) = mpsc::channel();
        let plan = Plan {
            target: target.clone(),
            request: target.subscribe_request(&args.subscribe_path).into(),
            connections: args.connections,
            clock,
            deadline,
            gate: Arc::new(Semaphore::new(CONNECTING_MAX)),
            notices: speaker.clone(),
        };
        let threads = args.threads();
        let receiving = (0..threads).map(|number| Receiving::start(number, threads, &plan, expected));
        let mut crowd = Self {
            receiving: receiving.collect::<io::Result<_>>().map_err(Failure::Thread)?,
            notices,
            speaker,
            connections: args.connections,
            open: 0,
            threads_done: 0,
            closed: 0,
            closed_first: None,
            published: None,
        };
        while crowd.open < crowd.connections {
            if !crowd.learn(deadline.left())? {
                let Self { open, connections, .. } = crowd;
                return Err(Failure::NotOpen { open, connections, timeout: deadline.timeout() });
            }
        }
        crowd.hold(SETTLE)?;
        match crowd.closed {
            0 => Ok(crowd),
            closed => Err(Failure::ClosedEarly { closed, connections: crowd.connections }),
        }
    }

    /// Where a publisher says how it went.
    pub(crate) fn speaker(&self) -> Sender<Notice> {
        self.speaker.clone()
    }

    /// Waits for one notice, at most this long, and takes it in. False: none came.
    pub(crate) fn learn(&mut self, at_most: Duration) -> Result<bool, Failure> {
        // Both ends are held here, so the only error is that the time is up.
        let Ok(notice) = self.notices.recv_timeout(at_most) else { return Ok(false) };
        match notice {
            Notice::Open => self.open += 1,
            Notice::Refused { number, cause } => {
                return Err(Failure::Subscribe { number, connections: self.connections, cause });
            }
            Notice::Closed(closed) => {
                self.closed += 1;
                self.closed_first.get_or_insert(closed);
            }
            Notice::ThreadDone => self.threads_done += 1,
            Notice::Published(published) => self.published = Some(published?),
        }
        Ok(true)
    }

    /// Keeps the streams open for this long.
    pub(crate) fn hold(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while self.learn(end.saturating_duration_since(Instant::now()))? {}
        Ok(())
    }

    /// Leaves both sides alone for a moment.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.hold(SETTLE)
    }

    /// Whether every subscriber has seen the last event or been closed.
    pub(crate) fn is_done(&self) -> bool {
        self.threads_done == self.receiving.len()
    }

    pub(crate) fn is_all_closed(&self) -> bool {
        self.closed == self.connections
    }

    /// What to say of streams that the target closed.
    pub(crate) fn closed_fault(&self) -> Option<String> {
        let first = self.closed_first.as_ref()?;
        Some(format!("{} of {} streams were closed; the first: {first}", self.closed, self.connections))
    }

    /// When the last delivery came, on any thread; 0 if none has.
    pub(crate) fn activity_ns(&self) -> u64 {
        let last = self.receiving.iter().map(|one| one.activity_ns.load(Ordering::Relaxed));
        last.max().unwrap_or(0)
    }

    /// Ends the threads, which closes the streams, and adds up what they have seen.
    pub(crate) fn close(self) -> Result<Ledger, Failure> {
        let threads: Vec<_> = self.receiving.into_iter().map(|one| (one.thread, drop(one.stop)).0).collect();
        let ledgers = threads.into_iter().map(|thread| match thread.join() {
            Ok(ledger) => ledger.map_err(Failure::Thread),
            Err(_panic) => Err(Failure::Bug),
        });
        let ledgers = ledgers.collect::<Result<Vec<_>, _>>()?;
        let merge = |mut sum: Ledger, ledger| {
            sum.merge(ledger);
            sum
        };
        ledgers.into_iter().reduce(merge).ok_or(Failure::Bug)
    }
}

impl Receiving {
    /// Thread `number` of `threads` takes every `threads`th subscriber.
    fn start(number: u32, threads: u32, plan: &Plan, expected: Expected) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let activity_ns = Arc::new(AtomicU64::new(0));
        let (plan, activity) = (plan.clone(), Arc::clone(&activity_ns));
        let thread = std::thread::Builder::new().name(format!("receive-{number}"));
        let thread = thread.spawn(move || receive(number, threads, plan, expected, activity, stopped))?;
        Ok(Self { thread, stop, activity_ns })
    }
}

fn receive(
    number: u32,
    threads: u32,
    plan: Plan,
    expected: Expected,
    activity_ns: Arc<AtomicU64>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<Ledger> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default())?;
    let subscribers = (number..plan.connections).step_by(threads as usize);
    let count = subscribers.len() as u32;
    let desk = Rc::new(RefCell::new(Desk::new(Ledger::new(expected, count), count, activity_ns)));
    let plan = Rc::new(plan);
    for (place, index) in subscribers.enumerate() {
        runtime.spawn_local(subscriber::run(index, place, Rc::clone(&plan), Rc::clone(&desk)));
    }
    // Ends when the other end is dropped, too.
    let _ = runtime.block_on(stopped);
    drop(runtime);
    let desk = Rc::into_inner(desk).expect("the tasks that shared it went with the runtime");
    Ok(desk.into_inner().ledger)
}
