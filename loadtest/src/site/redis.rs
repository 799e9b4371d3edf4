//! The Redis that the nodes share.

use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, in_path};
use crate::site::error::SiteError;
use crate::site::part::{accepts, free_address, start};

/// A running Redis with the settings that docs/guide/several-nodes.md gives.
#[derive(Debug)]
pub(super) struct Redis {
    pub(super) url: String,
    _program: Program,
    // After the program, which writes into it.
    _directory: TempDir,
}

impl Redis {
    pub(super) fn start() -> Result<Self, SiteError> {
        let missing = SiteError::Missing { program: "redis-server", package: "redis-server" };
        let redis = in_path("redis-server").ok_or(missing)?;
        let address = free_address()?;
        let directory = tempfile::tempdir().map_err(|cause| SiteError::Files { program: "redis-server", cause })?;
        let mut command = Command::new(redis);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--dir"]).arg(directory.path());
        command.args(["--appendonly", "yes", "--maxmemory-policy", "noeviction"]);
        let program = start("redis-server", &mut command, |_| accepts(address))?;
        Ok(Self { url: format!("redis://{address}"), _program: program, _directory: directory })
    }
}
