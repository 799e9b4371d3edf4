//! nginx in front of the nodes, with the file that examples/two-nodes has for it: only addresses are replaced.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, in_path};
use crate::site::error::SiteError;
use crate::site::part::{accepts, free_address, start};

const CONFIGURATION: &str = include_str!("../../../examples/two-nodes/nginx.conf");
const NODES: &str = include_str!("../../../examples/two-nodes/nodes.conf");

/// A running nginx.
#[derive(Debug)]
pub(super) struct Nginx {
    pub(super) address: SocketAddr,
    _program: Program,
    // After the program, which writes into it.
    _directory: TempDir,
}

impl Nginx {
    pub(super) fn start(nodes: [SocketAddr; 2]) -> Result<Self, SiteError> {
        // Debian has it where it is in the PATH of root alone.
        let usual = PathBuf::from("/usr/sbin/nginx");
        let missing = SiteError::Missing { program: "nginx", package: "nginx" };
        let nginx = in_path("nginx").or_else(|| usual.is_file().then_some(usual)).ok_or(missing)?;
        let address = free_address()?;
        let failed = |cause| SiteError::Files { program: "nginx", cause };
        let directory = tempfile::tempdir().map_err(failed)?;
        let configuration = directory.path().join("nginx.conf");
        std::fs::write(&configuration, configuration_at(address)).map_err(failed)?;
        std::fs::write(directory.path().join("nodes.conf"), nodes_at(nodes)).map_err(failed)?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(directory.path()).arg("-c").arg(&configuration).args(["-g", "daemon off;"]);
        let program = start("nginx", &mut command, |_| accepts(address))?;
        Ok(Self { address, _program: program, _directory: directory })
    }
}

fn configuration_at(address: SocketAddr) -> String {
    CONFIGURATION.replace("listen 8080;", &format!("listen {address};"))
}

fn nodes_at([first, second]: [SocketAddr; 2]) -> String {
    NODES.replace("127.0.0.1:3001", &first.to_string()).replace("127.0.0.1:3002", &second.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_example_is_replaced() {
        let addresses = ["127.0.0.1:11111", "127.0.0.1:22222"].map(|address| address.parse().unwrap());
        let nodes = nodes_at(addresses);
        assert!(nodes.contains("server 127.0.0.1:11111 ") && nodes.contains("server 127.0.0.1:22222 "), "{nodes}");
        let configuration = configuration_at(addresses[0]);
        assert_eq!(configuration.matches("listen ").count(), 1);
        assert!(configuration.contains("listen 127.0.0.1:11111;"), "{configuration}");
    }
}
