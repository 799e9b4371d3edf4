//! [`Successor`]: a new process that takes the sockets of this one over.

use std::{
    env,
    ffi::OsString,
    fmt, io,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::PathBuf,
    process::{self, Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use humantime::format_duration;

use super::{
    predecessor::VARIABLE,
    wire::{FAILED, GO, HangUp, PREPARED, READY, SERVE, Wire},
};

/// Variables of systemd that are about this process alone.
const OWN: [&str; 4] = ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "WATCHDOG_PID"];
/// Time for the exit status of a process that has ended.
const STATUS_TIME: Duration = Duration::from_secs(1);
const STATUS_PAUSE: Duration = Duration::from_millis(5);

/// How a successor is started.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The program, by the path that it had when this process started: a package puts the new one there.
    program: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
    /// Time for each of its steps.
    timeout: Duration,
}

impl Start {
    /// Starts what this process is.
    ///
    /// # Errors
    /// The system does not tell the path of the program.
    pub(crate) fn of_this_process(timeout: Duration) -> io::Result<Self> {
        let mut arguments = env::args_os();
        let name = arguments.next().unwrap_or_else(|| OsString::from("fanfare"));
        Ok(Self { program: env::current_exe()?, name, arguments: arguments.collect(), timeout })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.program.display().fmt(f)
    }
}

/// A new process. It is killed when this is dropped before it serves.
#[derive(Debug)]
pub(crate) struct Successor {
    child: Child,
    wire: Wire,
    timeout: Duration,
    serves: bool,
}

impl Successor {
    /// Starts a process that has these sockets, and waits until it is prepared. `wire` and `other` are the two ends. Blocks.
    ///
    /// # Errors
    /// A sentence. The process has ended.
    pub(super) fn start(
        start: &Start,
        sockets: Vec<(&'static str, TcpListener)>,
        wire: Wire,
        other: UnixStream,
    ) -> Result<Self, String> {
        if process::id() == 1 {
            return Err(
                "this is the first process of a container, which ends with it: start another container".to_owned()
            );
        }
        // The sockets are closed here once they are passed on.
        let begin = move || -> io::Result<Self> {
            let mut command = Command::new(&start.program);
            command.arg0(&start.name).args(&start.arguments).stdin(OwnedFd::from(other));
            command.env(VARIABLE, process::id().to_string());
            OWN.iter().for_each(|name| {
                command.env_remove(name);
            });
            let child = command.spawn()?;
            let successor = Self { child, wire, timeout: start.timeout, serves: false };
            let sockets: Vec<_> = sockets.iter().map(|(name, socket)| (*name, socket)).collect();
            successor.wire.pass(&sockets)?;
            Ok(successor)
        };
        let mut successor =
            begin().map_err(|error| format!("{} cannot be started: {error}", start.program.display()))?;
        successor.expect(PREPARED)?;
        Ok(successor)
    }

    /// What ends the process, and the wait for it, when it is dropped.
    ///
    /// # Errors
    /// There are no descriptors.
    pub(super) fn hang_up(&self) -> io::Result<HangUp> {
        self.wire.hang_up()
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it start its engine, and waits until that is ready. Blocks.
    ///
    /// # Errors
    /// A sentence. The process has ended.
    pub(crate) fn go(&mut self) -> Result<(), String> {
        self.say(GO)?;
        self.expect(READY)
    }

    /// Lets it serve. From now on it lives by itself.
    ///
    /// # Errors
    /// A sentence. The process has ended.
    pub(crate) fn serve(&mut self) -> Result<(), String> {
        self.say(SERVE)?;
        self.serves = true;
        Ok(())
    }

    fn say(&mut self, word: &str) -> Result<(), String> {
        self.wire.say(word).map_err(|_| self.ended())
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        let deadline = Instant::now().checked_add(self.timeout);
        match self.wire.hear(deadline) {
            Ok(Some(line)) if line == word => Ok(()),
            Ok(Some(line)) => match line.strip_prefix(FAILED) {
                Some(reason) => Err(format!("the new process says: {reason}")),
                None => Err(format!("the new process says `{line}`, and not `{word}`: is it another program?")),
            },
            Ok(None) => Err(self.ended()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let time = format_duration(self.timeout);
                Err(format!("the new process was not {word} within {time} (upgrade-timeout under [limits])"))
            }
            Err(error) => Err(format!("the new process cannot be heard: {error}")),
        }
    }

    fn ended(&mut self) -> String {
        // Its end of the wire closes a moment before it has ended.
        let deadline = Instant::now() + STATUS_TIME;
        let status: Option<ExitStatus> = loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(STATUS_PAUSE),
                ended => break ended.ok().flatten(),
            }
        };
        let status = status.map_or_else(|| "it is not known how".to_owned(), |status| status.to_string());
        format!("the new process has ended before it was ready ({status}); standard error has its reason")
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.serves {
            // It may have ended.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
