//! Certificates from an authority that speaks ACME, as Let's Encrypt does (RFC 8555). The authority proves that a name
//! leads here with a TLS handshake on port 443 (RFC 8737), so no other listener is needed.
//!
//! Each name has a certificate of its own, so a name that cannot be proved keeps no other from its certificate.

mod cache;
mod http;
mod order;
mod pace;

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use fanfare_http::{Certificates, Pem, TlsCertificate, TlsPair};
use humantime::{format_duration, format_rfc3339_seconds};
use tokio::time::sleep;
use tracing::{info, warn};

use self::{
    cache::{Cache, Kept},
    http::Http,
    order::{Orders, Refusal},
    pace::{Failures, renewal},
};
use super::told::told;
use crate::settings::Plan;

/// Longest sleep. The system's clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(600);
/// Wait after an attempt that was not made, because the cache cannot be written to.
const CACHE_WAIT: Duration = Duration::from_secs(60);

/// Gets the certificates and renews them.
pub(crate) struct Acme {
    orders: Orders,
    names: Vec<Name>,
}

struct Name {
    domain: String,
    /// Its place among the certificates.
    place: usize,
    certificate: Option<TlsCertificate>,
    failures: Failures,
    due: SystemTime,
}

impl Acme {
    /// Installs what the cache has. The first name has the place `first`.
    ///
    /// # Errors
    /// A sentence: the cache cannot be used.
    pub(crate) fn new(plan: Plan, certificates: Certificates, first: usize) -> Result<Self, String> {
        let cache = Cache::open(&plan.cache, &plan.directory)?;
        let now = SystemTime::now();
        let names = plan.domains.into_iter().zip(first..).map(|(domain, place)| {
            let failures = cache.failures(&domain);
            let kept = cache.certificate(&domain);
            let due = kept.as_ref().map_or(now, due).max(failures.after_restart(now).unwrap_or(now));
            let certificate = kept.map(|kept| kept.certificate);
            if let Some(certificate) = &certificate {
                certificates.install(place, certificate.clone());
            }
            Name { domain, place, certificate, failures, due }
        });
        let names = names.collect();
        let (directory, email, http) = (plan.directory.to_string(), plan.email, Http::new(plan.root));
        Ok(Self { orders: Orders { directory, email, http, cache, certificates, account: None }, names })
    }

    /// Asks for what is due, for ever. Needs a runtime with I/O and time.
    pub(crate) async fn keep(mut self) -> Infallible {
        loop {
            let now = SystemTime::now();
            for name in &mut self.names {
                if name.due <= now {
                    name.attempt(&mut self.orders).await;
                }
            }
            let now = SystemTime::now();
            let next = self.names.iter().map(|name| name.due).min().unwrap_or(now + SLEEP_MAX);
            sleep(next.duration_since(now).unwrap_or_default().min(SLEEP_MAX)).await;
        }
    }
}

impl Name {
    async fn attempt(&mut self, orders: &mut Orders) {
        if let Err(reason) = self.count(&orders.cache) {
            self.due = SystemTime::now() + CACHE_WAIT;
            let (domain, wait) = (&self.domain, format_duration(CACHE_WAIT));
            warn!("ACME: {domain}: {reason}; the authority is not asked before that is mended; next look in {wait}");
            return;
        }
        info!("ACME: {}: asking {} for a certificate", self.domain, orders.directory);
        let pem = match orders.order(&self.domain).await {
            Ok(pem) => pem,
            Err(refusal) => return self.failed(orders, &refusal),
        };
        let both = Pem::Bytes(pem.clone().into_bytes());
        let certificate = match (TlsPair { certificate: both.clone(), key: both }).read() {
            Ok(certificate) => certificate,
            Err(error) => return self.failed(orders, &Refusal::new(format!("what the authority sent: {error}"))),
        };
        self.failures = Failures::default();
        match orders.cache.keep_certificate(&self.domain, &pem) {
            Ok(()) => orders.cache.forget_failures(&self.domain),
            // The attempt stays counted, so that restarts do not ask again and again.
            Err(reason) => warn!("ACME: {}: {reason}; the next start has to ask for a certificate again", self.domain),
        }
        orders.certificates.install(self.place, certificate.clone());
        let kept = Kept { certificate, since: SystemTime::now() };
        self.due = due(&kept);
        let renewed = format_rfc3339_seconds(self.due);
        info!("ACME: {}: has a certificate: {}; it is renewed at {renewed}", self.domain, told(&kept.certificate));
        self.certificate = Some(kept.certificate);
    }

    /// Counts an attempt before it is made, so that restarts in a row keep to the pace.
    fn count(&mut self, cache: &Cache) -> Result<(), String> {
        cache.check()?;
        let mut failures = self.failures;
        failures.begin(SystemTime::now());
        cache.keep_failures(&self.domain, &failures)?;
        self.failures = failures;
        Ok(())
    }

    fn failed(&mut self, orders: &Orders, refusal: &Refusal) {
        let now = SystemTime::now();
        let wait = self.failures.fail(now, refusal.is_limited, refusal.retry_after);
        self.due = now + wait;
        if let Err(reason) = orders.cache.keep_failures(&self.domain, &self.failures) {
            warn!("ACME: {}: {reason}", self.domain);
        }
        let meanwhile = match &self.certificate {
            Some(old) => format!("the old certificate is given until {}", format_rfc3339_seconds(old.not_after())),
            None => "TLS handshakes for it are refused".to_owned(),
        };
        let (domain, reason) = (&self.domain, refusal.reason.trim_end_matches('.'));
        warn!("ACME: {domain}: no new certificate: {reason}; {meanwhile}; next attempt in {}", format_duration(wait));
    }
}

/// The time to renew a certificate.
fn due(kept: &Kept) -> SystemTime {
    renewal(kept.certificate.not_before(), kept.certificate.not_after(), kept.since)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
        net::TcpListener,
        path::Path,
        sync::Arc,
        thread,
    };

    use fanfare_http::{TlsAcceptor, TlsConfig};
    use rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    };
    use url::Url;

    use super::*;
    use crate::tls::samples::pem;

    /// A name without a certificate, whose authority is `listener`.
    fn acme(cache: &Path, listener: &TcpListener) -> Acme {
        let directory = format!("https://{}/dir", listener.local_addr().unwrap());
        let directory = Url::parse(&directory).unwrap();
        let plan =
            Plan { domains: vec!["a.example".to_owned()], email: None, directory, cache: cache.to_owned(), root: None };
        let acceptor = TlsAcceptor::new(TlsConfig { awaited: 1, ..TlsConfig::default() }).unwrap();
        Acme::new(plan, acceptor.certificates().clone(), 0).unwrap()
    }

    /// Answers the requests of ACME over https: whoever wants an account has asked too often.
    fn refuse_accounts(listener: &TcpListener, (chain, key): &(String, String), retry_after: &str) {
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(chain, key).unwrap());
        let url = format!("https://{}", listener.local_addr().unwrap());
        loop {
            let (socket, _) = listener.accept().unwrap();
            let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
            let (mut stream, mut head) = (BufReader::new(stream), String::new());
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).unwrap();
            }
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            let (status, body) = match head.split(' ').nth(1).unwrap() {
                "/dir" => {
                    let place = |name: &str| format!(r#""{name}":"{url}/{name}""#);
                    let places = ["newNonce", "newAccount", "newOrder"].map(place).join(",");
                    ("200 OK".to_owned(), format!("{{{places}}}"))
                }
                "/newNonce" => ("200 OK\r\nReplay-Nonce: once".to_owned(), String::new()),
                _ => {
                    let problem = r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too often"}"#;
                    (format!("429 Too Many Requests\r\nRetry-After: {retry_after}"), problem.to_owned())
                }
            };
            let length = body.len();
            write!(
                stream.get_mut(),
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }
    }

    #[tokio::test]
    async fn a_wait_that_the_authority_asks_for_outlasts_a_restart() {
        let cache = tempfile::tempdir().unwrap();
        let (root, pair) = (cache.path().join("root.pem"), pem(&["127.0.0.1"]));
        fs::write(&root, &pair.0).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut first = acme(cache.path(), &listener);
        let again = listener.try_clone().unwrap();
        // It ends with the process.
        thread::spawn(move || refuse_accounts(&listener, &pair, "90000"));
        first.orders.http = Http::new(Some(root));
        attempt(&mut first).await;
        let Failures { count, is_asked, .. } = first.names[0].failures;
        assert_eq!((count, is_asked), (1, true));
        let wait = Duration::from_secs(90_000);
        for due in [first.names[0].due, acme(cache.path(), &again).names[0].due] {
            let left = due.duration_since(SystemTime::now()).unwrap();
            assert!((wait - Duration::from_secs(60)..=wait).contains(&left), "{left:?}");
        }
    }

    async fn attempt(acme: &mut Acme) {
        acme.names[0].attempt(&mut acme.orders).await;
    }

    #[tokio::test]
    async fn the_authority_is_not_asked_while_the_cache_cannot_be_written_to() {
        let cache = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut acme = acme(cache.path(), &listener);
        fs::remove_dir_all(cache.path()).unwrap();
        attempt(&mut acme).await;
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(acme.names[0].failures, Failures::default(), "nothing was tried");
        assert!(acme.names[0].due <= SystemTime::now() + CACHE_WAIT);
    }

    #[tokio::test]
    async fn an_attempt_that_a_crash_ends_is_waited_for_at_the_next_start() {
        let cache = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let accepting = tokio::net::TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let mut first = acme(cache.path(), &listener);
        assert!(first.names[0].due <= SystemTime::now());
        tokio::select! {
            () = attempt(&mut first) => panic!("there is no answer"),
            accepted = accepting.accept() => drop(accepted.unwrap()),
        }
        drop(first);
        let again = acme(cache.path(), &listener);
        assert_eq!(again.names[0].failures.count, 1);
        assert!(again.names[0].due > SystemTime::now() + Duration::from_secs(30), "{:?}", again.names[0].failures);
    }
}
