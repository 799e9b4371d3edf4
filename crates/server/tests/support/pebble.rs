//! [`Pebble`]: the test server of Let's Encrypt, with a name server that leads every name to this machine.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Limit of the wait for its start.
const START_TIME_MAX: Duration = Duration::from_secs(20);

/// An authority that checks names on one port of this machine. Its drop ends it.
pub(crate) struct Pebble {
    pub(crate) directory_url: String,
    /// The file with the root of its own HTTPS.
    pub(crate) root: PathBuf,
    directory: TempDir,
    ports: [u16; 4],
    tls_port: u16,
    validity: Duration,
    children: Vec<Child>,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Pebble {
    /// Starts an authority that checks names at `tls_port`. Its certificates are valid for `validity`. It does not issue
    /// one for `blocked.example`.
    pub(crate) fn started(tls_port: u16, validity: Duration) -> Self {
        let mut pebble = Self::stopped(tls_port, validity);
        pebble.start();
        pebble
    }

    /// The same, not yet started.
    pub(crate) fn stopped(tls_port: u16, validity: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let root = certificate_of_its_own(directory.path());
        let directory_url = format!("https://localhost:{}/dir", ports[0]);
        Self { directory_url, root, directory, ports, tls_port, validity, children: vec![] }
    }

    pub(crate) fn start(&mut self) {
        let (path, [listen, management, dns, dns_management]) = (self.directory.path(), self.ports);
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": path.join("pebble.pem"),
            "privateKey": path.join("pebble.key"),
            "httpPort": 1,
            "tlsPort": self.tls_port,
            "domainBlocklist": ["blocked.example"],
            "retryAfter": { "authz": 1, "order": 1 },
            "keyAlgorithm": "ecdsa",
            "profiles": { "default": { "description": "", "validityPeriod": self.validity.as_secs() } },
        }});
        fs::write(path.join("config.json"), config.to_string()).unwrap();
        let mut names = Command::new(program("pebble-challtestsrv"));
        names.args(["-dnsserver", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{dns_management}")]);
        names.args(["-http01", "", "-https01", "", "-doh", "", "-tlsalpn01", "", "-defaultIPv6", ""]);
        let mut pebble = Command::new(program("pebble"));
        pebble.arg("-config").arg(path.join("config.json")).args([
            "-strict",
            "-dnsserver",
            &format!("127.0.0.1:{dns}"),
        ]);
        // Without a pause before each check, and without the refusals of good nonces.
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0").env_remove("PEBBLE_VA_ALWAYS_VALID");
        for command in [&mut names, &mut pebble] {
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            self.children.push(child.unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program())));
        }
        let deadline = Instant::now() + START_TIME_MAX;
        for port in [listen, dns_management] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < deadline, "pebble does not listen on {port}");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Ends it. Nobody answers under its URL then.
    pub(crate) fn stop(&mut self) {
        for mut child in self.children.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a root, and a certificate of it for localhost. Returns the file of the root.
fn certificate_of_its_own(directory: &Path) -> PathBuf {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=root \
                  -keyout root.key -out root.pem && \
                  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=pebble \
                  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                  -CA root.pem -CAkey root.key -keyout pebble.key -out pebble.pem";
    let made = Command::new("sh").args(["-c", script]).current_dir(directory).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    directory.join("root.pem")
}

/// Where `cargo xtask` has put the program, or where Go puts it.
fn program(name: &str) -> PathBuf {
    let parts = env::var_os("FANFARE_TEST_PARTS").map(|parts| PathBuf::from(parts).join("go/bin"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/parts/go/bin");
    let installed = env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    let found = [parts, Some(here), installed].into_iter().flatten().map(|directory| directory.join(name));
    found.into_iter().find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("{name} is not installed: `cargo xtask test` installs it, and so does `go install github.com/letsencrypt/pebble/v2/cmd/{name}@v2.10.3`")
    })
}
