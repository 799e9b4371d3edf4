//! A receiving process: this program again, with its own descriptors, told what to do over its standard input.
//!
//! One JSON value a line: in goes the `Assignment`, then each `Order`; out come `Word`s. It ends with its parent: when
//! its input ends, so does it.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::crowd::live::{Counts, Live};
use crate::crowd::plan::{Order, Part, Plan};
use crate::crowd::receiver::Receivers;
use crate::crowd::{Notice, descriptors};
use crate::failure::Failure;
use crate::measure::ledger::Sum;

/// How often the process says how far it is.
const WORD_EVERY: Duration = Duration::from_millis(20);

/// What one process has to do.
#[derive(Debug, Serialize, Deserialize)]
struct Assignment {
    plan: Plan,
    parts: Vec<Part>,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Counts(Counts),
    Refused { number: u32, cause: String },
    Closed(String),
    Failed(String),
    Sums(Vec<Sum>),
}

/// The parent's end of it.
#[derive(Debug)]
pub(crate) struct Remote {
    child: Child,
    orders: ChildStdin,
    listener: JoinHandle<Option<Vec<Sum>>>,
    pub(crate) live: Arc<Live>,
}

impl Remote {
    pub(crate) fn start(plan: &Plan, parts: Vec<Part>, notices: Sender<Notice>) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::Process)?;
        let spawned = Command::new(program).arg("receive").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(Failure::Process)?;
        let (Some(mut orders), Some(words)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Bug);
        };
        let live = Arc::new(Live::default());
        let heard = Arc::clone(&live);
        let listener = std::thread::spawn(move || listen(BufReader::new(words), &heard, &notices));
        write_line(&mut orders, &Assignment { plan: plan.clone(), parts }).map_err(Failure::Process)?;
        Ok(Self { child, orders, listener, live })
    }

    pub(crate) fn order(&mut self, order: &Order) -> Result<(), Failure> {
        write_line(&mut self.orders, order).map_err(Failure::Process)
    }

    /// What its groups have seen, once the order to end has been given.
    pub(crate) fn join(mut self) -> Result<Vec<Sum>, Failure> {
        drop(self.orders);
        let sums = self.listener.join().map_err(|_panic| Failure::Bug)?;
        self.child.wait().map_err(Failure::Process)?;
        sums.ok_or(Failure::Bug)
    }
}

/// Until the process is gone; what it has seen, if it has said so.
fn listen(words: impl BufRead, live: &Live, notices: &Sender<Notice>) -> Option<Vec<Sum>> {
    for word in words.lines() {
        let word = word.ok().and_then(|line| serde_json::from_str(&line).ok());
        let notice = match word {
            Some(Word::Sums(sums)) => return Some(sums),
            Some(Word::Counts(counts)) => {
                live.store(counts);
                continue;
            }
            Some(Word::Refused { number, cause }) => Notice::Refused { number, cause },
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
pub(crate) fn run() -> Result<(), Failure> {
    let result = receive();
    if let Err(failure) = &result {
        write_line(&mut io::stdout().lock(), &Word::Failed(failure.to_string())).map_err(Failure::Process)?;
    }
    result
}

fn receive() -> Result<(), Failure> {
    let mut lines = BufReader::new(io::stdin()).lines();
    let Some(line) = lines.next() else { return Ok(()) };
    let Assignment { plan, parts } = parse(&line.map_err(Failure::Process)?)?;
    let connections: usize = parts.iter().map(|part| plan.part(*part).len()).sum();
    descriptors::ensure(connections as u32)?;

    let (notices, heard) = mpsc::channel();
    let (orders, ordered) = watch::channel(Order::Run);
    let receivers = Receivers::start(&plan, parts.into_iter(), &ordered, &notices)?;
    // The orders are read on a thread of their own, so that the words go on meanwhile; it ends with the process.
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
                Notice::Refused { number, cause } => say(&Word::Refused { number, cause })?,
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
    write_line(&mut io::stdout().lock(), word).map_err(Failure::Process)
}

fn write_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}
