//! [`Nginx`]: Debian's nginx with the files of examples/two-nodes. Only addresses, and what a test asks for, are
//! replaced.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::{redis::free_port, support::Process};

/// A text of the example, and its replacement.
pub(crate) type Replacement<'a> = (&'a str, &'a str);

/// A running nginx on a free port. Its drop kills it.
pub(crate) struct Nginx {
    _process: Process,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl Nginx {
    /// Starts one in front of these two nodes.
    #[track_caller]
    pub(crate) fn start(nodes: [SocketAddr; 2], replacements: &[Replacement<'_>]) -> Self {
        loop {
            if let Some(nginx) = Self::try_start(nodes, replacements) {
                return nginx;
            }
        }
    }

    /// Tries to start. None if another process took its port meanwhile.
    #[track_caller]
    fn try_start(nodes: [SocketAddr; 2], replacements: &[Replacement<'_>]) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let [node_a, node_b] = nodes.map(|node| node.to_string());
        let listen = format!("listen {address};");
        let config = directory.path().join("nginx.conf");
        let replacements = [&[("listen 8080;", &*listen)], replacements].concat();
        fs::write(&config, with(example("nginx.conf"), &replacements)).unwrap();
        let replacements = [("127.0.0.1:3001", &*node_a), ("127.0.0.1:3002", &*node_b)];
        fs::write(directory.path().join("nodes.conf"), with(example("nodes.conf"), &replacements)).unwrap();
        // Not in everybody's PATH. One process, so that killing it leaves none behind.
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(directory.path()).arg("-c").arg(config);
        let mut process = Process::start(command.args(["-g", "daemon off; master_process off;"]));
        loop {
            let line = process.line_with("");
            if line.contains("Address already in use") {
                return None;
            }
            assert!(!line.contains("[emerg]"), "{line}");
            // It says so when it listens.
            if line.contains("getrlimit") {
                return Some(Self { _process: process, address, _directory: directory });
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A file of the example of two nodes.
pub(crate) fn example(name: &str) -> String {
    file(&format!("two-nodes/{name}"))
}

/// A file below examples/.
pub(crate) fn file(path: &str) -> String {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = package.ancestors().nth(2).unwrap().join("examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces texts, each of which must be there exactly once.
#[track_caller]
pub(crate) fn with(text: String, replacements: &[Replacement<'_>]) -> String {
    replacements.iter().fold(text, |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {text}");
        text.replace(from, to)
    })
}
