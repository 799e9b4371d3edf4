//! The command `openssl` on the other side of our records, with every suite.

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

use support::{Ours, SUITES, certificate, client_config, server_config};

/// Nobody may wait for longer.
const TIME_MAX: Duration = Duration::from_secs(20);

/// A running command, which is killed at the end of its test, or when the time is over.
struct Openssl {
    _until: Sender<()>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Openssl {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().expect("these tests need `openssl` of the Debian package openssl: cargo xtask parts");
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (until, is_over) = channel();
        thread::spawn(move || {
            let _ = is_over.recv_timeout(TIME_MAX);
            child.kill().and_then(|()| child.wait())
        });
        Self { _until: until, stdin, stdout }
    }

    fn says(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hears(&mut self, line: &str) {
        let (mut heard, end) = (String::new(), format!("{line}\n"));
        while !heard.ends_with(&end) {
            assert!(self.stdout.read_line(&mut heard).unwrap() > 0, "{line} did not come: {heard}");
        }
    }
}

/// Both sides talk, and go on with new keys, each by itself and each because it was asked.
fn talk(ours: &mut Ours, openssl: &mut Openssl) {
    ours.send(&[b"one\n"]);
    openssl.hears("one");
    openssl.says("two");
    assert_eq!(ours.receive_bytes(4), b"two\n");
    for (update, updates_seen) in [("k", 1), ("K", 2)] {
        // With `K` the other side is asked to do the same. Only what the command reads by itself is an order.
        openssl.says(update);
        ours.receive_update();
        openssl.says("three");
        assert_eq!(ours.receive_bytes(6), b"three\n");
        assert_eq!(ours.updates_seen, updates_seen, "{update}");
        ours.send(&[b"four", b"\n"]);
        openssl.hears("four");
    }
    for is_requested in [false, true] {
        ours.update_key(is_requested);
        ours.send(&[b"five\n"]);
        openssl.hears("five");
    }
    openssl.says("six");
    assert_eq!(ours.receive_bytes(4), b"six\n");
    assert_eq!(ours.updates_seen, 3, "openssl did as it was asked");
    let long = vec![b'x'; 50_000];
    ours.send(&[&long, b"\n"]);
    openssl.hears(std::str::from_utf8(&long).unwrap());
}

#[test]
fn s_client_reads_and_writes_and_updates_keys_both_ways() {
    for (suite, name) in SUITES {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut openssl = Openssl::start(&["s_client", "-connect", &address, "-tls1_3", "-ciphersuites", name]);
        let socket = listener.accept().unwrap().0;
        let mut ours = Ours::server(socket, server_config(suite, &certificate()));
        talk(&mut ours, &mut openssl);
        ours.close();
        let mut rest = String::new();
        openssl.stdout.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("closed\n"), "{rest}");
    }
}

#[test]
fn s_server_reads_and_writes_and_updates_keys_both_ways() {
    for (suite, name) in SUITES {
        let made = certificate();
        let pem = std::env::temp_dir().join(format!("fanfare-records-{}-{name}.pem", std::process::id()));
        std::fs::write(&pem, made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
        // Nobody else gets the port between the two: the kernel gives others before it comes back to this one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let path = pem.to_str().unwrap();
        let mut openssl = Openssl::start(&[
            "s_server",
            "-accept",
            &address,
            "-tls1_3",
            "-ciphersuites",
            name,
            "-cert",
            path,
            "-key",
            path,
        ]);
        let begun = Instant::now();
        let socket = loop {
            match TcpStream::connect(&address) {
                Ok(socket) => break socket,
                Err(error) => assert!(begun.elapsed() < TIME_MAX, "{error}"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        std::fs::remove_file(&pem).unwrap();
        let mut ours = Ours::client(socket, client_config(suite, &made));
        talk(&mut ours, &mut openssl);
    }
}
