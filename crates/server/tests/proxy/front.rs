//! [`Front`]: one of five proxies of Debian with its file of examples/proxies. Only addresses, and what a test asks
//! for, are replaced.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use crate::{
    nginx::{Replacement, file, with},
    redis::free_port,
    support::{Process, until},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    HaProxy,
    Varnish,
    Caddy,
    Httpd,
}

/// The limits on idle and silent connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// A minute, as in the file.
    Given,
    /// A second each.
    Short,
}

/// A running proxy on a free port. Its drop kills it.
pub(crate) struct Front {
    process: Process,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl Front {
    /// Starts a proxy in front of this node.
    #[track_caller]
    pub(crate) fn start(kind: Kind, node: SocketAddr, limits: Limits) -> Self {
        Self::started(kind, node, limits, &[])
    }

    /// The same with further replacements in its file. They come first.
    #[track_caller]
    pub(crate) fn start_with(kind: Kind, node: SocketAddr, more: &[Replacement<'_>]) -> Self {
        Self::started(kind, node, Limits::Given, more)
    }

    #[track_caller]
    fn started(kind: Kind, node: SocketAddr, limits: Limits, more: &[Replacement<'_>]) -> Self {
        let (program, package) = kind.program();
        assert!(
            Path::new(program).exists(),
            "{program} is missing: install Debian's package {package}, or run `cargo xtask test`, which installs what the \
             tests need"
        );
        loop {
            let mut front = Self::begin(kind, node, limits, more);
            // Nothing that they print says in the same way that they listen.
            until(&format!("{program} listens"), || {
                TcpStream::connect(front.address).is_ok() || front.process.has_said("ddress already in use")
            });
            if !front.process.has_said("ddress already in use") {
                return front;
            }
        }
    }

    fn begin(kind: Kind, node: SocketAddr, limits: Limits, more: &[Replacement<'_>]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // httpd reads a file there as a user of its own when it is started by root.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let replacements = kind.addresses(address, node);
        let of_addresses = replacements.iter().map(|(from, to)| (*from, &**to));
        let mut replacements: Vec<Replacement<'_>> = more.iter().copied().chain(of_addresses).collect();
        if limits == Limits::Short {
            replacements.extend(kind.short_limits());
        }
        let config = directory.path().join(kind.file());
        fs::write(&config, with(file(&format!("proxies/{}", kind.file())), &replacements)).unwrap();
        fs::write(directory.path().join("away.asis"), file("proxies/away.asis")).unwrap();
        let mut command = Command::new(kind.program().0);
        command.args(kind.args(directory.path(), &config, address));
        if kind == Kind::Varnish && limits == Limits::Short {
            command.args(["-p", "backend_idle_timeout=1", "-p", "pipe_timeout=1"]);
        }
        // Caddy keeps what it makes below its user's directory.
        let command = command.env("HOME", directory.path()).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        Self { process: Process::start(command), address, _directory: directory }
    }
}

impl Kind {
    /// The program, and Debian's package that has it.
    fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Nginx => ("/usr/sbin/nginx", "nginx"),
            Self::HaProxy => ("/usr/sbin/haproxy", "haproxy"),
            Self::Varnish => ("/usr/sbin/varnishd", "varnish"),
            Self::Caddy => ("/usr/bin/caddy", "caddy"),
            Self::Httpd => ("/usr/sbin/apache2", "apache2-bin"),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Nginx => "nginx.conf",
            Self::HaProxy => "haproxy.cfg",
            Self::Varnish => "varnish.vcl",
            Self::Caddy => "Caddyfile",
            Self::Httpd => "httpd.conf",
        }
    }

    /// The arguments. Each proxy is one process, so that a kill leaves none behind. The child of varnishd ends with it.
    fn args(self, directory: &Path, config: &Path, listen: SocketAddr) -> Vec<String> {
        let (directory, config) = (directory.to_str().unwrap(), config.to_str().unwrap());
        let listen = listen.to_string();
        let args: &[&str] = match self {
            Self::Nginx => &["-p", directory, "-c", config, "-g", "daemon off; master_process off;"],
            Self::HaProxy => &["-db", "-f", config],
            Self::Varnish => &["-F", "-j", "none", "-n", &format!("{directory}/varnish"), "-a", &listen, "-f", config],
            Self::Caddy => &["run", "--adapter", "caddyfile", "--config", config],
            Self::Httpd => &["-X", "-d", directory, "-f", config],
        };
        args.iter().map(ToString::to_string).collect()
    }

    /// The addresses in the file, and their replacements.
    fn addresses(self, listen: SocketAddr, node: SocketAddr) -> Vec<(&'static str, String)> {
        let to_node = ("127.0.0.1:3000", node.to_string());
        match self {
            Self::Nginx => vec![("listen 8080;", format!("listen {listen};")), to_node],
            Self::HaProxy => vec![("bind :8080", format!("bind {listen}")), to_node],
            // A node that is slow for once is not away.
            Self::Varnish => {
                vec![("\"3000\"", format!("\"{}\"", node.port())), (".timeout = 0.5s", ".timeout = 10s".to_owned())]
            }
            Self::Caddy => vec![("\n:8080 {", format!("\n:{} {{\n\tbind 127.0.0.1", listen.port())), to_node],
            Self::Httpd => vec![("Listen 8080", format!("Listen {listen}")), to_node],
        }
    }

    fn short_limits(self) -> &'static [Replacement<'static>] {
        match self {
            Self::Nginx => {
                &[("keepalive_timeout 60s", "keepalive_timeout 1s"), ("read_timeout 60s", "read_timeout 1s")]
            }
            Self::HaProxy => &[
                ("timeout client 60s", "timeout client 1s"),
                ("timeout server 60s", "timeout server 1s"),
                ("pool-purge-delay 30s", "pool-purge-delay 1s"),
            ],
            // Its limits are no matter of the file.
            Self::Varnish => &[],
            Self::Caddy => &[("keepalive 60s", "keepalive 1s")],
            Self::Httpd => &[(" timeout=60", " timeout=1"), ("ttl=60", "ttl=1")],
        }
    }
}
