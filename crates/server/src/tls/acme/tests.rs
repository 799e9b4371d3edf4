//! Against pebble, with a TLS listener of the test's own.

use std::net::SocketAddr;

use rustls::{ServerConfig, crypto::ring};
use tokio::{net::TcpListener, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::*;

#[path = "../../../tests/support/pebble.rs"]
mod pebble;
use pebble::Pebble;

const PATIENCE: Duration = Duration::from_secs(40);

/// A listener that does nothing but handshakes.
async fn listen(certificates: Arc<Certificates>) -> SocketAddr {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"acme-tls/1".to_vec()];
    let (listener, acceptor) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(config)));
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
        }
    });
    address
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let polled = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, polled).await.unwrap_or_else(|_| panic!("not in {PATIENCE:?}: {what}"));
}

fn plan(pebble: &Pebble, cache: &std::path::Path, domains: &[&str]) -> Plan {
    Plan {
        domains: domains.iter().map(ToString::to_string).collect(),
        email: Some("who@example.org".to_owned()),
        directory: Url::parse(&pebble.directory_url).unwrap(),
        cache: cache.to_owned(),
        root: Some(pebble.root.clone()),
    }
}

#[tokio::test]
async fn each_name_gets_a_certificate_and_it_is_renewed_before_it_ends() {
    let (certificates, home) = (Arc::new(Certificates::new(3)), tempfile::tempdir().unwrap());
    let address = listen(Arc::clone(&certificates)).await;
    let pebble = Pebble::started(address.port(), Duration::from_secs(16));
    let plan = plan(&pebble, home.path(), &["a.example.org", "blocked.example", "b.example.org"]);
    let acme = Acme::new(plan.clone(), Arc::clone(&certificates), 0).unwrap();
    let keeping = tokio::spawn(acme.keep());
    until("both have certificates", || certificates.pairs().len() == 2).await;
    let first = certificates.pairs();
    assert_eq!((first[0].names.join(" "), first[1].names.join(" ")), ("a.example.org".into(), "b.example.org".into()));
    until("the first is renewed", || certificates.pairs()[0].not_after > first[0].not_after).await;
    assert!(!first[0].is_expired(SystemTime::now()), "a new one is there before the old one has ended");
    keeping.abort();
    drop(pebble);

    let again = Arc::new(Certificates::new(3));
    let renewed = certificates.pairs();
    let _acme = Acme::new(plan, Arc::clone(&again), 0).unwrap();
    let kept = again.pairs();
    assert_eq!(kept[0].not_after, renewed[0].not_after, "a restart has it without the authority");
    let failed =
        std::fs::read_dir(home.path()).unwrap().next().unwrap().unwrap().path().join("blocked.example.failed.json");
    assert!(failed.is_file());
}
