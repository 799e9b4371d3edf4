//! [`Authority`]: a certificate authority of the tests, and files with what it issues.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tempfile::TempDir;

/// The number of authorities so far.
static MADE: AtomicU32 = AtomicU32::new(0);

/// An authority with a name of its own, and a directory for files.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: TempDir,
}

/// A certificate with its key, as PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        // Only the number counts, and no other memory hangs on it.
        let name = format!("authority {} of the tests", MADE.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), directory }
    }

    /// The path of a file of the directory.
    pub(crate) fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The file with its certificate.
    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem")
    }

    /// Issues a certificate that servers and clients may use.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_as(params(names))
    }

    /// Issues one that ended long ago.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Issued {
        self.issue_for(names, [2020, 2021])
    }

    /// Issues one that is not valid yet.
    pub(crate) fn issue_early(&self, names: &[&str]) -> Issued {
        self.issue_for(names, [2999, 3000])
    }

    fn issue_for(&self, names: &[&str], years: [i32; 2]) -> Issued {
        let mut params = params(names);
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        self.issue_as(params)
    }

    fn issue_as(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { chain, key: key.serialize_pem() }
    }

    /// Writes `NAME.pem` and `NAME.key`. Returns the two flags for them.
    pub(crate) fn write(&self, name: &str, issued: &Issued) -> [String; 2] {
        let (chain, key) = (format!("{name}.pem"), format!("{name}.key"));
        self.replace(&chain, &issued.chain);
        self.replace(&key, &issued.key);
        [format!("--tls-cert={}", self.path(&chain)), format!("--tls-key={}", self.path(&key))]
    }

    /// Puts a file into its place as a whole, as certbot does.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let beside = self.file(&format!("{name}.new"));
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.file(name)).unwrap();
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "issued");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}
