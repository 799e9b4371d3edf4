//! [`Upload`]: the body of a request on its way in, under its limits: bytes, pauses, and all bodies together.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Body as _, Incoming},
    header::{CONTENT_ENCODING, EXPECT},
};
use tokio::time::timeout;

use crate::{
    app::{App, BodyBytes},
    problem::Problem,
};

/// How much of a refused body is read and thrown away, so that its sender gets to read the answer.
const DISCARD_BYTES_MAX: usize = 8 << 20;
/// And for how long.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// A body and the headers that came with it.
#[derive(Debug)]
pub(crate) struct Upload {
    headers: HeaderMap,
    body: Incoming,
    held: BodyBytes,
    idle_timeout: Duration,
}

impl Upload {
    pub(crate) fn new(app: &Arc<App>, request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        let (held, idle_timeout) = (app.take_in(), app.config.body_idle_timeout);
        Self { headers: parts.headers, body, held, idle_timeout }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body has to be as it is.
    ///
    /// # Errors
    /// 415 for any Content-Encoding but identity.
    pub(crate) fn check_coding(&self) -> Result<(), Problem> {
        let mut codings = self.headers.get_all(CONTENT_ENCODING).iter();
        if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed"))
    }

    /// What came next, counted until [`Upload::hold`] says otherwise; `None` at the end.
    ///
    /// # Errors
    /// It broke off, paused for too long, or all bodies together are too many.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = match timeout(self.idle_timeout, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(Problem::bad_request(format!("the body broke off: {error}"))),
                Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body paused for too long")),
            };
            let Ok(piece) = frame.into_data() else { continue };
            if !self.held.add(piece.len()) {
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many bodies at once"));
            }
            return Ok(Some(piece));
        }
    }

    /// Of what came only `bytes` are still held.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.held.set(bytes);
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Upload::piece`]; 413 above `bytes_max`.
    pub(crate) async fn whole(&mut self, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {bytes_max} bytes"));
        let announced = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > bytes_max {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            if bytes.len() + piece.len() > bytes_max {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Reads on for a while, so that a client that is still sending gets to read why it was refused. One that waits
    /// to be asked for its body is not asked.
    pub(crate) async fn discard(mut self) {
        if self.headers.contains_key(EXPECT) {
            return;
        }
        let read_on = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = self.body.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes >= DISCARD_BYTES_MAX {
                    return;
                }
            }
        };
        // Whether it came to the end or the time did, the answer goes out now.
        let _ = timeout(DISCARD_TIME_MAX, read_on).await;
    }
}
