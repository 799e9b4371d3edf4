//! Who may do what, with the real binary: tokens that openssl's keys sign, keys of publishers, keys behind an address, and an
//! application that decides.

mod application;
mod explain;
mod jwks;
mod publishers;
mod reload;
mod secrets;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
};

use support::{PATIENCE, fanfare, run, server::Server};
use tempfile::TempDir;

/// A secret that is long enough for each algorithm.
const SECRET: &str = "s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t";

/// A server with these flags.
fn served(flags: &[&str]) -> Server {
    Server::started(fanfare().args(["serve", "--listen=127.0.0.1:0", "--shards=1"]).args(flags))
}

/// The key of HS256, as a flag.
fn hs256() -> String {
    format!("--token-key=HS256:{SECRET}")
}

/// A token of HS256 with these flags of `fanfare token mint`.
fn token(flags: &[&str]) -> String {
    mint(&format!("HS256:{SECRET}"), flags)
}

fn mint(key: &str, flags: &[&str]) -> String {
    let (code, text) = run(fanfare().args(["token", "mint"]).env("FANFARE_TOKEN_KEY", key).args(flags));
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains('\n') && text.split('.').count() == 3, "{text}");
    text
}

/// The status of an answer, whose body may have no end.
fn status(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {line:?}")).parse().unwrap()
}

/// The status of a stream of this channel.
fn read(server: &Server, channel: &str, token: Option<&str>) -> u16 {
    ask(server, "GET", channel, token)
}

/// The status of a publish to this channel.
fn publish(server: &Server, channel: &str, token: Option<&str>) -> u16 {
    ask(server, "POST", channel, token)
}

fn ask(server: &Server, method: &str, channel: &str, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    status(server, method, &format!("/channels/{channel}"), &headers)
}

/// Pairs of keys that openssl makes.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Makes a pair with these flags of `openssl genpkey`. Returns the paths of the private key and of the public one.
    fn pair(&self, name: &str, flags: &str) -> [String; 2] {
        let [private, public] = ["private", "public"].map(|kind| self.path(&format!("{name}-{kind}.pem")));
        let script =
            format!("openssl genpkey {flags} -out {private} 2>&1 && openssl pkey -in {private} -pubout -out {public}");
        shell(&script);
        [private, public]
    }

    /// The JWK of a public key of Ed25519.
    fn jwk(&self, kid: &str, public: &str) -> String {
        let x = shell(&format!(
            "openssl pkey -pubin -in {public} -outform DER | tail -c 32 | openssl base64 -A | tr '+/' '-_' | tr -d '='"
        ));
        format!(r#"{{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"{kid}","x":"{}"}}"#, x.trim())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Writes a file as a whole, so that nobody reads half of it.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        let next = format!("{path}.next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &path).unwrap();
        path
    }
}

const ED25519: &str = "-algorithm ED25519";

fn shell(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command whose standard input is this text.
fn run_with_input(command: &mut Command, input: &str) -> (i32, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), input).unwrap();
    let mut process = support::Process::start_with_input(command, std::fs::File::open(Path::new(file.path())).unwrap());
    let lines = process.remaining_lines();
    (process.exit().code().expect("no signal"), lines.join("\n"))
}
