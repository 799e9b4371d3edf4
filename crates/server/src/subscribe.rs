//! `fanfare subscribe`: prints events as they come, and reconnects as a browser does (WHATWG HTML 9.2.3).

use std::{
    io::{ErrorKind, Read as _, Write as _, stderr},
    ops::ControlFlow,
    thread,
    time::Duration,
};

use humantime::format_duration;
use ureq::{
    Agent, Body,
    http::{HeaderValue, Response, StatusCode, header::ACCEPT},
};

use crate::{
    args::Subscribe, client, event_stream::Parser, failure::Failure, gap, printer::Printer, signals, url::Url,
};

const EVENT_STREAM: &str = "text/event-stream";
/// The wait before a reconnect until the server says another.
const RETRY: Duration = Duration::from_secs(3);
/// The shortest wait, whatever the server says: it is not to be asked without pause.
const RETRY_MIN: Duration = Duration::from_millis(10);
const REDIRECTS_MAX: u32 = 10;
const READ_BYTES: usize = 64 << 10;

/// Goes on when a connection has ended and another should be made; breaks when all is done.
type Flow = Result<ControlFlow<(), String>, Failure>;

/// Subscribes until the server says 204, enough events have come, or nobody reads any more.
pub(crate) fn run(args: &Subscribe) -> Result<(), Failure> {
    signals::end_well_on_interrupt().map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    let url = args.url();
    let agent = client::agent(&url, REDIRECTS_MAX)?;
    let mut source = Source {
        agent,
        url,
        parser: Parser::after(args.last_event_id.clone().unwrap_or_default()),
        printer: Printer::new(args.json),
        events_left: args.max_events,
    };
    while let ControlFlow::Continue(reason) = source.connect()? {
        let retry = source.parser.retry().unwrap_or(RETRY).max(RETRY_MIN);
        // Standard output is for events; whoever closed this one does not want to know.
        let _ = writeln!(stderr(), "{reason}; connecting again in {}", format_duration(retry));
        thread::sleep(retry);
        source.parser = source.parser.reconnected();
    }
    Ok(())
}

/// An event source over all its connections.
struct Source {
    agent: Agent,
    url: Url,
    parser: Parser,
    printer: Printer,
    events_left: Option<u64>,
}

impl Source {
    /// One connection, from its request to its end.
    fn connect(&mut self) -> Flow {
        let mut request = self.agent.get(self.url.to_string()).header(ACCEPT, EVENT_STREAM);
        request = request.header("cache-control", "no-cache");
        let last_id = self.parser.last_id();
        if !last_id.is_empty() {
            let value = HeaderValue::from_bytes(last_id.as_bytes());
            let value =
                value.map_err(|_| Failure::failed("the last event id cannot be sent back: control characters"))?;
            request = request.header("last-event-id", value);
        }
        match request.call() {
            Ok(response) => self.judge(response),
            Err(error) if client::is_passing(&error) => Ok(ControlFlow::Continue(client::no_answer(&self.url, &error))),
            Err(error) => Err(Failure::failed(client::no_answer(&self.url, &error))),
        }
    }

    fn judge(&mut self, response: Response<Body>) -> Flow {
        let status = response.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(ControlFlow::Break(()));
        }
        if status != StatusCode::OK {
            return Err(Failure::failed(client::refusal(response)));
        }
        let content_type = client::content_type(&response);
        if content_type != EVENT_STREAM {
            let url = &self.url;
            return Err(Failure::failed(format!("{url} is no event stream: its type is `{content_type}`")));
        }
        self.follow(response)
    }

    fn follow(&mut self, response: Response<Body>) -> Flow {
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; READ_BYTES];
        loop {
            let length = match body.read(&mut piece) {
                Ok(0) => return Ok(ControlFlow::Continue("the stream ended".to_owned())),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(ControlFlow::Continue(format!("the stream broke: {error}"))),
            };
            let events = self.parser.feed(&piece[..length]).map_err(|error| Failure::failed(error.to_string()))?;
            for event in events {
                match self.printer.print(&event) {
                    Ok(()) => {}
                    // As when `head` has seen enough.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ControlFlow::Break(())),
                    Err(error) => return Err(Failure::failed(format!("cannot print: {error}"))),
                }
                // A gap is where events are missing, and none itself.
                if let Some(told) = gap::told(&event) {
                    let _ = writeln!(stderr(), "{told}");
                    continue;
                }
                self.events_left = self.events_left.map(|left| left.saturating_sub(1));
                if self.events_left == Some(0) {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
}
