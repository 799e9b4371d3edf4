//! [`Http`]: the requests of ACME, sent by the client of the command. So proxies, time limits and trust are the same.

use std::{
    future::Future,
    io, mem,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, Uri,
    header::{HeaderValue, RETRY_AFTER},
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::{runtime::Builder, sync::oneshot};

use super::pace::RETRY_AFTER_MAX;
use crate::{
    client::{self, Client, Reach, retry_after},
    url::Url,
};

/// Time limits, as of `publish`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests, each on a connection and a thread of its own. A certificate takes about ten in two months.
#[derive(Clone, Debug)]
pub(super) struct Http {
    reach: Reach,
    /// What the last refusal asks for.
    asked: Arc<Mutex<Option<Asked>>>,
}

/// The wait that a refusal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) wait: Duration,
    /// The server as a whole is not available (RFC 9110 section 15.6.4), whatever it is asked for.
    pub(super) is_of_server: bool,
}

impl Http {
    /// Trusts the authorities in the file `root`, or those of the system.
    pub(super) fn new(root: Option<PathBuf>) -> Self {
        let reach = Reach { ca: root, connect_timeout: CONNECT_TIMEOUT, answer_timeout: ANSWER_TIMEOUT };
        Self { reach, asked: Arc::default() }
    }

    /// What the last refusal asked for, if that was since the last look. The client of ACME does not tell it.
    pub(super) fn take_asked(&self) -> Option<Asked> {
        mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Answered = Result<Response<Full<Bytes>>, String>;

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let Self { reach, asked } = self.clone();
        Box::pin(async move {
            let (done, answered) = oneshot::channel();
            // The client's futures stay on their thread. A thread does not hold up the end of the process either.
            let asking = thread::Builder::new().name("acme".to_owned()).spawn(move || {
                // If nobody waits any more, the answer is of no use.
                let _ = done.send(exchange(&reach, request));
            });
            asking.map_err(|error| other(format!("no thread for the request: {error}")))?;
            let answered = answered.await.unwrap_or_else(|_| Err("the request was broken off".to_owned()));
            let mut answer = answered.map_err(other)?;
            if let Some(wait) = wait_asked(&answer) {
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
            }
            bound_wait(&mut answer);
            Ok(BytesResponse::from(answer))
        })
    }
}

fn other(reason: String) -> Error {
    Error::Other(reason.into())
}

/// The wait that a refusal asks for. In other answers it is the wait for an order.
fn wait_asked(answer: &Response<Full<Bytes>>) -> Option<Asked> {
    let status = answer.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let wait = wait_of(answer).filter(|_| is_refusal)?;
    Some(Asked { wait, is_of_server: status == StatusCode::SERVICE_UNAVAILABLE })
}

/// Replaces a wait that is too long by the longest one. The client of ACME adds waits to its clock, and panics beyond its end.
fn bound_wait(answer: &mut Response<Full<Bytes>>) {
    if wait_of(answer).is_some_and(|wait| wait > RETRY_AFTER_MAX) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_MAX.as_secs()));
    }
}

fn wait_of(answer: &Response<Full<Bytes>>) -> Option<Duration> {
    retry_after(answer.headers().get(RETRY_AFTER)?.to_str().ok()?, SystemTime::now())
}

fn exchange(reach: &Reach, request: Request<BodyWrapper<Bytes>>) -> Answered {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error: io::Error| format!("no runtime for the request: {error}"))?;
    let answered = runtime.block_on(ask(reach, request));
    // The end does not wait for the look-up of a name.
    runtime.shutdown_background();
    answered
}

async fn ask(reach: &Reach, request: Request<BodyWrapper<Bytes>>) -> Answered {
    let (parts, body) = request.into_parts();
    let url = secure(&parts.uri)?;
    let answer = Client::new(reach).send(&url, parts.method, parts.headers, body.boxed_unsync()).await;
    let answer = answer.map_err(|error| match error {
        client::Error::Authorities(reason) => format!("--acme-ca: {reason}"),
        error => error.reason(&url).0,
    })?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let reply = answer.read().await;
    if !reply.is_whole {
        return Err(format!("the answer of {url} broke off"));
    }
    let mut response = Response::new(Full::new(Bytes::from(reply.text)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The URL of a request. ACME is spoken over https only (RFC 8555 section 6.1).
fn secure(uri: &Uri) -> Result<Url, String> {
    if uri.scheme_str() != Some("https") {
        return Err(format!("the authority names {uri}, which is not https"));
    }
    Url::parse(&uri.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_week_at_most_for_the_client_of_acme() {
        for (asked, bounded) in [
            ("604800", "604800"),
            ("604801", "604800"),
            ("18446744073709551615", "604800"),
            ("99999999999999999999999", "604800"),
            ("Fri, 31 Dec 9999 23:59:59 GMT", "604800"),
            ("soon", "soon"),
        ] {
            let mut answer = Response::new(Full::default());
            answer.headers_mut().insert(RETRY_AFTER, asked.parse().unwrap());
            bound_wait(&mut answer);
            assert_eq!(answer.headers()[RETRY_AFTER], bounded, "{asked}");
        }
    }

    #[test]
    fn a_wait_of_a_refusal_tells_whether_the_server_asks_for_it_as_a_whole() {
        let asked = |status: u16| {
            let answer = Response::builder().status(status).header(RETRY_AFTER, "7").body(Full::default());
            wait_asked(&answer.unwrap()).map(|asked| (asked.wait.as_secs(), asked.is_of_server))
        };
        assert_eq!([200, 429, 503].map(asked), [None, Some((7, false)), Some((7, true))]);
    }
}
