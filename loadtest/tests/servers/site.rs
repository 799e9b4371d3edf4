//! The real Fanfare, alone or behind nginx with TLS, and a relay that counts connections.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::certificates::Certificates;

/// A program that is killed when this is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself. Then there is nothing to end.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Program {
    /// Starts it and gives the first line on its standard error that `found` finds something in.
    fn start<T>(command: &mut Command, found: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let program = command.get_program().to_owned();
        let spawned = command.stderr(Stdio::piped()).spawn();
        let mut child = Self(spawned.unwrap_or_else(|error| panic!("{}: {error}", program.display())));
        let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let found = lines.find_map(|line| {
            said.push(line);
            found(said.last().unwrap())
        });
        let found = found.unwrap_or_else(|| panic!("{}: {said:?}", program.display()));
        // Read on, so that the program never waits for its log.
        std::thread::spawn(move || lines.for_each(drop));
        (child, found)
    }
}

/// Fanfare on a free port.
pub(crate) struct Fanfare {
    _program: Program,
    pub(crate) address: SocketAddr,
}

impl Fanfare {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(fanfare());
        let (program, address) = Program::start(command.args(["serve", "--listen", "127.0.0.1:0"]), |line| {
            let (_, rest) = line.split_once("listening on http://")?;
            rest.split(' ').next()?.parse().ok()
        });
        Self { _program: program, address }
    }
}

/// The server beside the load generator. A test run of the whole workspace has built it.
fn fanfare() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_fanfare-loadtest")).with_file_name("fanfare");
    if !program.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--offline", "--quiet", "-p", "fanfare", "--target-dir"]);
        let target = program.ancestors().nth(2).unwrap();
        assert!(cargo.arg(target).status().unwrap().success(), "fanfare could not be built");
    }
    program
}

/// nginx with TLS in front of a server, for `localhost` alone, and the authority that its certificate is from.
pub(crate) struct Front {
    _program: Program,
    certificates: Certificates,
    /// The address with HTTP/1.1 and HTTP/2.
    pub(crate) both: SocketAddr,
    /// The address with HTTP/1.1 alone.
    pub(crate) old: SocketAddr,
    /// The address with both, where every connection ends after ten requests.
    pub(crate) tired: SocketAddr,
}

impl Front {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let certificates = Certificates::make();
        let directory = certificates.directory.path();
        loop {
            // nginx cannot say which port it took: it gets three that are free now.
            let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
            let [both, old, tired] = free.map(|listener| listener.local_addr().unwrap());
            let file = directory.join("nginx.conf");
            fs::write(&file, configuration(directory, server, [both, old, tired])).unwrap();
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(directory).arg("-c").arg(&file).args(["-e", "stderr"]);
            let (program, is_there) = Program::start(&mut command, |line| {
                let is_taken = line.contains("Address already in use");
                // It says the limit of its files once it listens.
                (is_taken || line.contains("getrlimit")).then_some(!is_taken)
            });
            if is_there {
                return Self { _program: program, certificates, both, old, tired };
            }
        }
    }

    /// The certificate of the authority that signed the server's, and of one that did not.
    pub(crate) fn authority(&self) -> String {
        self.certificates.file("authority.crt")
    }

    pub(crate) fn other_authority(&self) -> String {
        self.certificates.file("other.crt")
    }

    /// A file without a certificate.
    pub(crate) fn no_authority(&self) -> String {
        self.certificates.file("nginx.conf")
    }
}

fn configuration(directory: &Path, server: SocketAddr, [both, old, tired]: [SocketAddr; 3]) -> String {
    let directory = directory.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path \"{directory}/{name}\";\n"))
        .concat();
    let front = |listen: String| {
        format!(
            "server {{ listen {listen}; location / {{ proxy_pass http://{server}; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; proxy_set_header Host $http_host; proxy_buffering off; }} }}\n"
        )
    };
    let fronts =
        [format!("{both} ssl http2"), format!("{old} ssl"), format!("{tired} ssl http2; keepalive_requests 10")]
            .map(front)
            .concat();
    format!(
        "daemon off; master_process off; pid \"{directory}/pid\"; error_log stderr notice;\n\
         events {{ worker_connections 1000; }}\n\
         http {{\naccess_log off; {temporary}\
         ssl_certificate \"{directory}/server.crt\"; ssl_certificate_key \"{directory}/server.key\";\n{fronts}}}\n"
    )
}

/// Passes connections on to a server and counts them. Lasts as long as the test's process.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicU32>,
}

impl Relay {
    pub(crate) fn start(server: SocketAddr) -> Self {
        Self::start_for(server, u32::MAX)
    }

    /// So many connections are passed on, and later ones closed.
    pub(crate) fn start_for(server: SocketAddr, connections_max: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, accepted) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&accepted);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if counted.fetch_add(1, Relaxed) >= connections_max {
                    continue;
                }
                let server = TcpStream::connect(server).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    to.set_nodelay(true).unwrap();
                    // However one side ends, the other is told.
                    std::thread::spawn(move || {
                        io::copy(&mut from, &mut to).map_or_else(drop, drop);
                        to.shutdown(Shutdown::Both).map_or_else(drop, drop);
                    });
                }
            }
        });
        Self { address, accepted }
    }

    pub(crate) fn accepted(&self) -> u32 {
        self.accepted.load(Relaxed)
    }
}
