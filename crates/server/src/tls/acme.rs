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
    io, thread,
    time::{Duration, SystemTime},
};

use fanfare_http::{Certificates, Pem, TlsPair};
use humantime::{format_duration, format_rfc3339_seconds};
use tokio::{runtime::Builder, task::JoinError, time::sleep};
use tracing::{error, info, warn};

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
/// Wait after an attempt that was not made, because the cache cannot be written to, and after a panic.
const PAUSE: Duration = Duration::from_secs(60);

/// Gets the certificates and renews them.
pub(crate) struct Acme {
    origin: Origin,
    orders: Orders,
    names: Vec<Name>,
    /// The moment of the last look at what is due.
    looked: SystemTime,
}

/// All that an [`Acme`] is made of, for another one after a panic.
#[derive(Clone)]
struct Origin {
    plan: Plan,
    certificates: Certificates,
    first: usize,
}

struct Name {
    domain: String,
    /// Its place among the certificates.
    place: usize,
    kept: Option<Kept>,
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
        let names = plan.domains.iter().cloned().zip(first..).map(|(domain, place)| {
            let (kept, failures) = (cache.certificate(&domain), cache.failures(&domain));
            if let Some(kept) = &kept {
                certificates.install(place, kept.certificate.clone());
            }
            Name { domain, place, kept, failures, due: now }
        });
        let names = names.collect();
        let (directory, email, http) = (plan.directory.to_string(), plan.email.clone(), Http::new(plan.root.clone()));
        let orders = Orders { directory, email, http, cache, certificates: certificates.clone(), account: None };
        let mut made = Self { origin: Origin { plan, certificates, first }, orders, names, looked: now };
        made.plan_anew(now);
        Ok(made)
    }

    /// Asks for what is due, for ever, on a thread of its own: files are synced to the disk, which may take long, and what
    /// serves must not wait for that.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn keep(self) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("renewal".to_owned()).spawn(move || {
            let mut acme = self;
            loop {
                let origin = acme.origin.clone();
                let Err(panicked) = runtime.block_on(runtime.spawn(acme.ask_for_ever()));
                acme = again(&origin, &panicked);
            }
        })?;
        Ok(())
    }

    async fn ask_for_ever(mut self) -> Infallible {
        loop {
            self.ask().await;
            let now = SystemTime::now();
            let next = self.names.iter().map(|name| name.due).min().unwrap_or(now + SLEEP_MAX);
            sleep(next.duration_since(now).unwrap_or_default().min(SLEEP_MAX)).await;
        }
    }

    /// Asks for what is due, one name after the other.
    async fn ask(&mut self) {
        self.look_at_clock(SystemTime::now());
        for at in 0..self.names.len() {
            if self.names[at].due <= SystemTime::now() {
                self.names[at].attempt(&mut self.orders).await;
                if self.names[at].failures.is_of_all {
                    self.hold(self.names[at].due);
                }
            }
        }
    }

    /// Plans anew if the clock went back: moments of the time before may be years away.
    fn look_at_clock(&mut self, now: SystemTime) {
        if now < self.looked {
            self.plan_anew(now);
        }
        self.looked = now;
    }

    /// Finds out what is due when, as at a start.
    fn plan_anew(&mut self, now: SystemTime) {
        for name in &mut self.names {
            let renewal = name.kept.as_ref().map_or(now, |kept| due(kept, now));
            name.due = renewal.max(name.failures.after_restart(now).unwrap_or(now));
        }
        let refused = self.names.iter().map(|name| name.failures).filter(|failures| failures.is_of_all);
        if let Some(until) = refused.filter_map(|failures| failures.after_restart(now)).max() {
            self.hold(until);
        }
    }

    /// Lets all names wait, because one was refused for a reason that is no matter of its name.
    fn hold(&mut self, until: SystemTime) {
        self.names.iter_mut().for_each(|name| name.due = name.due.max(until));
    }
}

/// Another one after a panic, with what the cache has. The attempt that panicked is counted there.
fn again(origin: &Origin, panicked: &JoinError) -> Acme {
    error!("ACME: {panicked}; certificates are renewed again in {}", format_duration(PAUSE));
    loop {
        thread::sleep(PAUSE);
        let Origin { plan, certificates, first } = origin.clone();
        match Acme::new(plan, certificates, first) {
            Ok(acme) => return acme,
            Err(reason) => error!("ACME: {reason}; next look in {}", format_duration(PAUSE)),
        }
    }
}

impl Name {
    async fn attempt(&mut self, orders: &mut Orders) {
        if let Err(reason) = self.count(&orders.cache) {
            self.due = SystemTime::now() + PAUSE;
            let (domain, wait) = (&self.domain, format_duration(PAUSE));
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
        self.due = due(&kept, kept.since);
        let renewed = format_rfc3339_seconds(self.due);
        info!("ACME: {}: has a certificate: {}; it is renewed at {renewed}", self.domain, told(&kept.certificate));
        self.kept = Some(kept);
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
        self.failures.is_of_all = refusal.is_of_all;
        self.due = now + wait;
        if let Err(reason) = orders.cache.keep_failures(&self.domain, &self.failures) {
            warn!("ACME: {}: {reason}", self.domain);
        }
        let meanwhile = match &self.kept {
            Some(Kept { certificate: old, .. }) => {
                format!("the old certificate is given until {}", format_rfc3339_seconds(old.not_after()))
            }
            None if orders.certificates.all().is_empty() => "TLS handshakes for it are refused".to_owned(),
            None => "clients that ask for it get another certificate".to_owned(),
        };
        let (domain, reason, wait) = (&self.domain, refusal.reason.trim_end_matches('.'), format_duration(wait));
        let others = if refusal.is_of_all { ", and none for other names before" } else { "" };
        warn!("ACME: {domain}: no new certificate: {reason}; {meanwhile}; next attempt in {wait}{others}");
    }
}

/// The time to renew a certificate, found at the moment `now`.
fn due(kept: &Kept, now: SystemTime) -> SystemTime {
    renewal(kept.certificate.not_before(), kept.certificate.not_after(), kept.since, now)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
        net::{TcpListener, TcpStream},
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

    /// Two names without a certificate, whose authority is `listener`. An [`Authority`] is there before.
    fn acme(cache: &Path, listener: &TcpListener) -> Acme {
        let directory = format!("https://{}/dir", listener.local_addr().unwrap());
        let directory = Url::parse(&directory).unwrap();
        let domains = ["a.example", "b.example"].map(str::to_owned).into();
        let (cache, root) = (cache.to_owned(), Some(cache.join("root.pem")).filter(|root| root.exists()));
        let plan = Plan { domains, email: None, directory, cache, root };
        let acceptor = TlsAcceptor::new(TlsConfig { awaited: 2, ..TlsConfig::default() }).unwrap();
        Acme::new(plan, acceptor.certificates().clone(), 0).unwrap()
    }

    /// An authority that refuses accounts, or is at work on each order for long. It asks for the wait `retry_after`.
    struct Authority {
        refuses_accounts: bool,
        retry_after: &'static str,
    }

    impl Authority {
        /// Answers for as long as the process lives. Whoever trusts `cache/root.pem` trusts it.
        fn answer(self, listener: &TcpListener, cache: &Path) {
            let (chain, key) = pem(&["127.0.0.1"]);
            fs::write(cache.join("root.pem"), &chain).unwrap();
            let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
            let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
            let config = Arc::new(config.with_single_cert(chain, key).unwrap());
            let listener = listener.try_clone().unwrap();
            thread::spawn(move || {
                loop {
                    let (socket, address) = (listener.accept().unwrap().0, listener.local_addr().unwrap());
                    let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
                    self.answer_one(BufReader::new(stream), &format!("https://{address}"));
                }
            });
        }

        fn answer_one(&self, mut stream: BufReader<StreamOwned<ServerConnection, TcpStream>>, url: &str) {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if !stream.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {
                    return;
                }
            }
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            let (status, body) = self.reply(head.split(' ').nth(1).unwrap(), url);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }

        fn reply(&self, path: &str, url: &str) -> (String, String) {
            let Self { refuses_accounts, retry_after } = self;
            match path {
                "/dir" => {
                    let place = |name: &str| format!(r#""{name}":"{url}/{name}""#);
                    let places = ["newNonce", "newAccount", "newOrder"].map(place).join(",");
                    ("200 OK".to_owned(), format!("{{{places}}}"))
                }
                "/newNonce" => ("200 OK\r\nReplay-Nonce: once".to_owned(), String::new()),
                "/newAccount" if *refuses_accounts => {
                    let problem = r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too often"}"#;
                    (format!("429 Too Many Requests\r\nRetry-After: {retry_after}"), problem.to_owned())
                }
                "/newAccount" => (format!("201 Created\r\nLocation: {url}/account"), "{}".to_owned()),
                _ => {
                    let order = format!(r#"{{"status":"processing","authorizations":[],"finalize":"{url}/finalize"}}"#);
                    let status = if path == "/newOrder" { "201 Created" } else { "200 OK" };
                    (format!("{status}\r\nLocation: {url}/order\r\nRetry-After: {retry_after}"), order)
                }
            }
        }
    }

    #[track_caller]
    fn assert_waits(name: &Name, wait: Duration) {
        let left = name.due.duration_since(SystemTime::now()).unwrap();
        assert!((wait - Duration::from_secs(60)..=wait).contains(&left), "{}: {left:?}", name.domain);
    }

    #[tokio::test]
    async fn a_wait_that_the_authority_asks_for_is_of_all_names_and_outlasts_a_restart() {
        let cache = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Authority { refuses_accounts: true, retry_after: "90000" }.answer(&listener, cache.path());
        let mut first = acme(cache.path(), &listener);
        first.ask().await;
        let Failures { count, is_asked, is_of_all, .. } = first.names[0].failures;
        assert_eq!((count, is_asked, is_of_all), (1, true, true));
        assert_eq!(first.names[1].failures, Failures::default(), "it was not asked for");
        let again = acme(cache.path(), &listener);
        for name in first.names.iter().chain(&again.names) {
            assert_waits(name, Duration::from_secs(90_000));
        }
    }

    #[tokio::test]
    async fn an_order_that_takes_long_is_waited_for_as_the_authority_says_and_no_other_name() {
        for (retry_after, wait_s) in [("3600", 3_600), ("18446744073709551615", 604_800)] {
            let cache = tempfile::tempdir().unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            Authority { refuses_accounts: false, retry_after }.answer(&listener, cache.path());
            let mut acme = acme(cache.path(), &listener);
            acme.names[1].due += Duration::from_secs(60);
            acme.ask().await;
            assert!(acme.names[0].failures.is_asked);
            assert_waits(&acme.names[0], Duration::from_secs(wait_s));
            assert!(acme.names[1].due < SystemTime::now() + Duration::from_secs(60));
        }
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_keeps_no_name_waiting() {
        let (cache, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut acme = acme(cache.path(), &listener);
        let years = Duration::from_secs(5 * 365 * 86_400);
        acme.look_at_clock(now + years);
        acme.names[0].failures.begin(now + years);
        acme.names[0].due = now + years;
        acme.look_at_clock(now + years);
        assert_eq!(acme.names[0].due, now + years, "the clock goes on");
        acme.look_at_clock(now);
        let left = acme.names[0].due.duration_since(now).unwrap();
        assert!(left <= Duration::from_secs(72), "{left:?}");
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
        assert!(acme.names[0].due <= SystemTime::now() + PAUSE);
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
