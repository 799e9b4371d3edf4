//! [`Source`]: keys behind an address, a JWK set (RFC 7517 5). They are fetched at the start, again and again, and whenever a token
//! names a key that nobody knows.

use std::{fmt, sync::Arc, time::Duration};

use fanfare_grants::{Jwks, KeySet};
use humantime::format_duration;
use hyper::{
    HeaderMap, StatusCode,
    header::{ACCEPT, HeaderValue},
};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::lifetime::max_age;
use crate::{
    client::{Client, Reach},
    settings::is_of_this_machine,
    url::Url,
};

/// Time for a fetch, with all its redirects.
const FETCH_TIME: Duration = Duration::from_secs(10);
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;
/// Time after which keys are fetched again, if their answer does not say.
const AGE: Duration = Duration::from_secs(3_600);
/// Bounds of what an answer says.
const AGE_MIN: Duration = Duration::from_secs(300);
const AGE_MAX: Duration = Duration::from_secs(86_400);
/// First wait after a failure while there are no keys. Each wait is twice as long as the one before.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest wait after a failure.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Keys behind an address. Clones have the same keys.
#[derive(Clone)]
pub(crate) struct Source {
    /// The name of the issuer.
    issuer: String,
    url: Url,
    pub(crate) set: Arc<KeySet>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.to_string();
        // The query may have a secret.
        let shown = url.split('?').next().unwrap_or_default();
        write!(f, "keys of the issuer {} at {shown}", self.issuer)
    }
}

impl Source {
    /// # Errors
    /// A sentence: the address is none.
    pub(crate) fn new(issuer: &str, url: &str, set: Arc<KeySet>) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("the address of the JWK set: {error}"))?;
        Ok(Self { issuer: issuer.to_owned(), url, set })
    }

    /// Whether the other one has keys for the same issuer, from the same address, and for the same use.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let is_same_place = self.issuer == other.issuer && self.url.to_string() == other.url.to_string();
        is_same_place && self.set.algorithms() == other.set.algorithms()
    }

    /// Whether they are the same keys.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.set, &other.set)
    }
}

/// Fetches the keys again and again, for ever.
pub(super) async fn keep(source: Source) {
    let source = Arc::new(source);
    loop {
        let Err(panicked) = tokio::task::spawn_local(keep_until_panic(Arc::clone(&source))).await else { return };
        error!("{source}: {panicked}; they are fetched again in {}", format_duration(RETRY_MAX));
        sleep(RETRY_MAX).await;
    }
}

async fn keep_until_panic(source: Arc<Source>) {
    let mut retry = RETRY_MIN;
    loop {
        let wait = match fetch(&source).await {
            Ok((keys, age)) => {
                let (number, left_out) = (keys.keys().len(), keys.left_out());
                let wait = age.unwrap_or(AGE).clamp(AGE_MIN, AGE_MAX);
                info!("{source}: {number} fetched, {left_out} left out; again in {}", format_duration(wait));
                retry = RETRY_MIN;
                wait
            }
            Err(reason) => {
                let has_keys = !source.set.keys().keys().is_empty();
                let wait = if has_keys { RETRY_MAX } else { retry };
                retry = (2 * retry).min(RETRY_MAX);
                let until = if has_keys { "the old ones stay in use" } else { "its tokens are refused until then" };
                warn!("{source}: cannot be fetched: {reason}; again in {}, {until}", format_duration(wait));
                wait
            }
        };
        let next = source.set.fetched().at() + 1;
        tokio::select! {
            () = sleep(wait) => {}
            () = source.set.wanted().wait(next) => {}
        }
    }
}

/// Fetches the keys, which are those of the set from now on, and says how long they hold.
///
/// # Errors
/// A sentence without the address.
pub(crate) async fn fetch(source: &Source) -> Result<(Arc<Jwks>, Option<Duration>), String> {
    let under_way = source.set.begin_fetch();
    let late = || format!("there was no whole answer within {}", format_duration(FETCH_TIME));
    let (bytes, age) = timeout(FETCH_TIME, get(&source.url)).await.unwrap_or_else(|_| Err(late()))?;
    let keys = under_way.finish(&bytes).map_err(|error| error.to_string())?;
    Ok((keys, age))
}

/// What stands behind an address, and how long it holds.
async fn get(url: &Url) -> Result<(Vec<u8>, Option<Duration>), String> {
    let client = Client::new(&Reach { ca: None, connect_timeout: FETCH_TIME, answer_timeout: FETCH_TIME });
    let accepted = HeaderValue::from_static("application/jwk-set+json, application/json");
    let headers = HeaderMap::from_iter([(ACCEPT, accepted)]);
    let mut url = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let mut answer = client.get(&url, headers.clone()).await.map_err(|error| error.reason(&url).0)?;
        if answer.status().is_redirection() {
            url = redirected(&url, answer.location())?;
            continue;
        }
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer is {}", answer.status()));
        }
        let (age, mut bytes) = (max_age(answer.headers()), Vec::new());
        while let Some(piece) = answer.piece().await.map_err(|error| format!("the answer broke off: {error}"))? {
            if bytes.len() + piece.len() > Jwks::BYTES_MAX {
                return Err("the answer is larger than 1MiB".to_owned());
            }
            bytes.extend_from_slice(&piece);
        }
        return Ok((bytes, age));
    }
    Err(format!("there are more than {REDIRECTS_MAX} redirects"))
}

/// The target of a redirect, which is as safe as where it comes from.
fn redirected(from: &Url, location: Option<&str>) -> Result<Url, String> {
    let location = location.ok_or("it redirects to nowhere")?;
    let to = from.redirected(location).map_err(|error| format!("it redirects to no address: {error}"))?;
    let parsed = |url: &Url| ::url::Url::parse(&url.to_string()).map_err(|error| error.to_string());
    let (from, parsed) = (parsed(from)?, parsed(&to)?);
    if from.scheme() != parsed.scheme() {
        return Err(format!("it redirects from {}:// to {}://", from.scheme(), parsed.scheme()));
    }
    if parsed.scheme() == "http" && !is_of_this_machine(&parsed) {
        return Err("it redirects to another machine over plain http://".to_owned());
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_with_its_scheme() {
        let redirected =
            |from: &str, to: Option<&str>| redirected(&Url::parse(from).unwrap(), to).map(|url| url.to_string());
        assert_eq!(redirected("https://a/x", Some("/y")).as_deref(), Ok("https://a/y"));
        assert_eq!(redirected("https://a/x", Some("https://b/y")).as_deref(), Ok("https://b/y"));
        assert_eq!(redirected("http://127.0.0.1/x", Some("http://localhost/y")).as_deref(), Ok("http://localhost/y"));
        for (from, to) in [
            ("https://a", Some("http://a/y")),
            ("http://localhost", Some("https://a")),
            ("http://localhost", Some("http://a")),
            ("https://a", Some("file:///etc/passwd")),
            ("https://a", None),
        ] {
            assert!(redirected(from, to).is_err(), "{from} {to:?}");
        }
    }
}
