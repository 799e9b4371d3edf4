//! A node of Fanfare that can be replaced: ended and started again, or upgraded.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::program::{POLL, Program, ask_to_end, in_path};
use crate::site::error::SiteError;
use crate::site::part::{answers, free_address, start};

/// The time that a node may take to end. Its own bound is `--drain-delay` and `--drain-timeout` together.
const END_TIMEOUT: Duration = Duration::from_secs(90);

/// How every node is started.
#[derive(Debug)]
pub(super) struct Recipe {
    fanfare: PathBuf,
    redis: String,
    more_args: Vec<String>,
}

/// How one node is replaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// SIGTERM, the end, so long without it, and a start.
    Restart { away: Duration },
    /// `fanfare upgrade`.
    Upgrade,
}

/// What the replacement of a node took.
#[derive(Debug, Clone)]
pub(crate) struct Replaced {
    /// From SIGTERM, or from the command to upgrade, to the end of the old process.
    pub(crate) drain: Duration,
    /// From there until the new process is ready. Nothing in an upgrade, where it was ready before.
    pub(crate) start: Duration,
    /// How the old process ended.
    pub(crate) status: ExitStatus,
    pub(crate) last_words: String,
}

/// A running node. Ended when dropped.
#[derive(Debug)]
pub(super) struct Node {
    number: usize,
    pub(super) address: SocketAddr,
    program: Program,
    /// The process that serves after an upgrade. It is nobody's child here.
    heir: Option<u32>,
}

impl Recipe {
    /// The program that was given, or that lies beside this one, or in PATH.
    pub(super) fn find(given: Option<&Path>, redis: &str, more_args: &str) -> Result<Self, SiteError> {
        let beside =
            || std::env::current_exe().ok().map(|own| own.with_file_name("fanfare")).filter(|file| file.is_file());
        let fanfare = match given {
            Some(file) => file.to_owned(),
            None => beside().or_else(|| in_path("fanfare")).ok_or(SiteError::NoFanfare)?,
        };
        let more_args = more_args.split_whitespace().map(str::to_owned).collect();
        Ok(Self { fanfare, redis: redis.to_owned(), more_args })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.fanfare);
        command.args(args);
        // Settings from outside would make another run of it.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FANFARE_")) {
            command.env_remove(name);
        }
        command
    }

    fn serve(&self, address: SocketAddr) -> Result<Program, SiteError> {
        let mut command = self.command(&["serve", "--listen", &address.to_string(), "--redis", &self.redis]);
        command.args(["--admin", "off"]).args(&self.more_args);
        start("fanfare", &mut command, |_| answers(address, "/readyz"))
    }
}

impl Node {
    pub(super) fn start(number: usize, recipe: &Recipe) -> Result<Self, SiteError> {
        let address = free_address()?;
        Ok(Self { number, address, program: recipe.serve(address)?, heir: None })
    }

    pub(super) fn replace(&mut self, way: Way, recipe: &Recipe) -> Result<Replaced, SiteError> {
        match way {
            Way::Restart { away } => self.restart(away, recipe),
            Way::Upgrade => self.upgrade(recipe),
        }
    }

    fn restart(&mut self, away: Duration, recipe: &Recipe) -> Result<Replaced, SiteError> {
        let begun = Instant::now();
        ask_to_end(self.program.pid());
        let status = self.ended()?;
        let drain = begun.elapsed();
        let last_words = self.program.last_words();
        std::thread::sleep(away);
        let begun = Instant::now();
        self.program = recipe.serve(self.address)?;
        Ok(Replaced { drain, start: begun.elapsed(), status, last_words })
    }

    fn upgrade(&mut self, recipe: &Recipe) -> Result<Replaced, SiteError> {
        let begun = Instant::now();
        let mut command = recipe.command(&["upgrade", "--pid", &self.program.pid().to_string()]);
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|cause| SiteError::Start { program: "fanfare upgrade", cause })?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
        // "process NEW has taken over from process OLD"
        let heir = said.lines().last().and_then(|line| line.strip_prefix("process ")?.split(' ').next()?.parse().ok());
        self.heir = heir.filter(|_| output.status.success());
        if self.heir.is_none() {
            return Err(SiteError::Upgrade { node: self.number, said });
        }
        let status = self.ended()?;
        Ok(Replaced { drain: begun.elapsed(), start: Duration::ZERO, status, last_words: self.program.last_words() })
    }

    /// Waits until the process that was started here has ended.
    fn ended(&mut self) -> Result<ExitStatus, SiteError> {
        let deadline = Instant::now() + END_TIMEOUT;
        loop {
            if let Some(status) = self.program.ended() {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                let (node, last_words) = (self.number, self.program.last_words());
                return Err(SiteError::Stays { node, timeout: END_TIMEOUT, last_words });
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A child ends with its `Program`. The heir is asked, and ends by itself within its bounds.
        self.heir.into_iter().for_each(ask_to_end);
    }
}
