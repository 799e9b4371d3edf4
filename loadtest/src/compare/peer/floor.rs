//! The floor as a server of the comparison: this same program, started again.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::compare::peer::built_in::FLOOR;
use crate::compare::peer::error::PeerError;
use crate::compare::peer::starter::{Announced, Running, Starter, words};

#[derive(Debug)]
pub(super) struct Floor {
    program: PathBuf,
}

impl Floor {
    pub(super) fn find() -> Result<Self, PeerError> {
        let failed = |cause: io::Error| PeerError::Start { peer: FLOOR.to_owned(), cause };
        Ok(Self { program: std::env::current_exe().map_err(failed)? })
    }

    pub(super) fn start(&self, starter: &Starter<'_>) -> Result<Running, PeerError> {
        let mut command = Command::new(&self.program);
        command.args(["floor", "--listen", "127.0.0.1:0"]);
        starter.listening.add_tls(&mut command, &[]);
        let Announced { program, url, .. } = starter.start_announced(&mut command)?;
        let target = starter.listening.target(&url, "floor");
        Ok(Running {
            target,
            command: Some(words(&command)),
            program: Some(program),
            operators: None,
            _directory: None,
        })
    }
}

/// The version of this program.
pub(super) fn version() -> String {
    format!("fanfare-loadtest {}", env!("CARGO_PKG_VERSION"))
}
