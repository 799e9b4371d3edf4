//! Tokens and keys of tests, and an application that decides.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fanfare_grants::{Algorithm, ApiKeys, Grant, Issuer, IssuerConfig, Key, Mint, NewApiKey, SigningKey, Tokens};
use fanfare_http::{Access, Authorize, Config, Decision, Gate, Pattern, Question};
use serde_json::Value;

use super::server::{Server, Way, config};

pub(crate) const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

/// Unix time in seconds.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The rules of a server with one issuer, which has [`SECRET`].
pub(crate) fn access() -> Access {
    let keys = vec![Key::secret(Algorithm::Hs256, SECRET).unwrap()];
    let issuer = Issuer::new(IssuerConfig { keys, ..IssuerConfig::new("test") }).unwrap();
    Access { tokens: Some(Arc::new(Tokens::new(vec![issuer]).unwrap())), ..Access::default() }
}

pub(crate) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
}

/// A server with these rules.
pub(crate) fn guarded(way: Way, access: Access) -> Server {
    Server::start(way, Config { gate: Gate::new(access), ..config(way) })
}

/// A token that grants what `claim` says, for an hour.
pub(crate) fn token(claim: Value) -> String {
    token_until(claim, now() + 3_600)
}

pub(crate) fn token_until(claim: Value, expires: u64) -> String {
    let grant = Grant::from_claim(&claim, "x".to_owned(), None).unwrap();
    let key = SigningKey::secret(Algorithm::Hs256, SECRET).unwrap();
    Mint { sub: Some("somebody".to_owned()), expires: Some(expires), ..Mint::default() }.sign(&key, &grant).unwrap()
}

/// The header with a token or a key.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A key, and the file that has its hash with `rights`.
pub(crate) fn api_key(seed: u8, rights: &str) -> (String, Arc<ApiKeys>) {
    let NewApiKey { text, hash } = NewApiKey::of([seed; 32]);
    let file = format!("[[key]]\nname = \"key-{seed}\"\nhash = \"{hash}\"\n{rights}\n");
    (text, Arc::new(ApiKeys::parse(&file).unwrap()))
}

/// An application, and the questions that it was asked.
#[derive(Debug)]
pub(crate) struct Application {
    decide: fn(&Question) -> Decision,
    delay: Duration,
    pub(crate) asked: Mutex<Vec<Question>>,
}

impl Application {
    pub(crate) fn new(decide: fn(&Question) -> Decision) -> Arc<Self> {
        Arc::new(Self { decide, delay: Duration::from_millis(1), asked: Mutex::default() })
    }
}

impl Authorize for Application {
    fn decide(&self, question: Question) -> Pin<Box<dyn Future<Output = Decision> + Send>> {
        let (decide, delay) = (self.decide, self.delay);
        self.asked.lock().unwrap().push(question.clone());
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            decide(&question)
        })
    }
}
