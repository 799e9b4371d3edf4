//! nginx with nchan as a server of the comparison: one process, everything that it writes in a directory of its own.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::compare::peer::error::PeerError;
use crate::compare::peer::starter::{Running, Starter, in_path, version, words};
use crate::compare::program::POLL;

pub(super) const NCHAN: &str = "nchan";
/// How long one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Paths of the module in distributions, Debian first.
const MODULES: [&str; 3] = [
    "/usr/lib/nginx/modules/ngx_nchan_module.so",
    "/usr/lib64/nginx/modules/ngx_nchan_module.so",
    "/usr/share/nginx/modules/ngx_nchan_module.so",
];

#[derive(Debug)]
pub(super) struct Nchan {
    nginx: PathBuf,
    module: PathBuf,
}

impl Nchan {
    pub(super) fn find(nginx: Option<&Path>, module: Option<&Path>) -> Result<Self, PeerError> {
        let missing = |what: &str, file: Option<&Path>| PeerError::NoNchan {
            missing: file.map_or_else(|| what.to_owned(), |file| format!("{what} ({})", file.display())),
        };
        // /usr/sbin is not in everybody's PATH.
        let usual = || in_path("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")));
        let is_there = |file: &PathBuf| file.is_file();
        let found = nginx.map_or_else(usual, |file| Some(file.to_owned())).filter(is_there);
        let nginx = found.ok_or_else(|| missing("the program nginx", nginx))?;
        let usual = || MODULES.iter().map(PathBuf::from).find(is_there);
        let found = module.map_or_else(usual, |file| Some(file.to_owned())).filter(is_there);
        let module = found.ok_or_else(|| missing("nginx's module nchan", module))?;
        Ok(Self { nginx, module })
    }

    pub(super) fn version(&self) -> String {
        let nginx = version(&self.nginx, "-v");
        match package_version() {
            Some(package) => format!("{nginx}, libnginx-mod-nchan {package}"),
            None => nginx,
        }
    }

    /// The configuration of nginx without the directory and the port.
    pub(super) fn configuration(&self) -> String {
        configuration(&self.module, Path::new("/DIRECTORY"), "127.0.0.1:PORT")
    }

    pub(super) fn start(&self, starter: &Starter<'_>) -> Result<Running, PeerError> {
        let failed = |cause: io::Error| PeerError::Start { peer: NCHAN.to_owned(), cause };
        let directory = tempfile::Builder::new().prefix("fanfare-nchan-").tempdir().map_err(failed)?;
        let address = free_address().map_err(failed)?;
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, configuration(&self.module, directory.path(), &address.to_string())).map_err(failed)?;
        let mut command = Command::new(&self.nginx);
        command.arg("-p").arg(directory.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let mut program = starter.start(&mut command)?;
        starter.wait(&mut program, |_| {
            let connected = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT);
            connected.inspect_err(|_| std::thread::sleep(POLL)).ok()
        })?;
        let url = format!("http://{address}");
        let target = ["--url", &url, "--preset", "nchan"].map(str::to_owned).to_vec();
        Ok(Running { target, command: Some(words(&command)), program: Some(program), _directory: Some(directory) })
    }
}

/// The version of Debian's package, because nchan itself tells none.
fn package_version() -> Option<String> {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libnginx-mod-nchan"]).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !version.is_empty()).then_some(version)
}

/// An address that is free now. nginx cannot say which one it took.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A configuration in which nginx is as fast and as roomy as nchan can be in one process, to match Fanfare's one shard.
fn configuration(module: &Path, directory: &Path, address: &str) -> String {
    let (module, directory) = (module.display(), directory.display());
    format!(
        r#"load_module "{module}";
daemon off;
master_process off;
pid "{directory}/nginx.pid";
error_log stderr warn;
worker_rlimit_nofile 20000;
events {{
    worker_connections 20000;
}}
http {{
    access_log off;
    tcp_nodelay on;
    # The publisher's connection stays for all events of a run; a new one for every 1,000 would be counted as nchan's.
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    # A published body stays in memory: a file for each would be nginx's cost, not nchan's.
    client_max_body_size 16m;
    client_body_buffer_size 16m;
    client_body_temp_path "{directory}/body";
    proxy_temp_path "{directory}/proxy";
    fastcgi_temp_path "{directory}/fastcgi";
    uwsgi_temp_path "{directory}/uwsgi";
    scgi_temp_path "{directory}/scgi";
    # Room for every message of a run. Where a subscriber falls behind what the buffer holds, nchan skips messages,
    # which would be told as lost; the default of 128M and 10 messages is meant for channels of chat.
    nchan_shared_memory_size 512M;
    nchan_message_buffer_length 1000;
    nchan_message_timeout 10m;
    server {{
        listen {address} backlog=4096;
        location ~ ^/sub/(.+)$ {{
            nchan_subscriber eventsource;
            nchan_subscriber_first_message newest;
            nchan_channel_id $1;
        }}
        location ~ ^/pub/(.+)$ {{
            nchan_publisher;
            nchan_channel_id $1;
        }}
    }}
}}
"#
    )
}
