//! Certificates for a test: an authority, one that signed nothing, and a server's for `localhost` alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The certificates and keys, in a directory that goes with this.
pub(crate) struct Certificates {
    pub(crate) directory: TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The system's own configuration would add extensions that contradict these.
        fs::write(directory.path().join("openssl.cnf"), "[req]\ndistinguished_name = name\n[name]\n").unwrap();
        for name in ["authority", "other"] {
            let extension = "basicConstraints=critical,CA:TRUE";
            certificate(directory.path(), name, &["-subj", &format!("/CN={name}"), "-addext", extension]);
        }
        let signed = ["-CA", "authority.crt", "-CAkey", "authority.key", "-subj", "/CN=localhost", "-addext"];
        let extensions = ["basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost"];
        certificate(directory.path(), "server", &[&signed[..], &extensions].concat());
        Self { directory }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}

fn certificate(directory: &Path, name: &str, more: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(directory).args(["req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"]);
    command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]).args(more);
    let output = command.output().unwrap_or_else(|error| panic!("openssl: {error}; `cargo xtask test` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
