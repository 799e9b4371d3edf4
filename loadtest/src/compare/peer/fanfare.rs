//! Fanfare as a server of the comparison: its program beside this one, one shard, and no settings from outside.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::compare::extra::Extra;
use crate::compare::peer::built_in::FANFARE;
use crate::compare::peer::error::PeerError;
use crate::compare::peer::starter::{Announced, Running, Starter, given_file, version, words};
use crate::program::in_path;
use crate::wire::token::Token;

/// The key of a run with tokens. It protects nothing.
const SECRET: &str = "a-secret-of-the-load-generator-that-protects-nothing";

#[derive(Debug)]
pub(super) struct Fanfare {
    program: PathBuf,
    more_args: Vec<String>,
    /// The help of `serve`, asked for with the first case that needs it.
    help: OnceCell<String>,
}

impl Fanfare {
    /// The program that was given, or that lies beside this one, or in PATH.
    pub(super) fn find(given: Option<&Path>, more_args: &str) -> Result<Self, PeerError> {
        let beside =
            || std::env::current_exe().ok().map(|own| own.with_file_name(FANFARE)).filter(|file| file.is_file());
        let program = match given {
            Some(file) => given_file(file)?,
            None => beside().or_else(|| in_path(FANFARE)).ok_or(PeerError::NoFanfare)?,
        };
        let more_args = more_args.split_whitespace().map(str::to_owned).collect();
        Ok(Self { program, more_args, help: OnceCell::new() })
    }

    /// Whether it can be told to do this. Earlier versions cannot do everything.
    pub(super) fn knows(&self, extra: Extra) -> bool {
        let Some(flag) = extra.flag() else { return true };
        let help = self.help.get_or_init(|| {
            let help = Command::new(&self.program).args(["serve", "--help"]).stdin(Stdio::null()).output();
            help.map_or_else(|_| String::new(), |help| String::from_utf8_lossy(&help.stdout).into_owned())
        });
        help.contains(flag)
    }

    pub(super) fn version(&self) -> String {
        version(&self.program, "--version")
    }

    pub(super) fn start(&self, starter: &Starter<'_>) -> Result<Running, PeerError> {
        let mut command = Command::new(&self.program);
        command.args(["--listen", "127.0.0.1:0"]);
        starter.listening.add_tls(&mut command, &["--listen-tls", "127.0.0.1:0"]);
        match starter.listening.extra {
            Extra::Nothing => {}
            Extra::Tokens => drop(command.args(["--token-key", &format!("HS256:{SECRET}")])),
            Extra::Scrapes => drop(command.args(["--admin", "127.0.0.1:0"])),
        }
        command.args(&self.more_args);
        // One shard, unless it is said: every server has one core.
        if !self.more_args.iter().any(|arg| arg.starts_with("--shards")) {
            command.args(["--shards", "1"]);
        }
        // A setting that is not in the command would be missing in the report.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FANFARE_")) {
            command.env_remove(name);
        }
        let Announced { program, url, operators } = starter.start_announced(&mut command)?;
        let mut target = starter.listening.target(&url, "fanfare");
        if starter.listening.extra == Extra::Tokens {
            let token = Token::for_everything(SECRET);
            target.extend(["--subscribe-token", token.text(), "--publish-token", token.text()].map(str::to_owned));
        }
        Ok(Running { target, command: Some(words(&command)), program: Some(program), operators, _directory: None })
    }
}
