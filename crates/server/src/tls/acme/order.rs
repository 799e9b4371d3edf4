//! [`Orders`]: one certificate from the authority, from the account to the chain (RFC 8555 section 7.1, RFC 8737).

use std::{
    future::Future,
    time::{Duration, Instant},
};

use fanfare_http::{Certificates, TlsChallenge};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::time::timeout;
use tracing::warn;

use super::{
    cache::Cache,
    http::{Asked, Http},
};

/// Longest time for one certificate, with all waits for the authority.
const ORDER_TIME_MAX: Duration = Duration::from_secs(300);
/// How often, and for how long, the authority is asked whether it has checked, or has issued.
const POLLS: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_secs(1)).backoff(1.5).timeout(Duration::from_secs(120));
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
const RATE_LIMITED: &str = "urn:ietf:params:acme:error:rateLimited";

/// Orders certificates with one account.
pub(super) struct Orders {
    pub(super) directory: String,
    pub(super) email: Option<String>,
    pub(super) http: Http,
    pub(super) cache: Cache,
    pub(super) certificates: Certificates,
    pub(super) account: Option<Account>,
}

/// The reason why there is no certificate.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// The authority says that it was asked too often.
    pub(super) is_limited: bool,
    /// The wait that the authority asks for.
    pub(super) retry_after: Option<Duration>,
    /// The reason is no matter of the name: there is no account, or the authority is not there.
    pub(super) is_of_all: bool,
}

impl Refusal {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_limited: false, retry_after: None, is_of_all: false }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let retry_after = match error {
            // An order that takes longer than we wait.
            Error::Timeout(Some(next)) => Some(next.saturating_duration_since(Instant::now())),
            _ => None,
        };
        Self { is_limited: is_problem(&error, RATE_LIMITED), retry_after, ..Self::new(told(&error)) }
    }
}

impl Orders {
    /// Orders a certificate for `domain`. Returns the chain and its key as PEM.
    pub(super) async fn order(&mut self, domain: &str) -> Result<String, Refusal> {
        // A wait of another name's attempt is over.
        self.http.take_asked();
        let ordered = self.try_order(domain).await;
        ordered.map_err(|refusal| match self.http.take_asked() {
            Some(Asked { wait, is_of_server }) => {
                Refusal { retry_after: Some(wait), is_of_all: refusal.is_of_all || is_of_server, ..refusal }
            }
            None => refusal,
        })
    }

    async fn try_order(&mut self, domain: &str) -> Result<String, Refusal> {
        let account = self.account().await.map_err(|refusal| Refusal { is_of_all: true, ..refusal })?;
        let ordered = within(ORDER_TIME_MAX, self.order_with(&account, domain)).await;
        if ordered.as_ref().is_err_and(|(_, is_unknown)| *is_unknown) {
            self.account = None;
            self.cache.forget_account();
        }
        ordered.map_err(|(refusal, _)| refusal)
    }

    /// The account: the one in use, the one in the cache, or a new one.
    async fn account(&mut self) -> Result<Account, Refusal> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let account = match self.cache.account() {
            Some(credentials) => limited(builder.from_credentials(credentials)).await?,
            None => {
                let contact = self.email.as_ref().map(|email| format!("mailto:{email}"));
                let contact: Vec<_> = contact.iter().map(String::as_str).collect();
                let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
                let (account, credentials) = limited(builder.create(&new, self.directory.clone(), None)).await?;
                if let Err(reason) = self.cache.keep_account(&credentials) {
                    // In use all the same: otherwise each attempt would make one more.
                    warn!("ACME: {reason}; the next start has to make another account");
                }
                account
            }
        };
        Ok(self.account.insert(account).clone())
    }

    /// The second value of an error: the authority does not know the account.
    async fn order_with(&self, account: &Account, domain: &str) -> Result<String, (Refusal, bool)> {
        let identifiers = [Identifier::Dns(domain.to_owned())];
        let order = account.new_order(&NewOrder::new(&identifiers)).await;
        let mut order = order.map_err(|error| {
            let is_unknown = is_problem(&error, UNKNOWN_ACCOUNT);
            (error.into(), is_unknown)
        })?;
        self.prove_and_fetch(&mut order, domain).await.map_err(|refusal| (refusal, false))
    }

    async fn prove_and_fetch(&self, order: &mut Order, domain: &str) -> Result<String, Refusal> {
        // Given until the authority has made up its mind.
        let mut given = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Valid => continue,
                status => return Err(Refusal::new(format!("the authority gave an authorization that is {status:?}"))),
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge =
                challenge.ok_or_else(|| Refusal::new("the authority does not offer the challenge tls-alpn-01"))?;
            given.push(self.give(domain, challenge.key_authorization().digest().as_ref())?);
            challenge.set_ready().await?;
        }
        if order.poll_ready(&POLLS).await? != OrderStatus::Ready {
            return Err(Refusal::new(why_invalid(order).await));
        }
        drop(given);
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&POLLS).await?;
        Ok(format!("{}\n{key}", chain.trim_end()))
    }

    /// Answers a challenge with a certificate for the name alone, signed by itself, with the digest (RFC 8737 section 3).
    fn give(&self, domain: &str, digest: &[u8]) -> Result<TlsChallenge, Refusal> {
        let failed = |error: rcgen::Error| Refusal::new(format!("the challenge certificate cannot be made: {error}"));
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new([domain.to_owned()]).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let certificate = params.self_signed(&key).map_err(failed)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let given = self.certificates.challenge(domain, certificate.der().clone(), &key);
        given.map_err(|error| Refusal::new(error.to_string()))
    }
}

/// What the authority found when it checked.
async fn why_invalid(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            let detail = problem.detail.clone().unwrap_or_else(|| problem.to_string());
            return format!("the authority could not check the name: {detail}");
        }
    }
    "the authority could not check the name, and does not say why".to_owned()
}

async fn within<T>(
    time: Duration,
    asked: impl Future<Output = Result<T, (Refusal, bool)>>,
) -> Result<T, (Refusal, bool)> {
    let late = || (Refusal::new(format!("the authority did not finish within {time:?}")), false);
    timeout(time, asked).await.unwrap_or_else(|_| Err(late()))
}

async fn limited<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Refusal> {
    within(ORDER_TIME_MAX, async { asked.await.map_err(|error| (error.into(), false)) }).await.map_err(|(why, _)| why)
}

fn is_problem(error: &Error, kind: &str) -> bool {
    matches!(error, Error::Api(problem) if problem.r#type.as_deref() == Some(kind))
}

/// The words of the authority, or the error.
fn told(error: &Error) -> String {
    match error {
        Error::Api(problem) => problem.detail.clone().unwrap_or_else(|| problem.to_string()),
        error => error.to_string(),
    }
}
