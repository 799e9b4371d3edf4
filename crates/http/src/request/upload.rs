//! [`Upload`]: the body of a request on its way in, under its limits: bytes, pauses, and all bodies together.

use std::{
    future::pending,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fanfare_core::engine::Reached;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Request, StatusCode, Uri,
    body::Body as _,
    header::{CONTENT_ENCODING, EXPECT},
};
use tokio::{spawn, time::timeout};

use crate::{
    answer::problem::Problem,
    app::App,
    limits::{
        pace::{BYTES_PER_SECOND_MIN, Pace},
        room::Share,
    },
    link::{
        Link,
        linger::{LINGER_BYTES_MAX, LINGER_TIME_MAX, time_is_over},
    },
    request::inbound::Inbound,
};

/// Bytes of a head that need no room: whatever comes with a body takes as much. More counts until the body is whole, because a few bytes
/// of HPACK make a long head, and a body may take its time.
const HEAD_BYTES_FREE: usize = 1 << 10;

/// A body and the headers that came with it.
pub(crate) struct Upload {
    headers: HeaderMap,
    /// The client may wait to be asked for the body.
    is_expecting: bool,
    body: Inbound,
    share: Share,
    /// The body was asked for, which a client may have waited for.
    is_asked: bool,
    /// The whole body has come.
    is_whole: bool,
    /// The moment at which the body, or the line that is not whole yet, began. `unit_bytes` of it have come.
    unit_began: Instant,
    unit_bytes: u64,
    /// The upload is between two lines, and nothing is held.
    is_between: bool,
    /// Speed of the body, while something is held and more has to come.
    pace: Option<Pace>,
    draining: Reached,
    link: Arc<Link>,
    app: Arc<App>,
}

impl Upload {
    pub(crate) fn new(app: &Arc<App>, link: &Arc<Link>, request: Request<Inbound>) -> Self {
        let (parts, body) = request.into_parts();
        let mut share = app.bodies.share_for(&link.holdings);
        if !body.is_end_stream() {
            // The first piece, if it is asked for, finds out whether it fits.
            share.add(head_bytes(&parts.uri, &parts.headers).saturating_sub(HEAD_BYTES_FREE));
        }
        Self {
            is_expecting: parts.headers.contains_key(EXPECT),
            headers: parts.headers,
            body,
            share,
            is_asked: false,
            is_whole: false,
            unit_began: Instant::now(),
            unit_bytes: 0,
            is_between: false,
            pace: None,
            draining: app.phases.draining(),
            link: Arc::clone(link),
            app: Arc::clone(app),
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers are not needed any more.
    pub(crate) fn forget_headers(&mut self) {
        self.headers = HeaderMap::new();
        self.share.set(0);
    }

    /// Checks that the body is not compressed.
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

    /// The next piece of the body, which counts until [`Upload::hold`] says otherwise. `None` at the end.
    ///
    /// # Errors
    /// The body broke off, paused for too long or is too slow, all bodies together are too many, or the server drains.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        if !mem::replace(&mut self.is_asked, true) && self.share.bytes() > 0 {
            self.make_room(self.share.fits()).await?;
        }
        loop {
            let patience = self.patience();
            self.keep_pace();
            let frame = tokio::select! {
                biased;
                frame = timeout(patience, self.body.frame()) => frame,
                () = &mut self.draining => return Err(Problem::draining()),
                () = has_to_end(self.pace.as_ref()) => {
                    return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body is too slow, and others need its room"));
                }
            };
            let frame = match frame {
                Ok(None) => {
                    self.is_whole = true;
                    self.pace = None;
                    return Ok(None);
                }
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(Problem::bad_request(format!("the body broke off: {error}"))),
                Err(_) => {
                    return Err(Problem::new(
                        StatusCode::REQUEST_TIMEOUT,
                        "the body paused for too long, or is too slow",
                    ));
                }
            };
            let Ok(piece) = frame.into_data() else { continue };
            if self.is_between {
                (self.unit_began, self.is_between) = (Instant::now(), false);
            }
            self.unit_bytes += piece.len() as u64;
            let fits = self.share.add(piece.len());
            if let Some(pace) = &mut self.pace {
                pace.add(piece.len(), self.share.bytes(), self.app.now_ms());
            }
            self.make_room(fits).await?;
            return Ok(Some(piece));
        }
    }

    /// Unless what is held `fits`, others that are too slow have to go.
    async fn make_room(&self, fits: bool) -> Result<(), Problem> {
        if fits || self.app.paces.make_room(&self.share, self.app.now_ms()).await {
            return Ok(());
        }
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many bodies at once"))
    }

    /// Begins or ends to measure the speed. Most bodies come in one piece, and are not measured.
    fn keep_pace(&mut self) {
        let is_waiting = self.share.bytes() > 0 && !self.body.is_end_stream();
        if !is_waiting {
            self.pace = None;
        } else if self.pace.is_none() {
            self.pace = Some(self.app.paces.enter(self.share.bytes(), self.app.now_ms()));
        }
    }

    /// A line is whole. The next one begins now if some bytes of it have come, and otherwise with its first byte.
    pub(crate) fn end_unit(&mut self, bytes_of_next: usize) {
        (self.unit_began, self.unit_bytes) = (Instant::now(), bytes_of_next as u64);
        self.is_between = bytes_of_next == 0;
        // The line is published now, which takes time that its client has no part in.
        self.pace = None;
    }

    /// Time in which the next piece has to come. The whole body has a time by its size, and less when room for bodies is short.
    fn patience(&self) -> Duration {
        let idle_timeout = self.app.config().body_idle_timeout;
        if self.is_between {
            return self.app.config().batch_idle_timeout;
        }
        let in_all = if self.app.bodies.is_short() { idle_timeout } else { self.app.config().body_timeout };
        let allowed = in_all.saturating_add(Duration::from_secs(self.unit_bytes / BYTES_PER_SECOND_MIN));
        allowed.saturating_sub(self.unit_began.elapsed()).min(idle_timeout)
    }

    /// Gives back the room of all but `bytes` of what came.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.share.set(bytes);
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// As [`Upload::piece`], and 413 above `bytes_max`.
    pub(crate) async fn whole(&mut self, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        let too_large = || {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {bytes_max} bytes (--body-bytes)"))
        };
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

    /// Reads on for a while beside the answer, so that a client that is still sending gets to read why it was refused. If all of
    /// the body comes in that time, the connection goes on. A client that waits to be asked for its body is not asked.
    pub(crate) fn discard(self) {
        let Self { is_expecting, mut body, share, is_asked, is_whole, link, app, .. } = self;
        drop(share);
        if is_whole || body.is_end_stream() {
            return;
        }
        let until = Instant::now() + LINGER_TIME_MAX;
        if !is_asked && is_expecting {
            // The client may send all the same, because it has waited for long enough.
            link.linger(until);
            return;
        }
        let under_way = link.begin();
        spawn(async move {
            let is_whole = tokio::select! {
                is_whole = read_on(&mut body) => is_whole,
                () = time_is_over(&app.phases, until) => false,
            };
            if !is_whole {
                // The connection ends with the body, and then lingers for the rest of the time.
                link.linger(until);
            }
            drop((body, under_way));
            link.idler.wake();
        });
    }
}

/// Bytes of the target and of all fields.
fn head_bytes(target: &Uri, headers: &HeaderMap) -> usize {
    let target = target.path_and_query().map_or(0, |target| target.as_str().len());
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + target
}

/// Waits until the body has to make room.
async fn has_to_end(pace: Option<&Pace>) {
    match pace {
        Some(pace) => pace.ended().await,
        None => pending().await,
    }
}

/// Reads and throws away. True if the body has ended, or nothing more can come.
async fn read_on(body: &mut Inbound) -> bool {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes >= LINGER_BYTES_MAX {
            return false;
        }
    }
    true
}
