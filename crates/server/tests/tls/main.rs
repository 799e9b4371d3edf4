//! https with the real binary: certificates from files, by ACME and for development, and clients that curl, openssl and
//! the command itself are.

mod acme;
mod authority;
mod clients;
mod development;
mod listeners;
mod openssl;
mod redirect;
mod reload;
mod start;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Stdio};

use support::{Process, fanfare};

/// A server that speaks https.
struct Secure {
    process: Process,
    /// The URL of plain HTTP, if it is spoken.
    plain: Option<String>,
    port: u16,
}

impl Secure {
    /// Starts a server with two listeners.
    fn started(flags: &[&str]) -> Self {
        let mut command = fanfare();
        command.args(["serve", "--listen=127.0.0.1:0", "--listen-tls=127.0.0.1:0"]).args(flags);
        let mut process = Process::start(&mut command);
        let plain = process.url();
        assert!(plain.starts_with("http://"), "{plain}");
        let port = port(&mut process);
        Self { process, plain: Some(plain), port }
    }

    /// The https URL with the name `host`.
    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// The arguments with which curl finds `host` here.
    fn resolved(&self, host: &str) -> [String; 2] {
        ["--resolve".to_owned(), format!("{host}:{}:127.0.0.1", self.port)]
    }

    /// The first certificate that openssl gets for the name `host`, as PEM.
    fn given(&self, host: &str) -> String {
        given(self.port, host).unwrap_or_else(|output| panic!("no certificate: {output}"))
    }
}

/// The port of https of a server that is about to listen.
fn port(process: &mut Process) -> u16 {
    let line = process.line_with("listening on https://");
    let address = line.split("https://").nth(1).unwrap().split_whitespace().next().unwrap();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// The certificate that the server at `port` gives for `host`, or what openssl says instead.
fn given(port: u16, host: &str) -> Result<String, String> {
    let address = format!("127.0.0.1:{port}");
    let mut openssl = Command::new("timeout");
    openssl.args(["10", "openssl", "s_client", "-connect", &address, "-servername", host]).stdin(Stdio::null());
    let output = openssl.output().expect("openssl; `cargo xtask test` installs it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = text.find("-----BEGIN").ok_or_else(|| format!("{text}{}", String::from_utf8_lossy(&output.stderr)))?;
    let end = text[begin..].find("-----END").ok_or("it has no end")?;
    Ok(body(&text[begin..begin + end]))
}

/// The base64 of a certificate alone.
fn body(pem: &str) -> String {
    let lines = pem.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    lines.take_while(|line| !line.starts_with("-----END")).collect()
}
