//! The servers that are compared: found before the first run, started afresh for each, and ended after it.
//!
//! Each kind has a file. A new kind that is started here is a variant of [`BuiltIn`] and of `Kind`.

mod fanfare;
mod floor;
pub(crate) mod given;
mod nchan;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tempfile::TempDir;

use crate::args::compare::CompareArgs;
use crate::compare::cores::Cores;
use crate::compare::interrupt::Interrupt;
use crate::compare::peer::fanfare::Fanfare;
use crate::compare::peer::floor::Floor;
use crate::compare::peer::given::Given;
use crate::compare::peer::nchan::Nchan;
use crate::compare::program::Program;

/// How long a server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How a server that is started here says where it listens, on whichever output.
const ANNOUNCEMENT: &str = "listening on http://";

/// The server that all others are told in multiples of.
pub(crate) const FLOOR: &str = "floor";
/// The server whose faults and targets count.
pub(crate) const FANFARE: &str = "fanfare";

/// A server that is started here.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum BuiltIn {
    /// One send per subscriber and event and nothing else: what the kernel costs
    Floor,
    /// The server of this repository, with one shard
    Fanfare,
    /// nginx with the module nchan, in one process
    Nchan,
}

/// Why a server cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("two servers are called {0}")]
    TwoOfOneName(String),
    #[error("there is no program {0}")]
    NoProgram(PathBuf),
    #[error(
        "fanfare is neither beside this program nor in PATH: `cargo build --release -p fanfare` makes it, --fanfare \
         says where it is, and --peers without fanfare leaves it out"
    )]
    NoFanfare,
    #[error("{missing} is missing: `apt-get install nginx libnginx-mod-nchan`, or leave nchan out of --peers")]
    NoNchan { missing: String },
    #[error("cannot start {peer}: {cause}")]
    Start { peer: String, cause: io::Error },
    #[error("{peer} ended at once ({status}); {last_words}")]
    Ended { peer: String, status: std::process::ExitStatus, last_words: String },
    #[error("{peer} does not listen after {START_TIMEOUT:?}; {last_words}")]
    Mute { peer: String, last_words: String },
    #[error("interrupted")]
    Interrupted,
}

/// One server of the comparison.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// The version that it prints, or its address.
    pub(crate) version: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Floor(Floor),
    Fanfare(Fanfare),
    Nchan(Nchan),
    Given(Given),
}

/// A server that can be asked. Ended when dropped, if it was started here.
#[derive(Debug)]
pub(crate) struct Running {
    /// The load generator's flags that say where it is and how it is spoken to.
    pub(crate) target: Vec<String>,
    /// How it was started, if it was.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) program: Option<Program>,
    // After the program: the directory is removed when the program is gone.
    _directory: Option<TempDir>,
}

impl Peer {
    /// All servers of a comparison, in the order of their names on the command line.
    pub(crate) fn find(args: &CompareArgs) -> Result<Vec<Self>, PeerError> {
        let mut peers: Vec<Self> = Vec::new();
        for built_in in &args.peers {
            peers.push(match built_in {
                BuiltIn::Floor => Floor::find()?.into_peer(),
                BuiltIn::Fanfare => Fanfare::find(args.fanfare.as_deref(), &args.fanfare_args)?.into_peer(),
                BuiltIn::Nchan => Nchan::find(args.nginx.as_deref(), args.nchan_module.as_deref())?.into_peer(),
            });
        }
        peers.extend(args.peer.iter().cloned().map(Given::into_peer));
        for (index, peer) in peers.iter().enumerate() {
            if peers[..index].iter().any(|other| other.name == peer.name) {
                return Err(PeerError::TwoOfOneName(peer.name.clone()));
            }
        }
        Ok(peers)
    }

    /// Its configuration beyond its command.
    pub(crate) fn configuration(&self) -> Option<String> {
        match &self.kind {
            Kind::Nchan(nchan) => Some(nchan.configuration()),
            Kind::Floor(_) | Kind::Fanfare(_) | Kind::Given(_) => None,
        }
    }

    /// Starts it, if it does not run already.
    pub(crate) fn start(&self, cores: &Cores, interrupt: &Interrupt) -> Result<Running, PeerError> {
        let starter = Starter { peer: &self.name, cores, interrupt };
        match &self.kind {
            Kind::Floor(floor) => floor.start(&starter),
            Kind::Fanfare(fanfare) => fanfare.start(&starter),
            Kind::Nchan(nchan) => nchan.start(&starter),
            Kind::Given(given) => Ok(given.running()),
        }
    }
}

/// Settings of every server that is started here.
struct Starter<'a> {
    peer: &'a str,
    cores: &'a Cores,
    interrupt: &'a Interrupt,
}

impl Starter<'_> {
    fn start(&self, command: &mut Command) -> Result<Program, PeerError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.cores.start_server(command);
        child.map(Program::follow).map_err(|cause| PeerError::Start { peer: self.peer.to_owned(), cause })
    }

    /// Starts a server that prints its address, and returns that as a URL.
    fn start_announced(&self, command: &mut Command) -> Result<(Program, String), PeerError> {
        let mut program = self.start(command)?;
        let url = self.wait(&mut program, |program| {
            let line = program.next_line()?;
            let (_, rest) = line.split_once(ANNOUNCEMENT)?;
            Some(format!("http://{}", rest.split_whitespace().next()?))
        })?;
        Ok((program, url))
    }

    /// Asks again and again, until there is an answer, the program has ended, or it has taken too long.
    fn wait<T>(&self, program: &mut Program, mut ask: impl FnMut(&mut Program) -> Option<T>) -> Result<T, PeerError> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(answer) = ask(program) {
                return Ok(answer);
            }
            let peer = || self.peer.to_owned();
            if self.interrupt.came() {
                return Err(PeerError::Interrupted);
            }
            if let Some(status) = program.ended() {
                return Err(PeerError::Ended { peer: peer(), status, last_words: program.last_words() });
            }
            if Instant::now() >= deadline {
                return Err(PeerError::Mute { peer: peer(), last_words: program.last_words() });
            }
        }
    }
}

/// A command as one would type it, without quotes.
fn words(command: &Command) -> Vec<String> {
    let all = std::iter::once(command.get_program()).chain(command.get_args());
    all.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The first line that a program prints when it is asked for its version, or "unknown".
fn version(program: &Path, flag: impl AsRef<OsStr>) -> String {
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().map_or_else(|| "unknown".to_owned(), str::to_owned)
}

/// The file of this name in one of the directories of PATH.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// The given file, which must be there.
fn given_file(file: &Path) -> Result<PathBuf, PeerError> {
    if file.is_file() { Ok(file.to_owned()) } else { Err(PeerError::NoProgram(file.to_owned())) }
}
