//! [`Starter`] starts a server of the comparison, and [`Running`] is one that runs.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::compare::cores::Cores;
use crate::compare::peer::error::PeerError;
use crate::compare::peer::listening::Listening;
use crate::interrupt::Interrupt;
use crate::program::Program;

/// The time that a server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// The words of a server that is started here about where it listens, on whichever output, before `http://` or
/// `https://`.
const ANNOUNCEMENT: &str = "listening on ";
/// The words of Fanfare about its admin listener, which come before.
const FOR_OPERATORS: &str = "for operators: http://";

/// A server that can be asked. Ended when dropped, if it was started here.
#[derive(Debug)]
pub(crate) struct Running {
    /// The load generator's flags that say where it is and how it is spoken to.
    pub(crate) target: Vec<String>,
    /// The command that started it, if one did.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) program: Option<Program>,
    /// Where it shows its figures, if it said so.
    pub(crate) operators: Option<SocketAddr>,
    // After the program: the directory is removed when the program is gone.
    pub(super) _directory: Option<TempDir>,
}

/// A server that has said where it listens.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) program: Program,
    pub(super) url: String,
    pub(super) operators: Option<SocketAddr>,
}

/// Settings of every server that is started here.
pub(super) struct Starter<'a> {
    pub(super) peer: &'a str,
    pub(super) listening: &'a Listening,
    pub(super) cores: &'a Cores,
    pub(super) interrupt: &'a Interrupt,
}

impl Starter<'_> {
    pub(super) fn start(&self, command: &mut Command) -> Result<Program, PeerError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.cores.start_server(command);
        child.map(Program::follow).map_err(|cause| PeerError::Start { peer: self.peer.to_owned(), cause })
    }

    /// Starts a server that prints its address.
    pub(super) fn start_announced(&self, command: &mut Command) -> Result<Announced, PeerError> {
        let mut program = self.start(command)?;
        let scheme = self.listening.scheme();
        let announcement = format!("{ANNOUNCEMENT}{scheme}://");
        let mut operators = None;
        let url = self.wait(&mut program, |program| {
            let line = program.next_line()?;
            operators = operators.or_else(|| line.split_once(FOR_OPERATORS)?.1.trim().parse().ok());
            let (_, rest) = line.split_once(&announcement)?;
            Some(format!("{scheme}://{}", rest.split_whitespace().next()?))
        })?;
        Ok(Announced { program, url, operators })
    }

    /// Asks again and again, until there is an answer, the program has ended, or it has taken too long.
    pub(super) fn wait<T>(
        &self,
        program: &mut Program,
        mut ask: impl FnMut(&mut Program) -> Option<T>,
    ) -> Result<T, PeerError> {
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
                return Err(PeerError::Mute { peer: peer(), timeout: START_TIMEOUT, last_words: program.last_words() });
            }
        }
    }
}

/// A command as one would type it, without quotes.
pub(super) fn words(command: &Command) -> Vec<String> {
    let all = std::iter::once(command.get_program()).chain(command.get_args());
    all.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The first line that a program prints when it is asked for its version, or "unknown".
pub(super) fn version(program: &Path, flag: impl AsRef<OsStr>) -> String {
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().map_or_else(|| "unknown".to_owned(), str::to_owned)
}

/// The given file, which must be there.
pub(super) fn given_file(file: &Path) -> Result<PathBuf, PeerError> {
    if file.is_file() { Ok(file.to_owned()) } else { Err(PeerError::NoProgram(file.to_owned())) }
}
