//! [`Tls`]: a certificate authority of the test's own, and a server certificate for localhost and 127.0.0.1.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Files of a certificate; they are gone when this is dropped.
pub(crate) struct Tls(TempDir);

impl Tls {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let tls = Self(tempfile::tempdir().unwrap());
        // The system's own configuration would add extensions that contradict these.
        fs::write(tls.path("openssl.cnf"), "[req]\ndistinguished_name = name\n[name]\n").unwrap();
        tls.certificate("ca", "/CN=Authority of a test", "basicConstraints=critical,CA:TRUE", &[]);
        let signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
        tls.certificate("server", "/CN=localhost", "basicConstraints=critical,CA:FALSE", &signed);
        tls
    }

    #[track_caller]
    fn certificate(&self, name: &str, subject: &str, extension: &str, more: &[&str]) {
        let mut command = Command::new("openssl");
        command.current_dir(self.0.path()).args(["req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
        command.args(["-subj", subject, "-addext", extension]).args(more);
        let output = command.output();
        let output = output.unwrap_or_else(|error| panic!("openssl: {error}; `cargo xtask test` installs it"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The certificate of the authority, for clients to trust: SSL_CERT_FILE.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// Arguments of redis-server, except its port.
    pub(crate) fn args(&self) -> Vec<String> {
        let file = |name: &str| self.path(name).to_str().expect("UTF-8").to_owned();
        let files = ["--tls-cert-file", &file("server.crt"), "--tls-key-file", &file("server.key")].map(str::to_owned);
        let authority = ["--tls-ca-cert-file", &file("ca.crt"), "--tls-auth-clients", "no"].map(str::to_owned);
        [files, authority].concat()
    }

    /// The answer of `redis-cli` to one command over TLS, and what it complains of.
    pub(crate) fn redis_cli(&self, port: u16, ca: &Path, command: &[&str]) -> (String, String) {
        let mut cli = Command::new("redis-cli");
        cli.args(["--tls", "--cacert"]).arg(ca).args(["-h", "localhost", "-p", &port.to_string()]).args(command);
        let output = cli.output().unwrap_or_else(|error| panic!("redis-cli: {error}; `cargo xtask test` installs it"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (text(&output.stdout), text(&output.stderr))
    }
}
