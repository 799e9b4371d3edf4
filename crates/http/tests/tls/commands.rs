//! curl and openssl read streams over TLS.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
};

use crate::support::{
    PATIENCE,
    server::{Server, Way},
    tls::{Authority, Secure},
};

/// The output of a command, line by line. The command is killed at the end of its test, or when patience is over.
struct Lines {
    _until: Sender<()>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    _stdin: Option<std::process::ChildStdin>,
}

impl Lines {
    fn of(program: &str, arguments: &[&str], input: &str) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child: Child = command.spawn().unwrap_or_else(|error| {
            panic!("these tests need `{program}` of the Debian package {program} (cargo xtask parts): {error}")
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
        let (until, is_over) = channel();
        thread::spawn(move || {
            let _ = is_over.recv_timeout(PATIENCE);
            child.kill().and_then(|()| child.wait())
        });
        Self { _until: until, lines, _stdin: Some(stdin) }
    }

    #[track_caller]
    fn until(&mut self, end: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            let is_end = line == end;
            seen.push(line);
            if is_end {
                return seen;
            }
        }
        panic!("{end:?} did not come: {seen:?}")
    }
}

fn publish(server: &Server, authority: &Authority) {
    let mut publisher = Secure::open(server.address, &Arc::new(authority.client()));
    publisher.send("POST /broadcast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    publisher.until("\r\n\r\n");
}

#[test]
fn curl_reads_a_stream_over_both_versions_of_http_and_tls() {
    let authority = Authority::new();
    let file = authority.file("curl");
    for version in ["--http1.1", "--http2"] {
        for tls in ["--tlsv1.3", "--tls-max=1.2"] {
            let server = Server::secure(Way::Socket, authority.acceptor());
            let url = format!("https://localhost:{}/sse?channel=a", server.address.port());
            let resolve = format!("localhost:{}:127.0.0.1", server.address.port());
            // curl wants `--tls-max 1.2` as two words.
            let tls: Vec<&str> = tls.split('=').collect();
            let arguments =
                [&["-sNi", version, "--resolve", &resolve, "--cacert", file.to_str().unwrap()], &tls[..], &[&url]];
            let mut curl = Lines::of("curl", &arguments.concat(), "");
            let status = curl.until("").swap_remove(0);
            assert!(status.starts_with(if version == "--http2" { "HTTP/2 200" } else { "HTTP/1.1 200" }), "{status}");
            publish(&server, &authority);
            curl.until("data: hello");
        }
    }
}

#[test]
fn openssl_reads_a_stream_with_each_version() {
    let authority = Authority::new();
    let file = authority.file("openssl");
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Server::secure(Way::Socket, authority.acceptor());
        let address = server.address.to_string();
        let arguments = [
            ["s_client", "-quiet", "-verify_return_error"].as_slice(),
            &["-servername", "localhost", "-connect", &address, version, "-CAfile", file.to_str().unwrap()],
        ];
        let request = "GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut openssl = Lines::of("openssl", &arguments.concat(), request);
        openssl.until("");
        publish(&server, &authority);
        openssl.until("data: hello");
    }
}
