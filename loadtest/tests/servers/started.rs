//! A floor on a free port, for a test of itself or as a server that runs already.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::certificates::Certificates;

/// Far longer than anything takes. A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Killed when dropped.
pub(crate) struct Floor {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Floor {
    pub(crate) fn start() -> Self {
        Self::start_with("http", &[])
    }

    /// For `localhost`, over TLS.
    pub(crate) fn start_tls(certificates: &Certificates) -> Self {
        let [cert, key] = ["server.crt", "server.key"].map(|name| certificates.file(name));
        Self::start_with("https", &["--tls-cert", &cert, "--tls-key", &key])
    }

    fn start_with(scheme: &str, args: &[&str]) -> Self {
        let mut command = loadtest(&["floor", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix(&format!("listening on {scheme}://")).expect("it says where");
        let address = address.parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The load generator with these arguments.
pub(crate) fn loadtest(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare-loadtest"));
    command.args(args);
    command
}
