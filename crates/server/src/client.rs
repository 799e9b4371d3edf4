//! [`Client`]: the HTTP/1.1 client of `subscribe` and `publish`. The client reads while it writes, so it hears an
//! answer that comes before the end of the request. Every wait has a limit.

mod answer;
mod connector;
mod error;
mod reach;
mod socket;

use std::{future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{
    BodyExt as _, Empty,
    channel::{Channel, Sender},
};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    client::conn::http1,
    ext::on_informational,
    header::{EXPECT, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{sync::Notify, time::timeout};

pub(crate) use self::{
    answer::{Answer, Outgoing, Reply, retry_after},
    connector::{authorities, of_the_system},
    error::Error,
    reach::Reach,
};
use self::{connector::Connector, socket::Progress};
use crate::{failure::Failure, url::Url};

/// Longest wait for the server's word that it wants the body (`Expect: 100-continue`, RFC 9110 10.1.1). Not every
/// server sends one, so the body is sent after this time in any case.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
const AGENT: HeaderValue = HeaderValue::from_static(concat!("fanfare/", env!("CARGO_PKG_VERSION")));

/// Takes the pieces of a body. Its drop is the regular end of the body.
pub(crate) type Feed = Sender<Bytes>;

/// Makes a connection for each request.
pub(crate) struct Client {
    connector: Connector,
    answer_timeout: Duration,
}

impl Client {
    pub(crate) fn new(reach: &Reach) -> Self {
        Self { connector: Connector::new(reach), answer_timeout: reach.answer_timeout }
    }

    /// Asks for `url`. A redirect is an answer like any other.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Answer<'static>, Error> {
        self.send(url, Method::GET, headers, Empty::new().boxed_unsync()).await
    }

    /// Sends a request whose body is there already.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn send(
        &self,
        url: &Url,
        method: Method,
        headers: HeaderMap,
        body: Outgoing,
    ) -> Result<Answer<'static>, Error> {
        self.exchange(url, request(method, headers, body), Box::pin(future::ready(()))).await
    }

    /// Sends the body that `feed` gives. With `Expect: 100-continue` among the `headers`, the body waits for the
    /// server's word first.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn post<'a, F>(
        &self,
        url: &Url,
        headers: HeaderMap,
        feed: impl FnOnce(Feed) -> F + 'a,
    ) -> Result<Answer<'a>, Error>
    where
        F: Future<Output = ()> + 'a,
    {
        let (sender, body) = Channel::new(1);
        let asks_first = headers.contains_key(EXPECT);
        let mut request = request(Method::POST, headers, body.boxed_unsync());
        let wanted = Arc::new(Notify::new());
        let told = Arc::clone(&wanted);
        on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                told.notify_one();
            }
        });
        let feeding = async move {
            if asks_first {
                let _ = timeout(CONTINUE_WAIT, wanted.notified()).await;
            }
            feed(sender).await;
        };
        self.exchange(url, request, Box::pin(feeding)).await
    }

    /// Sends one request, while `feeding` gives its body, and waits for the head of the answer.
    async fn exchange<'a>(
        &self,
        url: &Url,
        mut request: Request<Outgoing>,
        feeding: Pin<Box<dyn Future<Output = ()> + 'a>>,
    ) -> Result<Answer<'a>, Error> {
        let uri: Uri = url.to_string().parse().map_err(|error| Error::Url(format!("{error}")))?;
        let progress = Arc::new(Progress::new());
        let connection = self.connector.connect(&uri, &progress).await?;
        connection.address(&mut request, &uri)?;
        let is_to_proxy = connection.is_to_proxy();
        let (mut sender, driver) = http1::handshake(TokioIo::new(connection.stream)).await?;
        // An error of the driver also reaches the future that waits for the answer.
        tokio::spawn(driver);
        let (answer_timeout, watched) = (self.answer_timeout, Arc::clone(&progress));
        let mut feeding: Pin<Box<dyn Future<Output = ()> + 'a>> = Box::pin(async move {
            feeding.await;
            watched.end_body();
            watched.quiet_for(answer_timeout).await;
        });
        let response = tokio::select! {
            biased;
            response = sender.send_request(request) => response.map_err(|error| {
                // Only for http: with https the first byte is always TLS's own, and no sign of a mistake.
                let is_tls = uri.scheme_str() == Some("http") && !is_to_proxy && progress.has_heard_tls();
                if is_tls { Error::SpeaksTls(uri.to_string()) } else { Error::from(error) }
            })?,
            () = &mut feeding => return Err(Error::AnswerTimeout(answer_timeout)),
        };
        let is_early = !progress.is_body_ended();
        Ok(Answer::new(response, answer_timeout, is_early, feeding, sender))
    }
}

fn request(method: Method, headers: HeaderMap, body: Outgoing) -> Request<Outgoing> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    request.headers_mut().insert(USER_AGENT, AGENT);
    request
}

/// Runs a command that speaks HTTP, on its own runtime.
///
/// # Errors
/// Errors of the command; or no runtime can be made.
pub(crate) fn run<F: Future<Output = Result<(), Failure>>>(command: F) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let done = runtime.block_on(command);
    // The end does not wait for the look-up of a name.
    runtime.shutdown_background();
    done
}
