//! [`RedisServer`]: one `redis-server`, or what [`PROGRAM`] names, in a directory of its own, that can be killed, started
//! again and paused.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{PATIENCE, Reply, Session, Tls, free_port, torn_log, until};

/// The path of another server that speaks the protocol: the tests once more with Valkey are `cargo xtask valkey`.
const PROGRAM: &str = "FANFARE_TEST_REDIS_SERVER";

/// A server; it is killed when this is dropped.
pub(crate) struct RedisServer {
    /// `None` after [`kill`](Self::kill).
    child: Option<Child>,
    port: u16,
    tls_port: Option<u16>,
    /// All but the ports.
    args: Vec<String>,
    /// Line of the log of a server that answers.
    ready: &'static str,
    directory: TempDir,
}

/// The server did not get its port; another process was faster.
struct PortTaken;

impl RedisServer {
    /// A server that keeps nothing on disk, unless `args` say otherwise: `["--appendonly", "yes"]`. An argument that is
    /// given twice counts as it is given last.
    #[track_caller]
    pub(crate) fn start(args: &[&str]) -> Self {
        let defaults = ["--save", "", "--appendonly", "no", "--daemonize", "no", "--protected-mode", "no"];
        Self::start_program(&[&defaults, args].concat(), "Ready to accept connections", None, None)
    }

    /// The same, and it also speaks TLS on [`tls_port`](Self::tls_port).
    #[track_caller]
    pub(crate) fn start_tls(tls: &Tls, args: &[&str]) -> Self {
        let defaults = ["--save", "", "--protected-mode", "no"];
        let tls_args = tls.args();
        let tls_args: Vec<&str> = tls_args.iter().map(String::as_str).collect();
        let args = [&defaults, &tls_args[..], args].concat();
        Self::start_program(&args, "Ready to accept connections", None, Some(free_port()))
    }

    /// A sentinel with this configuration file.
    #[track_caller]
    pub(crate) fn start_sentinel(config: &str) -> Self {
        Self::start_program(&["sentinel.conf", "--sentinel"], "Sentinel ID is", Some(config), None)
    }

    /// The same, and it speaks TLS, also with what it watches.
    #[track_caller]
    pub(crate) fn start_sentinel_tls(tls: &Tls, config: &str) -> Self {
        let (tls_args, more) = (tls.args(), ["--tls-replication", "yes"]);
        let tls_args: Vec<&str> = tls_args.iter().map(String::as_str).collect();
        let args = [&["sentinel.conf", "--sentinel"], &tls_args[..], &more].concat();
        Self::start_program(&args, "Sentinel ID is", Some(config), Some(free_port()))
    }

    #[track_caller]
    fn start_program(args: &[&str], ready: &'static str, config: Option<&str>, tls_port: Option<u16>) -> Self {
        // A sentinel syncs its file at each step; on a busy disk it is away for so long that it takes others for dead.
        let memory = config.and_then(|_| tempfile::tempdir_in("/dev/shm").ok());
        let directory = memory.unwrap_or_else(|| tempfile::tempdir().unwrap());
        if let Some(config) = config {
            fs::write(directory.path().join("sentinel.conf"), config).unwrap();
        }
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self { child: None, port: free_port(), tls_port, args, ready, directory };
        while let Err(PortTaken) = server.run() {
            server.port = free_port();
            server.tls_port = server.tls_port.map(|_| free_port());
        }
        server
    }

    /// Waits until it answers, or has no port.
    #[track_caller]
    fn run(&mut self) -> Result<(), PortTaken> {
        let log = self.directory.path().join("log");
        let output = File::create(&log).unwrap();
        let program = program();
        let mut command = Command::new(&program);
        command.current_dir(self.directory.path()).args(&self.args);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        if let Some(port) = self.tls_port {
            command.args(["--tls-port", &port.to_string()]);
        }
        command.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
        let child = command.spawn();
        let child =
            child.unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` installs it", program.display()));
        let child = self.child.insert(child);
        let mut ended = false;
        until("the server answers", || {
            ended = child.try_wait().unwrap().is_some();
            ended || read(&log).contains(self.ready)
        });
        if ended {
            self.child = None;
            let said = read(&log);
            assert!(said.contains("Address already in use"), "the server ended by itself: {said}");
            return Err(PortTaken);
        }
        Ok(())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Only of [`start_tls`](Self::start_tls).
    #[track_caller]
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port.expect("a server with TLS")
    }

    /// `redis://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `rediss://localhost:PORT`
    #[track_caller]
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.tls_port())
    }

    /// Id of the server's process.
    #[track_caller]
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// All that it has printed since it was started last.
    pub(crate) fn log(&self) -> String {
        read(&self.directory.path().join("log"))
    }

    /// Kills it in the middle of whatever it does, and waits for its end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Kills it if it runs, and starts it again with the same port, directory and arguments. Waits until it answers and
    /// has loaded its data.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        torn_log::mend(self.directory.path());
        // A test that looked for a free port may have bound this one for a moment.
        until("it gets its port again", || self.run().is_ok());
    }

    /// The same, and it has forgotten everything; a node of a cluster still knows the others.
    #[track_caller]
    pub(crate) fn restart_empty(&mut self) {
        self.kill();
        for entry in fs::read_dir(self.directory.path()).unwrap().map(Result::unwrap) {
            let is_data = |name: &str| name.ends_with(".rdb") || name.ends_with(".aof");
            if entry.file_type().unwrap().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            } else if entry.file_name().to_str().is_some_and(is_data) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        self.restart();
    }

    /// Counts from the next start on.
    pub(crate) fn set_argument(&mut self, name: &str, value: &str) {
        self.args.extend([name, value].map(str::to_owned));
    }

    /// Stops it where it stands: its connections stay open, and nothing is answered.
    #[track_caller]
    pub(crate) fn pause(&self) {
        self.signal("STOP");
        until("it stands still", || self.state() == Some('T'));
    }

    /// Undoes [`pause`](Self::pause).
    #[track_caller]
    pub(crate) fn resume(&self) {
        self.signal("CONT");
        until("it runs again", || self.state() != Some('T'));
    }

    #[track_caller]
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// The letter after the name, which is in brackets; see proc_pid_stat(5).
    fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        stat.rsplit(") ").next()?.chars().next()
    }

    /// A connection of the test's own, with the password of `--requirepass`.
    #[track_caller]
    pub(crate) fn session(&self) -> Session {
        self.try_session().unwrap()
    }

    fn try_session(&self) -> io::Result<Session> {
        let mut session = Session::connect(self.port, PATIENCE)?;
        if let Some(at) = self.args.iter().rposition(|arg| arg == "--requirepass") {
            session.call(&["AUTH", &self.args[at + 1]])?.ok();
        }
        Ok(session)
    }

    /// Sends one command on a connection of its own. An answer that is an error is returned like others.
    #[track_caller]
    pub(crate) fn call(&self, command: &[&str]) -> Reply {
        self.session().call(command).unwrap()
    }

    /// The same where no connection may come about, or none last.
    pub(crate) fn try_call(&self, command: &[&str]) -> io::Result<Reply> {
        self.try_session()?.call(command)
    }

    /// Sets `maxmemory` and the like while it runs; it is not kept over a restart.
    #[track_caller]
    pub(crate) fn config_set(&self, name: &str, value: &str) {
        self.call(&["CONFIG", "SET", name, value]).ok();
    }

    /// The text of INFO after `name:`.
    #[track_caller]
    pub(crate) fn info(&self, name: &str) -> String {
        let info = self.call(&["INFO", "everything"]).text();
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no {name} in {info}")).to_owned()
    }
}

impl Drop for RedisServer {
    #[allow(clippy::print_stderr, reason = "shown with a test that has failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server on port {}:\n{}", self.port, self.log());
        }
        self.kill();
    }
}

fn program() -> OsString {
    env::var_os(PROGRAM).unwrap_or_else(|| "redis-server".into())
}

fn read(log: &Path) -> String {
    String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned()
}
