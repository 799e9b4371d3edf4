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
use hyper::{Request, Response, Uri, header::RETRY_AFTER};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::{runtime::Builder, sync::oneshot};

use crate::{
    client::{Client, Reach, retry_after},
    url::Url,
};

/// Time limits, as of `publish`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests, each on a connection and a thread of its own. A certificate takes about ten in two months.
#[derive(Clone, Debug)]
pub(super) struct Http {
    reach: Reach,
    /// The wait that the last refusal asks for.
    retry_after: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    /// Trusts the authorities in the file `root`, or those of the system.
    pub(super) fn new(root: Option<PathBuf>) -> Self {
        let reach = Reach { ca: root, connect_timeout: CONNECT_TIMEOUT, answer_timeout: ANSWER_TIMEOUT };
        Self { reach, retry_after: Arc::default() }
    }

    /// The wait that the last refusal asked for, if that was since the last look. The client of ACME does not tell it.
    pub(super) fn take_retry_after(&self) -> Option<Duration> {
        mem::take(&mut *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Answered = Result<Response<Full<Bytes>>, String>;

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let Self { reach, retry_after } = self.clone();
        Box::pin(async move {
            let (done, answered) = oneshot::channel();
            // The client's futures stay on their thread. A thread does not hold up the end of the process either.
            let asking = thread::Builder::new().name("acme".to_owned()).spawn(move || {
                // If nobody waits any more, the answer is of no use.
                let _ = done.send(exchange(&reach, request));
            });
            asking.map_err(|error| other(format!("no thread for the request: {error}")))?;
            let answered = answered.await.unwrap_or_else(|_| Err("the request was broken off".to_owned()));
            let answer = answered.map_err(other)?;
            if let Some(wait) = wait_asked(&answer) {
                *retry_after.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
            }
            Ok(BytesResponse::from(answer))
        })
    }
}

fn other(reason: String) -> Error {
    Error::Other(reason.into())
}

/// The wait that a refusal asks for. In other answers it is the wait for an order.
fn wait_asked(answer: &Response<Full<Bytes>>) -> Option<Duration> {
    let is_refusal = answer.status().is_client_error() || answer.status().is_server_error();
    let asked = answer.headers().get(RETRY_AFTER).filter(|_| is_refusal)?;
    retry_after(asked.to_str().ok()?, SystemTime::now())
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
    let answer = answer.map_err(|error| error.reason(&url).0)?;
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
