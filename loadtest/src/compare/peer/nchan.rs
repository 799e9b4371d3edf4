//! nginx with nchan as a server of the comparison: one process, everything that it writes in a directory of its own.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::compare::certificate::Files;
use crate::compare::extra::Extra;
use crate::compare::peer::error::PeerError;
use crate::compare::peer::listening::Listening;
use crate::compare::peer::starter::{Running, Starter, version, words};
use crate::program::{POLL, in_path};
use crate::wire::transport::Version;

pub(super) const NCHAN: &str = "nchan";
/// The time that one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The version of nginx that has a directive for HTTP/2. Before it was a word behind the address.
const HTTP2_DIRECTIVE: [u32; 3] = [1, 25, 1];

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
    /// HTTP/2 is a directive of its own.
    has_http2_directive: bool,
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
        let has_http2_directive = number(&version(&nginx, "-v")) >= HTTP2_DIRECTIVE;
        Ok(Self { nginx, module, has_http2_directive })
    }

    pub(super) fn version(&self) -> String {
        let nginx = version(&self.nginx, "-v");
        match package_version() {
            Some(package) => format!("{nginx}, libnginx-mod-nchan {package}"),
            None => nginx,
        }
    }

    /// The configuration of nginx without the directory and the port, as it is for TLS and HTTP/2. Without either, the
    /// lines of it are not there.
    pub(super) fn configuration(&self) -> String {
        let file = |name| Path::new("/CERTIFICATE").join(name);
        let [authority, certificate, key] = ["authority.crt", "server.crt", "server.key"].map(file);
        let listening = Listening {
            version: Version::Http2,
            tls: Some(Files { authority, certificate, key }),
            extra: Extra::Nothing,
        };
        self.configured(Path::new("/DIRECTORY"), "127.0.0.1:PORT", &listening)
    }

    fn configured(&self, directory: &Path, address: &str, listening: &Listening) -> String {
        let is_http2 = listening.version == Version::Http2;
        let word = |is_there: bool, word: &'static str| if is_there { word } else { "" };
        let ssl = word(listening.tls.is_some(), " ssl");
        let http2 = word(is_http2 && !self.has_http2_directive, " http2");
        let mut lines = format!("listen {address}{ssl}{http2} backlog=4096;");
        if is_http2 && self.has_http2_directive {
            lines += "\n        http2 on;";
        }
        if let Some(Files { certificate, key, .. }) = &listening.tls {
            let (certificate, key) = (certificate.display(), key.display());
            lines += &format!(
                "\n        ssl_certificate \"{certificate}\";\n        ssl_certificate_key \"{key}\";\n        \
                 ssl_protocols TLSv1.2 TLSv1.3;\n        ssl_session_tickets off;"
            );
        }
        configuration(&self.module, directory, &lines)
    }

    pub(super) fn start(&self, starter: &Starter<'_>) -> Result<Running, PeerError> {
        let failed = |cause: io::Error| PeerError::Start { peer: NCHAN.to_owned(), cause };
        let directory = tempfile::Builder::new().prefix("fanfare-nchan-").tempdir().map_err(failed)?;
        let address = free_address().map_err(failed)?;
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, self.configured(directory.path(), &address.to_string(), starter.listening))
            .map_err(failed)?;
        let mut command = Command::new(&self.nginx);
        command.arg("-p").arg(directory.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        let mut program = starter.start(&mut command)?;
        starter.wait(&mut program, |_| {
            let connected = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT);
            connected.inspect_err(|_| std::thread::sleep(POLL)).ok()
        })?;
        let url = format!("{}://{address}", starter.listening.scheme());
        let target = starter.listening.target(&url, "nchan");
        Ok(Running {
            target,
            command: Some(words(&command)),
            program: Some(program),
            operators: None,
            _directory: Some(directory),
        })
    }
}

/// The numbers in `nginx version: nginx/1.22.1`.
fn number(version: &str) -> [u32; 3] {
    let (_, numbers) = version.rsplit_once('/').unwrap_or_default();
    let mut numbers = numbers.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
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
fn configuration(module: &Path, directory: &Path, listen: &str) -> String {
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
        {listen}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(version: &str, listening: &Listening) -> String {
        let has_http2_directive = number(version) >= HTTP2_DIRECTIVE;
        let nchan = Nchan { nginx: PathBuf::new(), module: PathBuf::new(), has_http2_directive };
        let text = nchan.configured(Path::new("/d"), "a:1", listening);
        let is_told = |line: &&str| ["listen", "http2", "ssl"].iter().any(|word| line.trim_start().starts_with(word));
        text.lines().filter(is_told).map(str::trim).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn nginx_listens_as_its_version_wants_it() {
        let file = |name: &str| PathBuf::from(name);
        let files = Files { authority: file("/a"), certificate: file("/c"), key: file("/k") };
        let [plain, h2] =
            [Version::Http1, Version::Http2].map(|version| Listening { version, tls: None, extra: Extra::Nothing });
        let tls = Listening { tls: Some(files.clone()), ..plain.clone() };
        let both = Listening { tls: Some(files), ..h2.clone() };
        let (old, new) = ("nginx version: nginx/1.22.1", "nginx version: nginx/1.26.3 (Ubuntu)");
        let ssl = r#"ssl_certificate "/c"; ssl_certificate_key "/k"; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off;"#;
        for (listening, in_old, in_new) in [
            (plain, "listen a:1 backlog=4096;".to_owned(), "listen a:1 backlog=4096;".to_owned()),
            (h2, "listen a:1 http2 backlog=4096;".to_owned(), "listen a:1 backlog=4096; http2 on;".to_owned()),
            (tls, format!("listen a:1 ssl backlog=4096; {ssl}"), format!("listen a:1 ssl backlog=4096; {ssl}")),
            (
                both,
                format!("listen a:1 ssl http2 backlog=4096; {ssl}"),
                format!("listen a:1 ssl backlog=4096; http2 on; {ssl}"),
            ),
        ] {
            assert_eq!((lines(old, &listening), lines(new, &listening)), (in_old, in_new));
        }
    }
}
