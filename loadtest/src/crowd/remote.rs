//! A receiving process: this program again, with its own descriptors, ordered over its standard input.
//!
//! Each JSON value is a line. The `Assignment` and then each `Order` go in, and `Word`s come out. The process ends with
//! its parent, because its input ends then.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::crowd::descriptors::Need;
use crate::crowd::live::{Counts, Live};
use crate::crowd::notice::{Notice, Refusal};
use crate::crowd::plan::{Order, Part, Plan};
use crate::crowd::receiver::Receivers;
use crate::failure::Failure;
use crate::measure::clock::Deadline;
use crate::measure::sum::Sum;

/// How often the process says how far it is.
const WORD_EVERY: Duration = Duration::from_millis(20);

/// Time for a process to report its sums: until the run's deadline and this, or at least `SUMS_MIN`.
const SUMS_EXTRA: Duration = Duration::from_secs(5);
const SUMS_MIN: Duration = Duration::from_secs(10);
/// How long it may take to end once its input has.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The work of one process.
#[derive(Debug, Serialize, Deserialize)]
struct Assignment {
    plan: Plan,
    parts: Vec<Part>,
}

/// A message from the process.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Counts(Counts),
    Refused(Refusal),
    RefusedAgain(String),
    Closed(String),
    Failed(String),
    Sums(Vec<Sum>),
}

/// The parent's end of it. When dropped, the process is gone.
#[derive(Debug)]
pub(crate) struct Remote {
    child: Child,
    /// Orders for the thread that writes them, so that a process that does not read holds nobody up. `None`: no more
    /// come.
    orders: Option<Sender<Vec<u8>>>,
    sums: Receiver<Option<Vec<Sum>>>,
    deadline: Deadline,
    pub(crate) live: Arc<Live>,
}

impl Remote {
    pub(crate) fn start(plan: &Plan, parts: Vec<Part>, notices: Sender<Notice>) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::Process)?;
        let spawned = Command::new(program).arg("receive").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(Failure::Process)?;
        let (Some(mut input), Some(words)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Bug);
        };
        let (live, deadline) = (Arc::new(Live::default()), plan.deadline);
        let (orders, ordered) = mpsc::channel::<Vec<u8>>();
        // Both threads end with the process at the latest. If it is gone already, the listener hears of it.
        std::thread::spawn(move || while ordered.recv().is_ok_and(|line| input.write_all(&line).is_ok()) {});
        let (heard, (speaker, sums)) = (Arc::clone(&live), mpsc::channel());
        std::thread::spawn(move || speaker.send(listen(BufReader::new(words), &heard, &notices)));
        let remote = Self { child, orders: Some(orders), sums, deadline, live };
        remote.write(&Assignment { plan: plan.clone(), parts })?;
        Ok(remote)
    }

    pub(crate) fn order(&self, order: &Order) -> Result<(), Failure> {
        self.write(order)
    }

    fn write(&self, value: &impl Serialize) -> Result<(), Failure> {
        let line = line(value).map_err(Failure::Process)?;
        // The send fails only when the process is gone, which the listener tells.
        self.orders.iter().for_each(|orders| drop(orders.send(line.clone())));
        Ok(())
    }

    /// The sums of its groups, once the order to end has been given.
    pub(crate) fn join(mut self) -> Result<Vec<Sum>, Failure> {
        self.orders = None;
        let bound = (self.deadline.left() + SUMS_EXTRA).max(SUMS_MIN);
        match self.sums.recv_timeout(bound) {
            Ok(sums) => sums.ok_or_else(|| Failure::Remote("it did not say what it had seen".to_owned())),
            Err(RecvTimeoutError::Timeout) => {
                Err(Failure::Remote(format!("it did not say what it had seen within {bound:?}, and was killed")))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Bug),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.orders = None;
        let end = Instant::now() + END_TIMEOUT;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= end {
                // The process may have ended since. Then there is nothing to kill.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Listens until the process is gone. Returns its sums, if it has sent them.
fn listen(words: impl BufRead, live: &Live, notices: &Sender<Notice>) -> Option<Vec<Sum>> {
    for word in words.lines() {
        let word = word.ok().and_then(|line| serde_json::from_str(&line).ok());
        let notice = match word {
            Some(Word::Sums(sums)) => return Some(sums),
            Some(Word::Counts(counts)) => {
                live.store(counts);
                continue;
            }
            Some(Word::Refused(refusal)) => Notice::Refused(refusal),
            Some(Word::RefusedAgain(cause)) => Notice::RefusedAgain(cause),
            Some(Word::Closed(cause)) => Notice::Closed(cause),
            Some(Word::Failed(cause)) => Notice::Lost(cause),
            None => Notice::Lost("it said something that could not be read".to_owned()),
        };
        // Nobody listens any more once the run is over.
        notices.send(notice).ok()?;
    }
    let _ = notices.send(Notice::Lost("it ended early".to_owned()));
    None
}

/// The whole life of a receiving process.
pub(crate) fn run() -> ExitCode {
    let Err(failure) = receive() else { return ExitCode::SUCCESS };
    // Only the parent hears this, and tells it. When nobody listens, the run is over and it does not matter.
    match say(&Word::Failed(failure.to_string())) {
        Ok(()) => ExitCode::FAILURE,
        Err(_gone) => ExitCode::SUCCESS,
    }
}

fn receive() -> Result<(), Failure> {
    let mut lines = BufReader::new(io::stdin()).lines();
    let Some(line) = lines.next() else { return Ok(()) };
    let Assignment { plan, parts } = parse(&line.map_err(Failure::Process)?)?;
    let streams: usize = parts.iter().map(|part| plan.part(*part).len()).sum();
    let threads = parts.len() as u32;
    Need { connections: plan.held(streams as u32, threads), threads, publishers: 0 }.ensure()?;

    let (notices, heard) = mpsc::channel();
    let (orders, ordered) = watch::channel(Order::Run);
    let receivers = Receivers::start(&plan, parts.into_iter(), &ordered, &notices)?;
    // A thread of its own reads the orders, so that the words go on meanwhile. It ends with the process.
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { break };
            let is_last = matches!(order, Order::End(_));
            orders.send_replace(order);
            if is_last {
                break;
            }
        }
        let _ = done.send(());
    });
    loop {
        let is_over = !matches!(is_done.recv_timeout(WORD_EVERY), Err(RecvTimeoutError::Timeout));
        let counts = receivers.lives.iter().fold(Counts::default(), |sum, live| sum.plus(live.counts()));
        say(&Word::Counts(counts))?;
        for notice in heard.try_iter() {
            match notice {
                Notice::Refused(refusal) => say(&Word::Refused(refusal))?,
                Notice::RefusedAgain(cause) => say(&Word::RefusedAgain(cause))?,
                Notice::NoReceiver(cause) => return Err(Failure::NoReceiver(cause)),
                Notice::Closed(cause) => say(&Word::Closed(cause))?,
                Notice::Lost(_) | Notice::Published(_) => {}
            }
        }
        if is_over {
            break;
        }
    }
    if !matches!(*ordered.borrow(), Order::End(_)) {
        // The parent is gone.
        return Ok(());
    }
    say(&Word::Sums(receivers.join()?))
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Failure> {
    serde_json::from_str(line).map_err(|error| Failure::Process(error.into()))
}

fn say(word: &Word) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    line(word).and_then(|line| stdout.write_all(&line).and_then(|()| stdout.flush())).map_err(Failure::Process)
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
