//! [`Files`]: certificate files, read at the start, and again when they change.

use std::{path::PathBuf, time::SystemTime};

use fanfare_http::{TlsAcceptor, TlsCertificate};
use humantime::format_rfc3339_seconds;

use super::{content::Content, told::told};
use crate::watch::{self, Look, Refused, Watched};

/// Files of certificates and of authorities.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<What>);

#[derive(Clone, Debug)]
enum What {
    Pair { chain: PathBuf, key: PathBuf, place: usize },
    Clients { file: PathBuf },
}

/// Files that are read together, and the acceptor that uses them.
#[derive(Debug)]
struct Used {
    what: What,
    acceptor: TlsAcceptor,
}

impl Files {
    /// Reads the files. The pairs, each a chain and its key, have the first places among the certificates. Returns what
    /// stands in the files as well, in their order, for the first use.
    ///
    /// # Errors
    /// A sentence with the setting and the file, if one cannot be read.
    pub(super) fn read(
        pairs: Vec<(PathBuf, PathBuf)>,
        client_ca: Option<PathBuf>,
    ) -> Result<(Self, Vec<Content>), String> {
        let pairs = pairs.into_iter().enumerate();
        let pairs = pairs.map(|(place, (chain, key))| What::Pair { chain, key, place });
        let all: Vec<_> = pairs.chain(client_ca.map(|file| What::Clients { file })).collect();
        let read = all.iter().map(|what| what.content().map_err(|fault| format!("{}: {fault}", what.flags())));
        let contents = read.collect::<Result<Vec<_>, _>>()?;
        Ok((Self(all), contents))
    }

    /// The files to watch. `acceptor` uses `contents`, which are theirs.
    pub(super) fn watched(self, contents: &[Content], acceptor: &TlsAcceptor) -> Vec<Box<dyn Look>> {
        let watched = |(what, content)| -> Box<dyn Look> { Box::new(watched(what, content, acceptor)) };
        self.0.into_iter().zip(contents).map(watched).collect()
    }
}

fn watched(what: What, content: &Content, acceptor: &TlsAcceptor) -> Watched<Used> {
    Watched::new(Used { what, acceptor: acceptor.clone() }, content)
}

impl watch::Files for Used {
    type Content = Content;

    fn content(&self) -> Result<Content, String> {
        self.what.content()
    }

    fn replace(&mut self, content: Content, at: SystemTime) -> Result<String, Refused> {
        replace(content, &self.acceptor, at)
    }

    fn told(&self) -> String {
        self.what.told()
    }
}

impl What {
    /// Reads the files, each once.
    fn content(&self) -> Result<Content, String> {
        match self {
            Self::Pair { chain, key, place } => Content::of_pair(chain, key, *place),
            Self::Clients { file } => Content::of_clients(file),
        }
    }

    /// The name in the log.
    fn told(&self) -> String {
        match self {
            Self::Pair { chain, .. } => format!("certificate {}", chain.display()),
            Self::Clients { file } => format!("authorities of clients {}", file.display()),
        }
    }

    /// The settings that name the files.
    fn flags(&self) -> &'static str {
        match self {
            Self::Pair { .. } => "--tls-cert, --tls-key",
            Self::Clients { .. } => "--tls-client-ca",
        }
    }
}

/// Uses `content` from now on. Returns what is worth telling of it.
fn replace(content: Content, acceptor: &TlsAcceptor, at: SystemTime) -> Result<String, Refused> {
    let (pair, place) = match content {
        Content::Pair { pair, place } => (pair, place),
        Content::Clients(pem) => {
            acceptor.replace_client_ca(&pem).map_err(Refused::new)?;
            return Ok(String::new());
        }
    };
    let certificate = pair.read().map_err(Refused::new)?;
    // Those of files have the first places, and none of them is empty.
    let old = acceptor.certificates().all().into_iter().nth(place);
    if let Some(refused) = old.and_then(|old| unfit(&certificate, &old, at)) {
        return Err(refused);
    }
    let expired = if certificate.not_after() <= at { ", which is over" } else { "" };
    let told = format!(": {}{expired}", told(&certificate));
    acceptor.certificates().install(place, certificate);
    Ok(told)
}

/// The reason why `new` does not take the place of `old`: clients would refuse it, and they accept the old one.
fn unfit(new: &TlsCertificate, old: &TlsCertificate, at: SystemTime) -> Option<Refused> {
    let is_valid = |certificate: &TlsCertificate| (certificate.not_before()..certificate.not_after()).contains(&at);
    if is_valid(new) || !is_valid(old) {
        return None;
    }
    let is_early = at < new.not_before();
    let (what, moment) =
        if is_early { ("is not valid before", new.not_before()) } else { ("expired at", new.not_after()) };
    let (moment, end) = (format_rfc3339_seconds(moment), format_rfc3339_seconds(old.not_after()));
    let reason = format!("the certificate {what} {moment}, and the old one is valid until {end}");
    Some(Refused { reason, until: is_early.then(|| new.not_before()) })
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        time::{Duration, UNIX_EPOCH},
    };

    use fanfare_http::TlsConfig;

    use super::*;
    use crate::tls::samples::{pem, pem_between};

    const DAY: Duration = Duration::from_secs(86_400);

    fn write(directory: &Path, (chain, key): &(String, String)) {
        fs::write(directory.join("chain"), chain).unwrap();
        fs::write(directory.join("key"), key).unwrap();
    }

    /// The watched files, and the acceptor that uses them.
    fn read(directory: &Path) -> (Watched<Used>, TlsAcceptor) {
        let (chain, key) = (directory.join("chain"), directory.join("key"));
        let (files, contents) = Files::read(vec![(chain, key)], None).unwrap();
        let Content::Pair { pair, .. } = &contents[0] else { panic!("it is no pair") };
        let acceptor = TlsAcceptor::new(TlsConfig { pairs: vec![pair.clone()], ..TlsConfig::default() }).unwrap();
        let what = files.0.into_iter().next().unwrap();
        (watched(what, &contents[0], &acceptor), acceptor)
    }

    fn look(watched: &mut Watched<Used>, is_asked: bool) {
        watched.look(is_asked, SystemTime::now());
    }

    fn name(acceptor: &TlsAcceptor) -> String {
        acceptor.certificates().names().join(" ")
    }

    #[test]
    fn a_change_counts_when_two_looks_have_seen_it_or_at_once_when_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, acceptor) = read(directory.path());
        write(directory.path(), &pem(&["b.example"]));
        look(&mut watched, false);
        assert_eq!(name(&acceptor), "a.example");
        look(&mut watched, false);
        assert_eq!(name(&acceptor), "b.example");
        write(directory.path(), &pem(&["c.example"]));
        look(&mut watched, true);
        assert_eq!(name(&acceptor), "c.example");
    }

    #[test]
    fn a_bad_file_is_refused_once_and_the_old_pair_stays() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, acceptor) = read(directory.path());
        let (chain, key) = pem(&["b.example"]);
        write(directory.path(), &(chain[..200].to_owned(), key.clone()));
        look(&mut watched, true);
        let refused = watched.known;
        look(&mut watched, false);
        assert_eq!((watched.known, watched.changed), (refused, None), "told once");
        let reason = &watched.refused.as_ref().unwrap().reason;
        assert!(reason.contains("it is no whole PEM"), "{reason}");
        assert_eq!(name(&acceptor), "a.example");
        write(directory.path(), &(chain, key));
        look(&mut watched, true);
        assert_eq!(name(&acceptor), "b.example");
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        let directory = tempfile::tempdir().unwrap();
        for version in ["1", "2"] {
            fs::create_dir(directory.path().join(version)).unwrap();
            write(&directory.path().join(version), &pem(&[&format!("v{version}.example")]));
        }
        let now = directory.path().join("now");
        std::os::unix::fs::symlink("1", &now).unwrap();
        let (mut watched, acceptor) = read(&now);
        std::os::unix::fs::symlink("2", directory.path().join("next")).unwrap();
        fs::rename(directory.path().join("next"), &now).unwrap();
        look(&mut watched, true);
        assert_eq!(name(&acceptor), "v2.example");
    }

    #[test]
    fn a_certificate_that_nobody_accepts_does_not_replace_a_valid_one() {
        let now = SystemTime::now();
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem_between(&["old.example"], now - DAY, now + 2 * DAY));
        let (mut watched, acceptor) = read(directory.path());
        for (from, to, said) in
            [(now - 2 * DAY, now - DAY, "expired at"), (now + DAY, now + 9 * DAY, "is not valid before")]
        {
            write(directory.path(), &pem_between(&["new.example"], from, to));
            watched.look(true, now);
            assert_eq!(name(&acceptor), "old.example");
            let reason = &watched.refused.as_ref().unwrap().reason;
            assert!(reason.contains(said) && reason.contains("the old one is valid until"), "{reason}");
        }
        watched.look(false, now + DAY - Duration::from_secs(2));
        assert_eq!(name(&acceptor), "old.example");
        watched.look(false, now + DAY);
        assert_eq!((name(&acceptor).as_str(), watched.refused.is_some()), ("new.example", false), "its time has come");
    }

    #[test]
    fn a_certificate_that_is_over_may_be_replaced_by_any_other() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem_between(&["old.example"], UNIX_EPOCH, UNIX_EPOCH + DAY));
        let (mut watched, acceptor) = read(directory.path());
        write(directory.path(), &pem_between(&["new.example"], UNIX_EPOCH, UNIX_EPOCH + 2 * DAY));
        look(&mut watched, true);
        assert_eq!(name(&acceptor), "new.example");
    }

    #[test]
    fn what_a_look_has_read_is_used_whatever_becomes_of_the_files_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (watched, acceptor) = read(directory.path());
        write(directory.path(), &pem(&["b.example"]));
        let looked_at = watched.files.what.content().unwrap();
        fs::remove_file(directory.path().join("chain")).unwrap();
        replace(looked_at, &acceptor, SystemTime::now()).unwrap();
        assert_eq!(name(&acceptor), "b.example");
        let place = acceptor.certificates().all()[0].place().to_owned();
        assert!(place.ends_with("/chain"), "{place}");
    }

    #[test]
    fn a_failure_that_passes_keeps_no_good_file_out() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, _) = read(directory.path());
        let key = fs::read(directory.path().join("key")).unwrap();
        fs::remove_file(directory.path().join("key")).unwrap();
        look(&mut watched, true);
        assert!(watched.refused.as_ref().unwrap().reason.contains("No such file"));
        fs::write(directory.path().join("key"), key).unwrap();
        look(&mut watched, false);
        look(&mut watched, false);
        assert!(watched.refused.is_none());
    }

    #[test]
    fn a_content_that_was_refused_is_tried_again_when_asked_for() {
        let now = SystemTime::now();
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem_between(&["old.example"], now - DAY, now + DAY));
        let (mut watched, acceptor) = read(directory.path());
        write(directory.path(), &pem_between(&["new.example"], now - 2 * DAY, now - DAY));
        watched.look(true, now);
        assert_eq!(name(&acceptor), "old.example");
        // The old one is over as well now.
        watched.look(false, now + 2 * DAY);
        assert_eq!(name(&acceptor), "old.example");
        watched.look(true, now + 2 * DAY);
        assert_eq!((name(&acceptor).as_str(), watched.refused.is_some()), ("new.example", false));
    }

    #[test]
    fn a_pipe_is_refused_at_the_start_and_later() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, _) = read(directory.path());
        let (chain, key) = (directory.path().join("chain"), directory.path().join("key"));
        fs::remove_file(&key).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&key).status().unwrap().success());
        look(&mut watched, true);
        assert!(watched.refused.as_ref().unwrap().reason.contains("key: it is a pipe"));
        let error = Files::read(vec![(chain, key)], None).map(drop).unwrap_err();
        assert!(error.starts_with("--tls-cert, --tls-key: ") && error.contains("key: it is a pipe"), "{error}");
    }
}
