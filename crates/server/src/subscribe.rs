//! `fanfare subscribe`: prints events as they come, and reconnects as a browser does (WHATWG HTML 9.2.3).

use std::{
    io::{ErrorKind, IsTerminal as _, Write as _, stderr},
    ops::ControlFlow,
    time::{Duration, Instant},
};

use bytes::Bytes;
use humantime::format_duration;
use hyper::{
    HeaderMap, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue},
};
use tokio::time::{sleep, timeout};

use crate::{
    args::Subscribe,
    client::{self, Answer, Client, Error},
    event_stream::{Event, EventStream},
    failure::Failure,
    gap,
    harmless::harmless,
    printer::Printer,
    signals,
    silence::Silence,
    url::Url,
};

const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Prefix of the server's own event types. Publishers cannot use it.
const OWN: &str = "fanfare.";
/// The server's position, sent at the beginning and in each silence with `heartbeat=cursor`.
const CURSOR: &str = "fanfare.cursor";
/// Wait before a reconnect until the server says another.
const RETRY: Duration = Duration::from_secs(3);
/// Shortest wait, even if the server asks for less, so that requests never follow without pause.
const RETRY_MIN: Duration = Duration::from_millis(10);
const REDIRECTS_MAX: u32 = 10;
/// Most characters that are shown of a note of the server.
const NOTE_MAX: usize = 500;
/// Most notes that are remembered.
const NOTES_KEPT: usize = 64;
/// Statuses of a server, or of a proxy in front of it, that may succeed a little later.
const PASSING: [StatusCode; 5] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// The outcome of a connection: `Continue` makes another one, `Break` ends the command.
type Flow = Result<ControlFlow<(), Again>, Failure>;

/// The reason for another connection, and the wait before it if not as usual.
struct Again {
    reason: String,
    wait: Option<Duration>,
}

fn again(reason: impl Into<String>) -> ControlFlow<(), Again> {
    ControlFlow::Continue(Again { reason: reason.into(), wait: None })
}

/// Subscribes until the server says 204, enough events have come, or the reader of the output is gone.
pub(crate) fn run(args: &Subscribe) -> Result<(), Failure> {
    signals::end_well_on_interrupt().map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    let mut source = Source {
        client: Client::new(&args.reach),
        url: args.url(),
        token: args.token()?.map(ToOwned::to_owned),
        stream: EventStream::after(args.last_event_id.clone().unwrap_or_default()),
        printer: Printer::new(args.json),
        silence: Silence::new(args.silence_timeout),
        events_left: args.max_events,
        has_been_open: false,
        notes: Vec::new(),
    };
    client::run(async {
        while let ControlFlow::Continue(Again { reason, wait }) = source.connect().await? {
            let wait = wait.or(source.stream.retry()).unwrap_or(RETRY).max(RETRY_MIN);
            // Standard output is for events. A closed standard error is no reason to end.
            let _ = writeln!(stderr(), "{reason}; connecting again in {}", format_duration(wait));
            sleep(wait).await;
            source.stream.reconnect();
        }
        Ok(())
    })
}

/// An event source over all its connections.
struct Source {
    client: Client,
    url: Url,
    token: Option<String>,
    stream: EventStream,
    printer: Printer,
    silence: Silence,
    events_left: Option<u64>,
    /// A stream has been open, so the URL is right.
    has_been_open: bool,
    /// Notes of the server that were printed.
    notes: Vec<String>,
}

impl Source {
    /// Makes one connection and follows it to its end.
    async fn connect(&mut self) -> Flow {
        let headers = self.headers()?;
        match self.ask(headers).await {
            Ok(answer) => self.judge(answer).await,
            Err(error) if error.is_passing() => Ok(again(error.told(&self.url))),
            Err(error) => Err(Failure::failed(error.told(&self.url))),
        }
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            headers.insert(AUTHORIZATION, value.map_err(|_| Failure::usage("the token cannot be sent"))?);
        }
        let last_id = self.stream.last_id();
        if !last_id.is_empty() {
            let value = HeaderValue::from_bytes(last_id.as_bytes());
            let value =
                value.map_err(|_| Failure::failed("the last event id cannot be sent back: control characters"))?;
            headers.insert(LAST_EVENT_ID, value);
        }
        Ok(headers)
    }

    /// The answer behind all redirects.
    async fn ask(&self, mut headers: HeaderMap) -> Result<Answer<'static>, Error> {
        let mut url = self.url.clone();
        for _ in 0..REDIRECTS_MAX {
            let answer = self.client.get(&url, headers.clone()).await?;
            let Some(location) = answer.location().filter(|_| REDIRECTS.contains(&answer.status())) else {
                return Ok(answer);
            };
            let target = url.redirected(location);
            let target = target.map_err(|error| Error::Url(format!("it redirects to `{location}`: {error}")))?;
            if !target.is_on_server_of(&url) {
                // The token is for the server that the user has named.
                headers.remove(AUTHORIZATION);
            }
            url = target;
        }
        self.client.get(&url, headers).await
    }

    async fn judge(&mut self, answer: Answer<'_>) -> Flow {
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(ControlFlow::Break(()));
        }
        if status != StatusCode::OK {
            let wait = answer.retry_after();
            let mut reason = answer.read().await.refusal(&self.url);
            if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
                reason += "; give a token in FANFARE_TOKEN or with --token";
            }
            if PASSING.contains(&status) && (self.has_been_open || wait.is_some()) {
                return Ok(ControlFlow::Continue(Again { reason, wait }));
            }
            return Err(Failure::failed(reason));
        }
        let content_type = answer.content_type();
        if content_type != EVENT_STREAM {
            let url = &self.url;
            return Err(Failure::failed(format!("{url} is no event stream: its type is `{content_type}`")));
        }
        self.has_been_open = true;
        if stderr().is_terminal() {
            // Without this line, a person would take the silence until the first event for a mistake.
            let _ = writeln!(stderr(), "connected; waiting for events");
        }
        self.follow(answer).await
    }

    async fn follow(&mut self, mut answer: Answer<'_>) -> Flow {
        loop {
            let began = Instant::now();
            let piece = match self.silence.limit() {
                None => answer.piece().await,
                Some(limit) => match timeout(limit, answer.piece()).await {
                    Ok(piece) => piece,
                    Err(_) => {
                        self.silence.passed();
                        return Ok(again(format!("nothing came for {}", format_duration(limit))));
                    }
                },
            };
            match piece {
                Ok(None) => return Ok(again("the stream ended")),
                Err(error) => return Ok(again(format!("the stream broke: {error}"))),
                Ok(Some(piece)) => {
                    if self.take(&piece, began.elapsed())?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
    }

    /// Prints the events that `piece` completes. `piece` came after a `silence`.
    fn take(&mut self, piece: &Bytes, silence: Duration) -> Result<ControlFlow<()>, Failure> {
        let events = self.stream.feed(piece).map_err(|error| Failure::failed(error.to_string()))?;
        if self.stream.take_comment() || events.iter().any(|event| event.kind == CURSOR) {
            self.silence.heard_heartbeat(silence);
        }
        if !self.stream.last_id().is_empty() {
            self.silence.heard_id();
        }
        self.tell_notes();
        for event in events.iter().filter(|event| event.kind != CURSOR) {
            match self.printer.print(event) {
                Ok(()) => {}
                // The reader has seen enough, as `head` does.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ControlFlow::Break(())),
                Err(error) => return Err(Failure::failed(format!("cannot print: {error}"))),
            }
            if self.count(event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Prints the server's notes about the request, for instance that a part of it is ignored. The notes come again
    /// with each reconnect, and are not printed again.
    fn tell_notes(&mut self) {
        for note in self.stream.take_notes() {
            if !self.notes.contains(&note) {
                let shown: String = note.chars().take(NOTE_MAX).collect();
                let _ = writeln!(stderr(), "the server says: {}", harmless(&shown));
                self.notes.push(note);
            }
        }
        // The list must not grow without end, even if every note is new.
        self.notes.truncate(NOTES_KEPT);
    }

    /// Counts an event. Breaks when enough have come.
    fn count(&mut self, event: &Event) -> ControlFlow<()> {
        if let Some(told) = gap::told(event) {
            let _ = writeln!(stderr(), "{told}");
        }
        // A gap only marks missing events, so it does not count.
        if event.kind.starts_with(OWN) {
            return ControlFlow::Continue(());
        }
        self.events_left = self.events_left.map(|left| left.saturating_sub(1));
        if self.events_left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
