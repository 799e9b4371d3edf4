//! [`Cache`]: the directory of `--acme-cache`, with the account, the certificates, and the attempts that failed. A restart
//! goes on with them, so it asks the authority for nothing that it already has.
//!
//! Everything is for the owner alone (0700 and 0600), and each file comes to its place as a whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use fanfare_http::{Pem, TlsCertificate, TlsPair};
use instant_acme::AccountCredentials;
use serde::{Serialize, de::DeserializeOwned};
use tracing::warn;
use url::Url;

use super::pace::Failures;

const ACCOUNT: &str = "account.json";

/// The files of one certificate authority.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    directory: PathBuf,
}

/// A certificate from the cache.
pub(super) struct Kept {
    pub(super) certificate: TlsCertificate,
    /// The time at which it was issued, by the clock of this machine.
    pub(super) since: SystemTime,
}

impl Cache {
    /// Makes the directory for the authority `url` below `root`, and tries whether it can be written to.
    ///
    /// # Errors
    /// A sentence with the directory.
    pub(super) fn open(root: &Path, url: &Url) -> Result<Self, String> {
        // Accounts of one authority are worth nothing to another.
        let authority = url.host_str().unwrap_or("authority").replace([':', '[', ']'], "");
        let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
        let cache = Self { directory: root.join(format!("{authority}{port}")) };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&cache.directory);
        let tried = made.and_then(|()| cache.write("tried", b"")).and_then(|()| fs::remove_file(cache.path("tried")));
        tried.map_err(|error| format!("cannot write to {}: {error}", cache.directory.display()))?;
        Ok(cache)
    }

    pub(super) fn account(&self) -> Option<AccountCredentials> {
        self.read_json(ACCOUNT)
    }

    pub(super) fn keep_account(&self, account: &AccountCredentials) -> Result<(), String> {
        self.write_json(ACCOUNT, account)
    }

    /// Forgets an account that the authority does not know.
    pub(super) fn forget_account(&self) {
        let _ = fs::remove_file(self.path(ACCOUNT));
    }

    /// The certificate for `domain`, if there is a whole one.
    pub(super) fn certificate(&self, domain: &str) -> Option<Kept> {
        let file = self.path(&pem_file(domain));
        if !file.exists() {
            return None;
        }
        let both = Pem::File(file.clone());
        match (TlsPair { certificate: both.clone(), key: both }).read() {
            Ok(certificate) => {
                let since = fs::metadata(&file).and_then(|metadata| metadata.modified());
                Some(Kept { since: since.unwrap_or(certificate.not_before()), certificate })
            }
            Err(error) => {
                warn!("ACME: {error}; a new certificate is asked for");
                None
            }
        }
    }

    /// Keeps a chain with its key, as PEM.
    pub(super) fn keep_certificate(&self, domain: &str, pem: &str) -> Result<(), String> {
        self.keep(&pem_file(domain), pem.as_bytes())
    }

    pub(super) fn failures(&self, domain: &str) -> Failures {
        self.read_json(&failures_file(domain)).unwrap_or_default()
    }

    /// Keeps the attempts that failed since the last success. A loss of them only makes the next attempt come earlier.
    pub(super) fn keep_failures(&self, domain: &str, failures: &Failures) {
        if failures.count == 0 {
            let _ = fs::remove_file(self.path(&failures_file(domain)));
        } else if let Err(reason) = self.write_json(&failures_file(domain), failures) {
            warn!("ACME: {reason}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, name: &str) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Some((path, bytes)),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    warn!("ACME: cannot read {}: {error}", path.display());
                }
                None
            }
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (path, bytes) = self.read(name)?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                warn!("ACME: {} is damaged and not used: {error}", path.display());
                None
            }
        }
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), String> {
        let json = serde_json::to_vec_pretty(value).map_err(|error| format!("{name} cannot be written: {error}"))?;
        self.keep(name, &json)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.write(name, bytes).map_err(|error| format!("cannot write {}: {error}", self.path(name).display()))
    }

    /// Writes beside the file and renames, so that a crash leaves the old file or the new one.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.path(&format!("{name}.new"));
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, self.path(name))?;
        File::open(&self.directory)?.sync_all()
    }
}

fn pem_file(domain: &str) -> String {
    format!("{domain}.pem")
}

fn failures_file(domain: &str) -> String {
    format!("{domain}.failed.json")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tls::samples::pem;

    fn cache(root: &Path) -> Cache {
        Cache::open(root, &Url::parse("https://acme.example:14000/directory").unwrap()).unwrap()
    }

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_for_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("state/acme");
        let (chain, key) = pem(&["a.example"]);
        let failures = Failures { count: 2, last_unix_s: 7 };
        cache(&home).keep_certificate("a.example", &format!("{chain}{key}")).unwrap();
        cache(&home).keep_failures("a.example", &failures);

        assert_eq!(cache(&home).certificate("a.example").unwrap().certificate.names(), ["a.example"]);
        assert_eq!(cache(&home).failures("a.example"), failures);
        assert!(cache(&home).certificate("b.example").is_none() && cache(&home).account().is_none());
        cache(&home).keep_failures("a.example", &Failures::default());
        assert_eq!(cache(&home).failures("a.example"), Failures::default());

        let mode = |path: &str| fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("acme.example-14000"), mode("acme.example-14000/a.example.pem")), (0o700, 0o600));
        let files = fs::read_dir(home.join("acme.example-14000")).unwrap().count();
        assert_eq!(files, 1, "nothing is left over");
    }

    #[test]
    fn a_damaged_file_is_as_if_it_were_not_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (chain, key) = pem(&["a.example"]);
        cache.keep_certificate("a.example", &format!("{chain}{}", &key[..key.len() / 2])).unwrap();
        cache.keep(ACCOUNT, b"{").unwrap();
        assert!(cache.certificate("a.example").is_none() && cache.account().is_none());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Cache::open(&file, &Url::parse("https://a.example/").unwrap()).unwrap_err();
        assert!(error.starts_with(&format!("cannot write to {}/a.example: ", file.display())), "{error}");
    }
}
