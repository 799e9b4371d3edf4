//! [`Cache`]: the directory of `--acme-cache`, with the account, the certificates, and the attempts since. A restart
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
use ring::digest::{SHA256, digest};
use serde::{Serialize, de::DeserializeOwned};
use tracing::warn;
use url::Url;

use super::pace::Failures;

const ACCOUNT: &str = "account.json";
/// The file with a chain and its key, in the directory of their name.
const CERTIFICATE: &str = "certificate.pem";
/// The file with the attempts since the last success, in the directory of a name.
const ATTEMPTS: &str = "attempts.json";
/// Bytes that have to fit into the directory before the authority is asked: an account, or a chain with its key.
const ROOM_BYTES: usize = 32 << 10;
/// Bytes of the digest of the authority's URL, in the name of its directory.
const DIGEST_BYTES: usize = 6;

/// The files of one certificate authority.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    directory: PathBuf,
}

/// A certificate from the cache.
pub(super) struct Kept {
    pub(super) certificate: TlsCertificate,
    /// The time at which it was issued, by the clock of this machine, which may have been ahead.
    pub(super) since: SystemTime,
}

impl Cache {
    /// Makes the directory for the authority `url` below `root` if there is none. Whether it can be written to matters
    /// before an attempt alone: a server on a full disk gives the certificates that it has.
    ///
    /// # Errors
    /// A sentence with the directory, which cannot be made or read.
    pub(super) fn open(root: &Path, url: &Url) -> Result<Self, String> {
        let directory = root.join(authority(url));
        let told = |what: &str, error: io::Error| format!("cannot {what} {}: {error}", directory.display());
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.map_err(|error| told("make", error))?;
        fs::read_dir(&directory).map_err(|error| told("read", error))?;
        Ok(Self { directory })
    }

    /// Tries whether the directory takes what an authority gives. Otherwise a certificate would be lost with the process, and
    /// the next start would ask for another one.
    ///
    /// # Errors
    /// A sentence with the directory.
    pub(super) fn check(&self) -> Result<(), String> {
        let tried = self.write("tried", &[0; ROOM_BYTES]).and_then(|()| fs::remove_file(self.path("tried")));
        tried.map_err(|error| format!("cannot write to {}: {error}", self.directory.display()))
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
        let file = self.path(&of(domain, CERTIFICATE));
        if matches!(file.try_exists(), Ok(false)) {
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
        self.keep(&of(domain, CERTIFICATE), pem.as_bytes())
    }

    pub(super) fn failures(&self, domain: &str) -> Failures {
        self.read_json(&of(domain, ATTEMPTS)).unwrap_or_default()
    }

    /// Keeps the attempts since the last success.
    ///
    /// # Errors
    /// A sentence with the file.
    pub(super) fn keep_failures(&self, domain: &str, failures: &Failures) -> Result<(), String> {
        self.write_json(&of(domain, ATTEMPTS), failures)
    }

    /// Forgets the attempts, because one of them was a success.
    pub(super) fn forget_failures(&self, domain: &str) {
        let _ = fs::remove_file(self.path(&of(domain, ATTEMPTS)));
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
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let directory = path.parent().unwrap_or(&self.directory);
        if directory != self.directory && !directory.exists() {
            DirBuilder::new().mode(0o700).create(directory)?;
            File::open(&self.directory)?.sync_all()?;
        }
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        // What has no room is not left there.
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, &path));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })?;
        File::open(directory)?.sync_all()
    }
}

/// The file `name` in the directory of `domain`. A name alone may be as long as a file name may.
fn of(domain: &str, name: &str) -> String {
    format!("{domain}/{name}")
}

/// The name of an authority's directory. Accounts and certificates of one are worth nothing to another, also when both are
/// on one host, so the whole URL counts.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or("authority").replace([':', '[', ']'], "");
    let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
    let digest = digest(&SHA256, url.as_str().as_bytes());
    let digest: String = digest.as_ref().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("{host}{port}-{digest}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tls::samples::pem;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn cache(root: &Path) -> Cache {
        Cache::open(root, &url("https://acme.example:14000/directory")).unwrap()
    }

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_for_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("state/acme");
        let (chain, key) = pem(&["a.example"]);
        let mut failures = Failures::default();
        failures.begin(SystemTime::now());
        cache(&home).keep_certificate("a.example", &format!("{chain}{key}")).unwrap();
        cache(&home).keep_failures("a.example", &failures).unwrap();

        assert_eq!(cache(&home).certificate("a.example").unwrap().certificate.names(), ["a.example"]);
        assert_eq!(cache(&home).failures("a.example"), failures);
        assert!(cache(&home).certificate("b.example").is_none() && cache(&home).account().is_none());
        cache(&home).forget_failures("a.example");
        assert_eq!(cache(&home).failures("a.example"), Failures::default());

        let directory = cache(&home).directory;
        let mode = |path: &str| fs::metadata(directory.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("a.example"), mode("a.example/certificate.pem")), (0o700, 0o700, 0o600));
        for path in ["", "a.example"] {
            assert_eq!(fs::read_dir(directory.join(path)).unwrap().count(), 1, "nothing is left over");
        }
    }

    #[test]
    fn a_name_of_any_legal_length_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let domain = format!("{}.{}", vec!["a".repeat(63); 3].join("."), "b".repeat(61));
        assert_eq!(domain.len(), 253);
        cache(root.path()).keep_certificate(&domain, "").unwrap();
        cache(root.path()).keep_failures(&domain, &Failures::default()).unwrap();
    }

    #[test]
    fn authorities_on_one_host_have_nothing_in_common() {
        let root = tempfile::tempdir().unwrap();
        let (chain, key) = pem(&["a.example"]);
        let [staging, production] = ["staging", "production"]
            .map(|path| Cache::open(root.path(), &url(&format!("https://acme.example/{path}/directory"))).unwrap());
        staging.keep_certificate("a.example", &format!("{chain}{key}")).unwrap();
        assert!(staging.certificate("a.example").is_some() && production.certificate("a.example").is_none());
    }

    #[test]
    fn a_damaged_file_is_as_if_it_were_not_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (chain, key) = pem(&["a.example"]);
        cache.keep_certificate("a.example", &format!("{chain}{}", &key[..key.len() / 2])).unwrap();
        cache.keep(ACCOUNT, b"{").unwrap();
        cache.keep("a.example/attempts.json", b"{\"count\":1}").unwrap();
        assert!(cache.certificate("a.example").is_none() && cache.account().is_none());
        assert_eq!(cache.failures("a.example"), Failures::default());
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_still_gives_what_it_has() {
        let root = tempfile::tempdir().unwrap();
        let (chain, key) = pem(&["a.example"]);
        cache(root.path()).keep_certificate("a.example", &format!("{chain}{key}")).unwrap();
        // A directory where a file has to be written. Rights would not stop tests that run as root.
        fs::create_dir(cache(root.path()).path("tried.new")).unwrap();
        let error = cache(root.path()).check().unwrap_err();
        assert!(error.starts_with("cannot write to "), "{error}");
        assert_eq!(cache(root.path()).certificate("a.example").unwrap().certificate.names(), ["a.example"]);
    }

    #[test]
    fn a_directory_that_cannot_be_made_or_is_gone_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Cache::open(&file, &url("https://a.example/")).unwrap_err();
        assert!(error.starts_with(&format!("cannot make {}/a.example-", file.display())), "{error}");

        let cache = cache(root.path());
        fs::remove_dir_all(&cache.directory).unwrap();
        let error = cache.check().unwrap_err();
        assert!(error.starts_with(&format!("cannot write to {}: ", cache.directory.display())), "{error}");
    }
}
