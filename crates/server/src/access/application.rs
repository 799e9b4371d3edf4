//! [`Application`]: an application that decides, asked over HTTP. [`Asker`]: the part of it on a thread of its own.

use std::{
    error::Error as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use fanfare_grants::{Excerpt, Grant};
use fanfare_http::{Authorize, Decision, Question};
use http_body_util::{BodyExt as _, Full, Limited};
use humantime::format_duration;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use ring::digest::{Context, SHA256};
use rustls::{ClientConfig, RootCertStore, crypto::ring as provider};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::spawn_local,
    time::timeout,
};

use super::{
    answers::{Answers, Digest},
    lifetime::max_age,
};
use crate::{client, settings::ApplicationPlan};

/// Largest answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Time for which a connection waits for its next question. Node closes connections that have waited for five seconds.
const IDLE_TIME: Duration = Duration::from_secs(4);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("fanfare/", env!("CARGO_PKG_VERSION")));

/// An application that decides. Each thread of the server may ask.
#[derive(Debug)]
pub(super) struct Application {
    headers: Vec<HeaderName>,
    under_way: Arc<Semaphore>,
    under_way_max: usize,
    answers: Arc<Mutex<Answers>>,
    questions: mpsc::UnboundedSender<Asked>,
}

/// A question on its way. Its permit bounds their number, so the queue needs no bound.
#[derive(Debug)]
struct Asked {
    digest: Digest,
    headers: HeaderMap,
    body: Bytes,
    done: oneshot::Sender<Decision>,
    _permit: OwnedSemaphorePermit,
}

/// Whoever sends the questions.
pub(super) struct Asker {
    questions: mpsc::UnboundedReceiver<Asked>,
    line: Arc<Line>,
    under_way: Arc<Semaphore>,
    under_way_max: usize,
}

/// The way to the application.
struct Line {
    client: HttpsClient,
    url: Uri,
    timeout: Duration,
    answers: Arc<Mutex<Answers>>,
}

impl Application {
    /// # Errors
    /// A sentence: the certificates that this system trusts cannot be read.
    pub(super) fn new(plan: ApplicationPlan) -> Result<(Self, Asker), String> {
        let ApplicationPlan { url, publish: _, headers, timeout, under_way_max, answers_max } = plan;
        let (sender, questions) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(Answers::new(answers_max)));
        let line = Line {
            client: https_client(url.scheme_str() == Some("https"), timeout)?,
            url,
            timeout,
            answers: Arc::clone(&answers),
        };
        let under_way = Arc::new(Semaphore::new(under_way_max));
        let asker = Asker { questions, line: Arc::new(line), under_way: Arc::clone(&under_way), under_way_max };
        Ok((Self { headers, under_way, under_way_max, answers, questions: sender }, asker))
    }
}

/// A client of HTTP that speaks TLS where the address says so.
pub(crate) type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that has `timeout` for each connection. If it speaks TLS, it trusts the certificates that the system trusts.
///
/// # Errors
/// A sentence: these certificates cannot be read.
pub(crate) fn https_client(speaks_tls: bool, timeout: Duration) -> Result<HttpsClient, String> {
    let roots = match speaks_tls {
        true => client::of_the_system()
            .map_err(|reason| format!("the certificates that this system trusts cannot be read: {reason}"))?,
        false => RootCertStore::empty(),
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIME);
    Ok(builder.build(connector))
}

impl Authorize for Application {
    fn decide(&self, question: Question) -> Pin<Box<dyn Future<Output = Decision> + Send>> {
        let headers = chosen(&self.headers, &question.headers);
        let body = body(&question);
        let digest = digest(&headers, &body);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.find(&digest, Instant::now());
        drop(answers);
        if let Some(decision) = kept {
            return Box::pin(std::future::ready(decision));
        }
        let failed = |reason: String| Box::pin(std::future::ready(Decision::Failed(reason)));
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            return failed(format!("{} questions are under way already (authorize-under-way)", self.under_way_max));
        };
        let (done, answered) = oneshot::channel();
        let asked = Asked { digest, headers, body, done, _permit: permit };
        if self.questions.send(asked).is_err() {
            return failed("the thread that asks it has ended".to_owned());
        }
        Box::pin(
            async move { answered.await.unwrap_or_else(|_| Decision::Failed("the question was dropped".to_owned())) },
        )
    }
}

/// The headers that go to the application.
fn chosen(names: &[HeaderName], of_request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in names {
        for value in of_request.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// The question in JSON.
fn body(question: &Question) -> Bytes {
    let mut members = Map::new();
    members.insert("act".to_owned(), question.act.name().into());
    members.insert("method".to_owned(), question.method.as_str().into());
    members.insert("channels".to_owned(), question.channels.as_slice().into());
    members.insert("client".to_owned(), question.client.as_deref().into());
    members.insert("all".to_owned(), question.all.into());
    members.insert("address".to_owned(), question.address.to_canonical().to_string().into());
    // What is no text is no token either.
    if let Some(token) = question.token.as_deref().and_then(|token| str::from_utf8(token).ok()) {
        members.insert("token".to_owned(), token.into());
    }
    Value::Object(members).to_string().into()
}

/// The digest of a whole question. Each part has its length in front, so that no two questions are the same bytes.
fn digest(headers: &HeaderMap, body: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    let mut add = |part: &[u8]| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    add(body);
    for (name, value) in headers {
        add(name.as_str().as_bytes());
        add(value.as_bytes());
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

impl Asker {
    /// Sends the questions as they come, each as a task of its own, until nobody can ask any more and all are answered.
    pub(super) async fn ask_until_the_end(mut self) {
        while let Some(asked) = self.questions.recv().await {
            let line = Arc::clone(&self.line);
            spawn_local(async move { line.answer(asked).await });
        }
        // The permits come back with the answers.
        let all = u32::try_from(self.under_way_max).unwrap_or(u32::MAX);
        let _ = self.under_way.acquire_many(all).await;
    }
}

impl Line {
    async fn answer(&self, asked: Asked) {
        let Asked { digest, headers, body, done, _permit } = asked;
        let answered = timeout(self.timeout, self.ask(headers, body, &digest)).await;
        let (decision, age) = answered
            .unwrap_or_else(|_| {
                Err(format!("there was no answer within {} (--authorize-timeout)", format_duration(self.timeout)))
            })
            .unwrap_or_else(|reason| (Decision::Failed(reason), None));
        if let Some(age) = age.map(|age| bounded(age, &decision, unix_s())) {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.keep(digest, decision.clone(), age, Instant::now());
        }
        // Whoever has asked may be gone.
        let _ = done.send(decision);
    }

    /// The decision, and how long it holds.
    async fn ask(
        &self,
        headers: HeaderMap,
        body: Bytes,
        digest: &Digest,
    ) -> Result<(Decision, Option<Duration>), String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        let own = [(CONTENT_TYPE, JSON), (ACCEPT, JSON)];
        request.headers_mut().extend(own);
        request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        let answer = self.client.request(request).await.map_err(|error| reason(&error))?;
        let age = max_age(answer.headers());
        let decision = match answer.status() {
            StatusCode::OK => decision(&read(answer).await?, digest)?,
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Decision::Deny(format!("it answers {status}"))
            }
            status => return Err(format!("it answers {status}")),
        };
        Ok((decision, age))
    }
}

/// The time for which an answer is kept: not longer than its grant holds.
fn bounded(age: Duration, decision: &Decision, unix_s: u64) -> Duration {
    match decision {
        Decision::Grant(grant) => {
            grant.expires.map_or(age, |expires| age.min(Duration::from_secs(expires.saturating_sub(unix_s))))
        }
        Decision::Allow | Decision::Deny(_) | Decision::Failed(_) => age,
    }
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

/// The reason why there is no answer, from the innermost error.
fn reason(error: &hyper_util::client::legacy::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        last = error.to_string();
        next = error.source();
    }
    last
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let fault = |error: Box<dyn std::error::Error + Send + Sync>| match error.downcast_ref() {
        Some(http_body_util::LengthLimitError { .. }) => "its answer is larger than 64KiB".to_owned(),
        None => format!("its answer broke off: {error}"),
    };
    body.map(|body| body.to_bytes()).map_err(fault)
}

/// The members of an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words<'a> {
    allow: Option<bool>,
    reason: Option<String>,
    #[serde(borrow)]
    fanfare: Option<&'a RawValue>,
    exp: Option<u64>,
}

/// What the JSON of an answer says. Anything that is not said clearly is no decision.
fn decision(answer: &[u8], digest: &Digest) -> Result<Decision, String> {
    let unclear = |what: &str| format!("its answer is no decision: {what}");
    let words: Words<'_> = serde_json::from_slice(answer).map_err(|error| unclear(&json_fault(&error)))?;
    match words {
        Words { allow: Some(true), reason: None, fanfare: None, exp: None } => Ok(Decision::Allow),
        Words { allow: Some(false), reason, fanfare: None, exp: None } => {
            let reason =
                reason.map_or_else(|| "it gives no reason".to_owned(), |reason| Excerpt::new(&reason).to_string());
            Ok(Decision::Deny(reason))
        }
        Words { allow: None | Some(true), reason: None, fanfare: Some(words), exp } => {
            let grant = Grant::from_json(words.get().as_bytes(), String::new(), exp);
            let mut grant = grant.map_err(|error| unclear(&error.to_string()))?;
            if grant.expires.is_some_and(|expires| expires <= unix_s()) {
                return Ok(Decision::Deny("the grant of its answer has ended already".to_owned()));
            }
            grant.holder = holder(&grant, digest);
            Ok(Decision::Grant(Box::new(grant)))
        }
        _ => Err(unclear(
            "write {\"allow\":true}, {\"allow\":false,\"reason\":\"...\"}, or {\"fanfare\":{...},\"exp\":...}",
        )),
    }
}

/// The fault without the text around it, which may have a secret.
fn json_fault(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            "it has other members than allow, reason, fanfare and exp, or of other types"
        }
        _ => "it is no JSON",
    }
    .to_owned()
}

/// The name of whoever holds the grant: the client if the grant names one, or else whoever has shown the same credentials.
fn holder(grant: &Grant, digest: &Digest) -> String {
    let named = grant.client.as_ref().map(|client| (client.as_str(), Excerpt::new(client.as_str()).to_string()));
    match named {
        Some((client, shown)) if client == shown => format!("application/{shown}"),
        Some((client, shown)) => {
            format!("application/{shown}#{}", hex(ring::digest::digest(&SHA256, client.as_bytes()).as_ref()))
        }
        None => format!("application#{}", hex(digest)),
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use fanfare_core::Channel;
    use fanfare_http::Act;

    use super::*;

    fn question() -> Question {
        Question {
            act: Act::Subscribe,
            method: Method::GET,
            channels: vec!["news".to_owned()],
            client: Some("42".to_owned()),
            all: false,
            address: "::ffff:192.0.2.1".parse().unwrap(),
            headers: HeaderMap::from_iter([
                (HeaderName::from_static("cookie"), HeaderValue::from_static("a=b")),
                (HeaderName::from_static("x-other"), HeaderValue::from_static("c")),
            ]),
            token: Some(b"abc".to_vec()),
        }
    }

    #[test]
    fn a_question_has_the_request_in_json_and_the_chosen_headers() {
        let expected = r#"{"act":"subscribe","method":"GET","channels":["news"],"client":"42","all":false,"address":"192.0.2.1","token":"abc"}"#;
        assert_eq!(body(&question()), expected);
        let headers =
            chosen(&[HeaderName::from_static("cookie"), HeaderName::from_static("origin")], &question().headers);
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cookie"]);
    }

    #[test]
    fn the_digest_is_another_one_when_anything_of_the_question_is() {
        let of = |question: &Question| {
            digest(&chosen(&[HeaderName::from_static("cookie")], &question.headers), &body(question))
        };
        let first = of(&question());
        assert_eq!(of(&question()), first);
        let changes: [fn(&mut Question); 8] = [
            |question| question.act = Act::History,
            |question| question.method = Method::POST,
            |question| question.channels.push("b".to_owned()),
            |question| question.client = None,
            |question| question.all = true,
            |question| question.address = "192.0.2.2".parse().unwrap(),
            |question| question.token = None,
            |question| drop(question.headers.insert("cookie", HeaderValue::from_static("a=c"))),
        ];
        for change in changes {
            let mut question = question();
            change(&mut question);
            assert_ne!(of(&question), first, "{question:?}");
        }
        let mut other = question();
        other.headers.insert("x-other", HeaderValue::from_static("d"));
        assert_eq!(of(&other), first, "the application does not see it");
    }

    #[test]
    fn an_answer_allows_denies_or_grants() {
        let of = |text: &str| decision(text.as_bytes(), &[7; 32]).unwrap();
        assert!(matches!(of(r#"{"allow":true}"#), Decision::Allow));
        assert!(matches!(of(r#"{"allow":false}"#), Decision::Deny(_)));
        assert!(matches!(of(r#"{"allow":false,"reason":"so\n"}"#), Decision::Deny(reason) if reason == "so\\n"));
        let Decision::Grant(grant) = of(r#"{"fanfare":{"subscribe":["a.*"],"client":"42"},"exp":4102444800}"#) else {
            panic!()
        };
        assert!(grant.may_follow(&Channel::new("a.b").unwrap()));
        assert_eq!((grant.expires, grant.holder.as_str()), (Some(4_102_444_800), "application/42"));
        let Decision::Grant(grant) = of(r#"{"fanfare":{}}"#) else { panic!() };
        assert_eq!(grant.holder, format!("application#{}", "07".repeat(16)));
    }

    #[test]
    fn a_grant_that_has_ended_is_none_and_no_answer_outlives_its_grant() {
        let ended = decision(br#"{"fanfare":{"subscribe":["a"]},"exp":9}"#, &[7; 32]);
        assert!(matches!(ended, Ok(Decision::Deny(reason)) if reason.contains("ended already")));
        let minute = Duration::from_secs(60);
        let grant = |expires| Decision::Grant(Box::new(Grant { expires, ..Grant::default() }));
        for (decision, seconds) in [
            (Decision::Allow, 60),
            (grant(None), 60),
            (grant(Some(1_061)), 60),
            (grant(Some(1_007)), 7),
            (grant(Some(999)), 0),
        ] {
            assert_eq!(bounded(minute, &decision, 1_000), Duration::from_secs(seconds), "{decision:?}");
        }
    }

    #[test]
    fn what_is_not_clear_is_no_decision() {
        for text in [
            "",
            "true",
            "s3cr3t",
            "{}",
            r#"{"allow":"true"}"#,
            r#"{"allow":1}"#,
            r#"{"allow":null}"#,
            r#"{"Allow":true}"#,
            r#"{"allow":true,"s3cr3t":1}"#,
            r#"{"allow":true,"allow":false}"#,
            r#"{"allow":true,"exp":9}"#,
            r#"{"allow":true,"reason":"s3cr3t"}"#,
            r#"{"allow":false,"fanfare":{}}"#,
            r#"{"exp":9}"#,
            r#"{"fanfare":[]}"#,
            r#"{"fanfare":{"subscribe":"a"}}"#,
            r#"{"fanfare":{"subscrib":["a"]}}"#,
            r#"{"fanfare":{"all":true,"all":true}}"#,
            r#"{"fanfare":{},"exp":"9"}"#,
            r#"{"fanfare":{},"exp":-1}"#,
            r#"{"allow":true}{"allow":true}"#,
        ] {
            let reason = decision(text.as_bytes(), &[7; 32]).unwrap_err();
            assert!(reason.starts_with("its answer is no decision") && !reason.contains("s3cr3t"), "{text}: {reason}");
        }
    }
}
