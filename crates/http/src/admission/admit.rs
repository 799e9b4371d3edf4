//! [`admit`]: finds the rights of a request: from a key, a token, or the application's answer.

use std::{pin::Pin, sync::Arc, time::Duration};

use fanfare_core::Pattern;
use fanfare_grants::{Grant, KeySet, Refused, Rule};
use hyper::{HeaderMap, Uri};
use tokio::time::timeout;

use crate::{
    access::{
        authorize::{Act, Authorize, Decision, Question},
        gate::Access,
    },
    admission::{
        credential::{self, Credential, Place},
        rights::{Holder, Rights},
    },
    answer::problem::Problem,
    app::{App, unix_ms},
    request::origin,
};

/// Time for which a request waits for the keys of an issuer to be fetched again, because it names one that nobody knows. The issuer may
/// have new ones, and a browser that is refused gives up for ever.
const KEYS_TIME: Duration = Duration::from_secs(5);

/// The rights of a request, now or later.
pub(crate) enum Admission {
    Now(Result<Rights, Problem>),
    Later(Pin<Box<dyn Future<Output = Result<Rights, Problem>> + Send>>),
}

/// Finds the rights of a request for `act`. `question` is what the application is asked, if it has to be. None: the request is wrong, and
/// is refused as such later.
pub(crate) fn admit(
    app: &Arc<App>,
    act: Act,
    is_tls: bool,
    uri: &Uri,
    headers: &HeaderMap,
    question: impl FnOnce(Option<Vec<u8>>) -> Option<Question>,
) -> Admission {
    // A reload replaces the key and the rules one after the other. Whoever looks at the key before and behind the rules finds one of them.
    let has_key = || app.config().publish_key.is_some();
    let had_key = has_key();
    let access = app.config().gate.access();
    let is_private = match act {
        Act::Subscribe | Act::History => access.is_reading_private(),
        Act::Publish => access.is_publishing_private() || had_key || has_key(),
    };
    if !is_private {
        return Admission::Now(Ok(Rights::new(access, Holder::Anybody)));
    }
    let shown = match credential::of_request(headers, uri.query().unwrap_or_default(), access.cookie.as_deref()) {
        Ok(shown) => shown,
        Err(problem) => return Admission::Now(Err(problem)),
    };
    // A form of another site sends cookies too.
    if act == Act::Publish
        && shown.as_ref().is_some_and(|shown| shown.place == Place::Cookie)
        && let Err(problem) = origin::check_cookie(&app.config(), is_tls, uri, headers)
    {
        return Admission::Now(Err(problem));
    }
    let judged = shown.as_ref().map(|shown| judge(app, &access, act, &shown.text));
    if let Some(Ok(grant)) = judged {
        return Admission::Now(Ok(Rights::new(access, Holder::Granted(grant))));
    }
    let is_foreign = judged.as_ref().and_then(|judged| judged.as_ref().err()).is_none_or(|refused| refused.is_foreign);
    let application = access.application.clone();
    let application = application.filter(|_| is_foreign && (act != Act::Publish || access.asks_to_publish));
    let inquiry = application.and_then(|application| {
        let token = shown.as_ref().filter(|shown| shown.place != Place::Header).map(|shown| shown.text.clone());
        let question = question(token).filter(|question| !is_public(&access, question))?;
        Some(Inquiry { application, question })
    });
    let refused = judged.and_then(Result::err);
    let keys = refused.as_ref().map(|refused| refused.keys.clone()).unwrap_or_default();
    let problem = refused.map(|refused| refused.problem);
    match (inquiry, shown) {
        (None, shown) if keys.is_empty() => Admission::Now(without_grant(access, shown.as_ref(), problem)),
        (inquiry, shown) => {
            let app = Arc::clone(app);
            Admission::Later(Box::pin(async move {
                let mut problem = problem;
                if let Some(shown) = shown.as_ref().filter(|_| !keys.is_empty()) {
                    wait_for(&keys, &app).await;
                    match judge(&app, &access, act, &shown.text) {
                        Ok(grant) => return Ok(Rights::new(access, Holder::Granted(grant))),
                        Err(refused) => problem = Some(refused.problem),
                    }
                }
                match inquiry {
                    Some(inquiry) => inquiry.answer(access).await,
                    None => without_grant(access, shown.as_ref(), problem),
                }
            }))
        }
    }
}

/// The rights of a request without a grant. A wrong credential is refused, unless it stands in a cookie: that comes along whatever is
/// asked for, and public channels stay public.
fn without_grant(access: Arc<Access>, shown: Option<&Credential>, problem: Option<Problem>) -> Result<Rights, Problem> {
    match problem {
        Some(problem) if shown.is_none_or(|shown| shown.place != Place::Cookie) => Err(problem),
        problem => Ok(Rights::new(access, Holder::Nobody(problem))),
    }
}

/// A credential that gives no grant.
struct Ungranted {
    problem: Problem,
    /// Nobody here knows it, and the application may.
    is_foreign: bool,
    /// The sets that may have the token's key once they are fetched again.
    keys: Vec<Arc<KeySet>>,
}

/// The grant that a credential gives.
fn judge(app: &App, access: &Access, act: Act, shown: &[u8]) -> Result<Arc<Grant>, Box<Ungranted>> {
    let now_ms = unix_ms();
    let ungranted = |refused: Refused| {
        let problem = Problem::invalid_credential().because(refused.to_string());
        Box::new(Ungranted { problem, is_foreign: is_foreign(&refused.rule), keys: refused.unknown_keys })
    };
    let current = app.config();
    let publish_key = current.publish_key.iter().filter(|_| act == Act::Publish);
    for keys in publish_key.chain(&access.keys) {
        match keys.find(shown, now_ms) {
            Ok(grant) => return Ok(grant),
            Err(refused) if refused.rule == Rule::ApiKeyExpired => return Err(ungranted(refused)),
            Err(_) => {}
        }
    }
    match &access.tokens {
        Some(tokens) => tokens.check(shown, now_ms).map(Arc::new).map_err(ungranted),
        None => Err(ungranted(Rule::UnknownApiKey.into())),
    }
}

/// Whether a credential is of nobody whom this server knows. Of those that it knows, it says itself what is wrong.
fn is_foreign(rule: &Rule) -> bool {
    matches!(
        rule,
        Rule::TooLong
            | Rule::Form
            | Rule::Json(_)
            | Rule::Algorithm(_)
            | Rule::UnknownIssuer(_)
            | Rule::NoIssuer
            | Rule::UnknownKey(_)
            | Rule::NoKeys
            | Rule::Signature
            | Rule::UnknownApiKey
    )
}

/// Waits until the keys are fetched again, if they may be. The old ones decide if it takes too long, or if too many wait.
async fn wait_for(keys: &[Arc<KeySet>], app: &App) {
    let Ok(_turn) = app.key_waits.try_acquire() else { return };
    let asked: Vec<_> = keys.iter().filter_map(|keys| Some(keys.fetched().wait(keys.ask(app.now_ms())?))).collect();
    let fetched = async {
        for fetched in asked {
            fetched.await;
        }
    };
    let _ = timeout(KEYS_TIME, fetched).await;
}

/// A question, and who is asked.
struct Inquiry {
    application: Arc<dyn Authorize>,
    question: Question,
}

impl Inquiry {
    async fn answer(self, access: Arc<Access>) -> Result<Rights, Problem> {
        let is_batch = self.question.is_batch();
        match self.application.decide(self.question).await {
            Decision::Allow if is_batch => Err(Problem::denied().because("a batch needs a grant of the application")),
            Decision::Allow => Ok(Rights::new(access, Holder::Allowed)),
            Decision::Grant(grant) => Ok(Rights::new(access, Holder::Granted(Arc::from(grant)))),
            Decision::Deny(reason) => Err(Problem::denied().because(format!("the application denies it: {reason}"))),
            Decision::Failed(reason) => {
                Err(Problem::undecided().because(format!("the application cannot be asked: {reason}")))
            }
        }
    }
}

/// Whether everybody may do what the question is about.
fn is_public(access: &Access, question: &Question) -> bool {
    let Question { act, channels, client, all, .. } = question;
    let public = if *act == Act::Publish { &access.public_publish } else { &access.public };
    let covers =
        |name: &String| Pattern::new(name).is_ok_and(|pattern| public.iter().any(|public| public.covers(&pattern)));
    client.is_none() && !all && !channels.is_empty() && channels.iter().all(covers)
}
