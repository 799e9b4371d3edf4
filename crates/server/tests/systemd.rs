//! What systemd gives a service and what it is told: sockets that are open already, and states by `sd_notify(3)`.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs,
    net::TcpListener,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::{Command, Stdio, id},
    thread,
};

use support::{PATIENCE, Process, curl, curl_once, ended_within, fanfare, run, settings::File, until, wire::Requests};
use tempfile::TempDir;

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _directory: TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path, _directory: directory }
    }

    /// The next message, without those of the watchdog.
    fn told(&self) -> Vec<String> {
        loop {
            let mut bytes = [0; 4_096];
            let length = self.socket.recv(&mut bytes).expect("a message");
            let text = str::from_utf8(&bytes[..length]).unwrap();
            if text != "WATCHDOG=1\n" {
                return text.lines().map(str::to_owned).collect();
            }
        }
    }

    /// Waits for `count` signs of life in a row.
    fn alive(&self, count: usize) {
        for _ in 0..count {
            let mut bytes = [0; 4_096];
            let length = self.socket.recv(&mut bytes).expect("a message");
            assert_eq!(&bytes[..length], b"WATCHDOG=1\n");
        }
    }
}

#[test]
fn a_manager_is_told_that_the_server_serves_reloads_and_ends() {
    let manager = Manager::new();
    let file = File::new("log = 'info'");
    let mut command = file.command();
    let mut server = Process::start(command.args(["--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &manager.path));
    let url = server.url();
    assert_eq!(manager.told(), ["READY=1".to_owned(), format!("STATUS=serving on {url}")]);
    assert_eq!(curl_once(&[&format!("{url}/readyz")]).trim(), "ready");

    for (text, status) in [
        ("log = 'warn'", "changed: log"),
        ("log = 'loud'", "nothing has changed: "),
        ("log = 'warn'\nheartbeat = '3s'", "no setting has changed; needs a restart: heartbeat"),
    ] {
        fs::write(&file.path, text).unwrap();
        server.signal("HUP");
        let told = manager.told();
        let [reloading, time] = &told[..] else { panic!("{told:?}") };
        assert_eq!(reloading, "RELOADING=1");
        let us: u64 = time.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        assert!(us > 0 && us as f64 / 1e6 < uptime + 1.0, "{us} {uptime}");
        let told = manager.told();
        assert!(told[0] == "READY=1" && told[1].starts_with(&format!("STATUS=reload: {status}")), "{told:?}");
    }

    let stream = curl(&[&format!("{url}/sse")]);
    server.signal("TERM");
    assert_eq!(manager.told(), ["STOPPING=1", "STATUS=draining"]);
    // It is about to end, whatever else it is asked.
    server.signal("HUP");
    drop(stream);
    assert_eq!(server.exit().code(), Some(0));
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "nothing comes behind the end");
}

#[test]
fn a_manager_that_asks_for_signs_of_life_gets_them_also_during_a_drain() {
    let manager = Manager::new();
    let watchdog = |server: &mut Command| {
        server.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "100000");
    };
    let mut command = fanfare();
    watchdog(command.args(["serve", "--listen", "127.0.0.1:0", "--drain-delay", "1h"]));
    let mut server = Process::start(&mut command);
    server.url();
    assert_eq!(manager.told()[0], "READY=1");
    manager.alive(3);
    server.signal("TERM");
    assert_eq!(manager.told()[0], "STOPPING=1");
    manager.alive(3);
    drop(server);

    // Meant for another process, as systemd says with this variable.
    let mut command = fanfare();
    watchdog(command.args(["serve", "--listen", "127.0.0.1:0"]).env("WATCHDOG_PID", "1"));
    while manager.socket.set_nonblocking(true).is_ok() && manager.socket.recv(&mut [0; 64]).is_ok() {}
    manager.socket.set_nonblocking(false).unwrap();
    let mut server = Process::start(&mut command);
    server.url();
    assert_eq!(manager.told()[0], "READY=1");
    server.signal("TERM");
    let mut bytes = [0; 64];
    let length = manager.socket.recv(&mut bytes).unwrap();
    assert!(bytes[..length].starts_with(b"STOPPING=1\n"), "no sign of life came before");
}

#[test]
fn a_manager_is_told_of_the_process_that_takes_over() {
    let manager = Manager::new();
    let mut command = fanfare();
    // The variables of systemd are about the first process alone.
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &manager.path);
    let mut server = Process::start(&mut command);
    let url = server.url();
    assert_eq!(manager.told()[0], "READY=1");
    let (code, text) = run(fanfare().args(["upgrade", "--pid", &server.id().to_string()]));
    assert_eq!(code, 0, "{text}");
    let told = manager.told();
    let [main] = &told[..] else { panic!("{told:?}") };
    let new = main.strip_prefix("MAINPID=").unwrap().to_owned();
    assert_eq!(manager.told(), ["READY=1".to_owned(), format!("STATUS=serving on {url}")]);
    assert_eq!(server.exit().code(), Some(0));
    // The old one has not said that it stops: the service goes on.
    assert!(Command::new("kill").arg(&new).status().unwrap().success());
    assert_eq!(manager.told()[0], "STOPPING=1");
    until("it has ended", || !fs::exists(format!("/proc/{new}")).unwrap() || zombie(&new));
}

fn zombie(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default().contains("(zombie)")
}

#[test]
fn a_manager_that_cannot_be_reached_stops_nothing() {
    let mut command = fanfare();
    let mut server =
        Process::start(command.args(["serve", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", "/nowhere/notify"));
    let url = server.url();
    server.line_with("systemd is not told of ");
    assert_eq!(curl_once(&[&format!("{url}/healthz")]).trim(), "ok");
}

/// Becomes the server, with sockets from descriptor 3 on. Its first argument has a letter for each: `l` listens, `c` does not, `d` is of
/// datagrams. The second has their names. It prints their ports.
const GIVES: &str = r#"
import os, socket, sys
kinds, names, sockets = sys.argv[1], sys.argv[2], []
for kind in kinds:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "d" else socket.SOCK_STREAM)
    one.bind(("127.0.0.1", 0))
    if kind == "l":
        one.listen(16)
    sockets.append(one)
print("ports", *(one.getsockname()[1] for one in sockets), flush=True)
# Out of the way of the places where they are to be.
high = [os.dup2(one.fileno(), 100 + place) for place, one in enumerate(sockets)]
for place, one in enumerate(high):
    os.dup2(one, 3 + place)
    os.close(one)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(sys.argv[3], sys.argv[3:])
"#;

/// A server that was given sockets of these kinds and names.
fn given(kinds: &str, names: &str, flags: &[&str]) -> Command {
    let mut command = Command::new("python3");
    let environment = fanfare();
    for (name, _) in environment.get_envs() {
        command.env_remove(name);
    }
    command.args(["-c", GIVES, kinds, names, env!("CARGO_BIN_EXE_fanfare"), "serve"]).args(flags);
    command
}

fn ports(server: &mut Process) -> Vec<u16> {
    let line = server.line_with("ports ");
    line.split(' ').skip(1).map(|port| port.parse().unwrap()).collect()
}

#[test]
fn a_socket_that_is_given_is_where_the_server_listens() {
    for (names, flags) in [("", &[][..]), ("http", &[]), ("fanfare.socket", &["--listen=127.0.0.1:0"])] {
        let mut server = Process::start(&mut given("l", names, flags));
        let ports = ports(&mut server);
        assert_eq!(server.url(), format!("http://127.0.0.1:{}", ports[0]), "{names}");
        assert_eq!(curl_once(&[&format!("http://127.0.0.1:{}/healthz", ports[0])]).trim(), "ok");
        server.signal("TERM");
        assert_eq!(server.exit().code(), Some(0));
    }
}

#[test]
fn sockets_have_their_names_whatever_their_order() {
    for (names, plain, secure) in [("", 0, 1), ("http:https", 0, 1), ("https:http", 1, 0)] {
        let mut server = Process::start(&mut given("ll", names, &["--tls-self-signed"]));
        let ports = ports(&mut server);
        server.line_with(&format!("listening on https://127.0.0.1:{}", ports[secure]));
        assert_eq!(curl_once(&[&format!("http://127.0.0.1:{}/healthz", ports[plain])]).trim(), "ok");
        assert_eq!(curl_once(&["-k", &format!("https://127.0.0.1:{}/healthz", ports[secure])]).trim(), "ok");
    }
}

#[test]
fn connections_that_came_before_the_server_are_served() {
    let mut command = given("l", "", &[]);
    let mut server = Process::start(&mut command);
    let port = ports(&mut server)[0];
    // The process may not have become the server yet.
    let mut early = Requests::open(([127, 0, 0, 1], port).into()).unwrap();
    assert_eq!(early.get("/healthz").unwrap().status, 200);
}

#[test]
fn sockets_that_do_not_fit_are_told_and_end_the_server() {
    for (kinds, names, flags, said) in [
        ("l", "", &["--listen=127.0.0.1:1"][..], "--listen says 127.0.0.1:1: leave --listen out"),
        ("l", "", &["--listen=0.0.0.0:0", "--allow-anonymous-publish"], "--listen says 0.0.0.0:0"),
        ("l", "http", &["--listen=off", "--tls-self-signed"], "is given for --listen, and it is off"),
        ("l", "https", &[], "is given for --listen-tls, and there is no certificate"),
        ("ll", "", &[], "is given for --listen-tls, and there is no certificate"),
        ("lll", "", &["--tls-self-signed"], "systemd gives 3 sockets"),
        ("ll", "http:http", &[], "systemd gives 2 sockets"),
        ("l", "metrics", &[], "`metrics`: FileDescriptorName= must be http, https or admin"),
        ("c", "", &[], "it does not listen; use ListenStream="),
        ("d", "", &[], "is not a valid tcp socket"),
    ] {
        let (code, text) = run(&mut given(kinds, names, flags));
        assert!(code == 2 && text.contains(said), "{kinds} {names} {flags:?}: {text}");
    }
}

#[test]
fn the_admin_listener_may_have_a_socket_too() {
    let mut server = Process::start(&mut given("ll", "http:admin", &[]));
    let ports = ports(&mut server);
    server.line_with(&format!("for operators: http://127.0.0.1:{}", ports[1]));
    assert_eq!(curl_once(&[&format!("http://127.0.0.1:{}/healthz", ports[1])]).trim(), "ok");
}

#[test]
fn an_address_that_others_can_reach_needs_a_key_also_if_its_socket_is_given() {
    let anywhere = GIVES.replace(r#"("127.0.0.1", 0)"#, r#"("0.0.0.0", 0)"#);
    let mut command = Command::new("python3");
    command.args(["-c", &anywhere, "l", "", env!("CARGO_BIN_EXE_fanfare"), "serve"]);
    let (code, text) = run(&mut command);
    assert!(code == 2 && text.contains("anybody could publish there"), "{text}");
}

#[test]
fn sockets_of_another_process_are_left_alone() {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0"]).envs([("LISTEN_FDS", "1"), ("LISTEN_PID", "1")]);
    let mut server = Process::start(&mut command);
    let url = server.url();
    assert_eq!(curl_once(&[&format!("{url}/healthz")]).trim(), "ok");
}

#[test]
fn systemd_s_own_program_starts_it_at_the_first_connection() {
    // An address of this test alone, so that its port is free.
    let [high, low] = [id() >> 8 & 0x7f, id() & 0xff];
    let address = format!("127.{}.{high}.{low}:3000", 77);
    drop(TcpListener::bind(&address).unwrap());
    let mut command = Command::new("systemd-socket-activate");
    command.args(["--listen", &address, "--fdname=http", env!("CARGO_BIN_EXE_fanfare"), "serve"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{error}; `cargo xtask test` installs the package systemd"));
    until("it listens", || std::net::TcpStream::connect(&address).is_ok());
    let asking = thread::spawn(move || curl_once(&[&format!("http://{address}/healthz")]));
    assert_eq!(asking.join().unwrap().trim(), "ok");
    // The process is the server by now.
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(ended_within(&mut child, PATIENCE).is_some_and(|status| status.success()));
}
