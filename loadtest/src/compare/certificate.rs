//! [`Certificate`]: the certificate of the servers that are started here over TLS, and the authority that signed it.
//!
//! ECDSA on P-256, as most sites have it. It is made by openssl, once for a comparison, and gone with it.

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Without it openssl would read the system's own file, whose extensions contradict these.
const CONFIGURATION: &str = "[req]\ndistinguished_name = name\n[name]\n";

/// The reason why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("cannot make a directory for certificates: {0}")]
    Directory(#[source] io::Error),
    #[error("cannot start openssl, which makes the certificates ({0}): install it, or leave out the cases with TLS")]
    Start(#[source] io::Error),
    #[error("openssl made no certificate: {0}")]
    Refused(String),
}

/// A certificate for this machine's loopback, made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Certificate(OnceCell<TempDir>);

/// The files, in PEM.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    pub(crate) fn files(&self) -> Result<Files, CertificateError> {
        let directory = match self.0.get() {
            Some(directory) => directory,
            None => {
                let made = make()?;
                self.0.get_or_init(|| made)
            }
        };
        let [authority, certificate, key] =
            ["authority.crt", "server.crt", "server.key"].map(|name| directory.path().join(name));
        Ok(Files { authority, certificate, key })
    }
}

fn make() -> Result<TempDir, CertificateError> {
    let directory = tempfile::Builder::new().prefix("fanfare-certificate-").tempdir();
    let directory = directory.map_err(CertificateError::Directory)?;
    std::fs::write(directory.path().join("openssl.cnf"), CONFIGURATION).map_err(CertificateError::Directory)?;
    let authority = ["-subj", "/CN=fanfare-loadtest", "-addext", "basicConstraints=critical,CA:TRUE"];
    sign(directory.path(), "authority", &authority)?;
    let server = [
        "-CA",
        "authority.crt",
        "-CAkey",
        "authority.key",
        "-subj",
        "/CN=localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ];
    sign(directory.path(), "server", &server)?;
    Ok(directory)
}

fn sign(directory: &Path, name: &str, more: &[&str]) -> Result<(), CertificateError> {
    let mut command = Command::new("openssl");
    command.current_dir(directory).args(["req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"]);
    command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]).args(more);
    let output = command.stdin(Stdio::null()).output().map_err(CertificateError::Start)?;
    if output.status.success() {
        return Ok(());
    }
    Err(CertificateError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_made_once_and_gone_with_the_certificate() {
        let certificate = Certificate::default();
        let files = certificate.files().unwrap();
        let read = |file: &Path| std::fs::read_to_string(file).unwrap();
        let first = read(&files.certificate);
        assert!(first.starts_with("-----BEGIN CERTIFICATE-----") && first != read(&files.authority));
        assert!(read(&files.key).contains("PRIVATE KEY"));
        assert_eq!(read(&certificate.files().unwrap().certificate), first);
        drop(certificate);
        assert!(!files.key.exists());
    }
}
