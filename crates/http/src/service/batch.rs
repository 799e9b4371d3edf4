//! Answers a batch: NDJSON, one event a line, published as the lines come and in their order, and one answer at the end.
//!
//! The body may be long and slow. It is read no faster than the hub takes it, and some lines ahead of those that an external
//! journal has answered. A line that is no event is counted and named, and the others go on.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::{EventId, PublishError, Target, Wait, engine::Ticket};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use memchr::memchr;
use serde_json::{Map, Value, json};
use tokio::{task::yield_now, time::sleep};

use crate::{
    admission::{quota::Quota, rights::Rights},
    answer::{body::Body, problem::Problem},
    app::App,
    request::{
        data::Declared,
        idempotency::{self, Source},
        line::{self, Parsed},
        parameters::{self, ACCESS_TOKEN},
        upload::Upload,
    },
    text::query::Query,
    traces::span::{Span, Trace},
};

/// Errors that the answer names. All are counted.
const ERRORS_MAX: usize = 100;
/// Characters of the answer about one error.
const TITLE_CHARACTERS_MAX: usize = 200;
/// Lines that the journal may have to answer at a time: as many as it takes in one write.
const UNANSWERED_MAX: usize = 512;
/// U+FEFF in UTF-8, with which some programs begin a file, so it may stand where another file was appended too. It may be
/// ignored (RFC 8259 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const NO_ARRAY: &str =
    "a batch is NDJSON: one JSON object in each line, without [ and ] around them and without commas between them";
/// Time after which a batch that waits for its rate looks whether it still may.
const RATE_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Lines after which others on the same thread get their turn.
const LINES_PER_TURN: u64 = 64;

/// A batch, its body not yet read.
pub(crate) struct Request {
    pub(crate) query: String,
    pub(crate) rights: Rights,
    pub(crate) quota: Quota,
    /// The address of the client.
    pub(crate) address: SocketAddr,
    pub(crate) upload: Upload,
    /// The trace that the sender has named, of all lines.
    pub(crate) trace: Option<Trace>,
}

/// Publishes line by line.
pub(crate) async fn publish(app: Arc<App>, request: Request) -> Response<Body> {
    let Request { query, rights, quota, address, mut upload, trace } = request;
    if let Err(problem) = check(&query).and_then(|()| rights.check_batch()) {
        upload.discard();
        return problem.response();
    }
    let mut batch = Batch::new(&app, Allowed { rights, quota }, address, trace);
    let mut ended = batch.run(&mut upload).await;
    // What was sent before an error has an answer too.
    while let Err(problem) = batch.settle(0).await {
        ended = ended.and(Err(problem));
    }
    let answer = batch.answer(ended);
    if answer.status() != StatusCode::ACCEPTED {
        upload.discard();
    }
    answer
}

/// A batch has no parameters: one in the query was meant for a single event, or for something else.
fn check(query: &str) -> Result<(), Problem> {
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    parameters::PUBLISH_TO.check(&query)?;
    query.one(ACCESS_TOKEN)?;
    match query.names().find(|name| *name != ACCESS_TOKEN) {
        None => Ok(()),
        Some(name) => Err(Problem::bad_request(format!(
            "POST /publish without a target is a batch, which has no parameters: add channel=, client= or all=true, or put \
             {name:?} into each line"
        ))),
    }
}

/// A line that was published, and that the hub has not answered.
struct Unanswered {
    line: u64,
    /// The first target of the event.
    target: Option<Target>,
    ticket: Ticket,
    span: Option<Span>,
}

/// What the sender may publish, and how much.
struct Allowed {
    rights: Rights,
    quota: Quota,
}

/// A batch, as far as it was read.
struct Batch<'a> {
    app: &'a App,
    allowed: Allowed,
    address: SocketAddr,
    trace: Option<Trace>,
    lines: u64,
    published: u64,
    failed: u64,
    /// Lines that failed because they may not be published, and the last reason.
    refused: u64,
    refusal: Option<Problem>,
    /// Lines that failed and may be published nevertheless.
    unknown: u64,
    first: Option<EventId>,
    last: Option<EventId>,
    errors: Vec<Value>,
    /// Lines by their numbers, in the order in which they are published.
    unanswered: VecDeque<Unanswered>,
}

impl<'a> Batch<'a> {
    fn new(app: &'a App, allowed: Allowed, address: SocketAddr, trace: Option<Trace>) -> Self {
        let (errors, unanswered) = (Vec::new(), VecDeque::new());
        Self {
            app,
            allowed,
            address,
            trace,
            lines: 0,
            published: 0,
            failed: 0,
            refused: 0,
            refusal: None,
            unknown: 0,
            first: None,
            last: None,
            errors,
            unanswered,
        }
    }

    async fn run(&mut self, upload: &mut Upload) -> Result<(), Problem> {
        if self.app.phases.is_draining() {
            return Err(Problem::draining());
        }
        upload.check_coding()?;
        Declared::check_ndjson(upload.headers())?;
        // Its lines may come for ever.
        upload.forget_headers();
        let mut line = Partial::default();
        upload.end_unit(0);
        while let Some(piece) = upload.piece().await? {
            let mut rest = &piece[..];
            while let Some(end) = memchr(b'\n', rest) {
                let whole = line.take(&rest[..end], self.app.config().body_bytes_max);
                rest = &rest[end + 1..];
                upload.end_unit(rest.len());
                self.publish_line(whole.as_deref()).await?;
            }
            line.keep(rest, self.app.config().body_bytes_max);
            upload.hold(line.bytes.len());
        }
        if !line.is_empty() {
            let whole = line.take(&[], self.app.config().body_bytes_max);
            self.publish_line(whole.as_deref()).await?;
        }
        Ok(())
    }

    /// Publishes the next line. `line` is `None` if it was too long to be kept.
    async fn publish_line(&mut self, line: Option<&[u8]>) -> Result<(), Problem> {
        self.lines += 1;
        if self.lines.is_multiple_of(LINES_PER_TURN) {
            yield_now().await;
        }
        self.allowed.rights.check_time()?;
        let Some(line) = line else {
            let max = self.app.config().body_bytes_max;
            self.fail(&format!("a line has at most {max} bytes"));
            return Ok(());
        };
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        // Wrong lines count too: to read them costs as much.
        self.allowed.quota.charge_bytes(line.len(), self.app.now_ms());
        self.wait_for_rate().await?;
        // Of an array over several lines one element or another would be published.
        if line.first() == Some(&b'[') && self.published + self.failed == 0 {
            return Err(Problem::bad_request(NO_ARRAY));
        }
        let channels_max = self.app.config().channels_max;
        match line::parse(line, channels_max) {
            Ok(parsed) => self.publish_parsed(parsed).await?,
            Err(error) => self.fail(&error.to_string()),
        }
        Ok(())
    }

    /// A line that repeats a key counts as published: so a batch that is sent again gets the same answer.
    async fn publish_parsed(&mut self, parsed: Parsed) -> Result<(), Problem> {
        let Parsed { event, key } = parsed;
        if let Err(problem) = self.allowed.rights.check_publish(event.targets()) {
            self.refuse(problem);
            return Ok(());
        }
        let key = match key.map(|text| idempotency::key(&text, Source::Batch, self.allowed.rights.holder())).transpose()
        {
            Ok(key) => key,
            Err(error) => {
                self.fail(&format!("idempotency_key: {error}"));
                return Ok(());
            }
        };
        let target = event.targets().first().cloned();
        let trace = self.trace.map(|trace| Trace { began_us: self.app.now_us(), ..trace });
        let mut span = trace.map(|trace| Span::begin(&self.app.traces, trace));
        match self.app.begin(event, key.as_ref(), Wait::Journal, span.as_mut()).await {
            Ok(ticket) => self.unanswered.push_back(Unanswered { line: self.lines, target, ticket, span }),
            Err(error) => {
                self.app.answered(span, &Err(error));
                match error {
                    PublishError::KeyReused => self.fail(&error.to_string()),
                    _ => return Err(error.into()),
                }
            }
        }
        self.settle(UNANSWERED_MAX).await
    }

    /// Waits until the sender is within its rates. The batch is not read meanwhile, so its producer slows down.
    async fn wait_for_rate(&self) -> Result<(), Problem> {
        let ends = Instant::now() + self.app.config().batch_idle_timeout;
        while let Err(over) = self.allowed.quota.take_event(self.app.now_ms()) {
            let wait = Duration::from_secs(over.retry_after_seconds().into());
            if Instant::now() + wait > ends {
                return Err(over.into());
            }
            tokio::select! {
                () = sleep(wait.min(RATE_PAUSE_MAX)) => {}
                () = self.app.phases.draining() => return Err(Problem::draining()),
            }
            self.allowed.rights.check_time()?;
        }
        Ok(())
    }

    /// Takes the answers that are there, and waits for more while there are more than `unanswered_max`.
    async fn settle(&mut self, unanswered_max: usize) -> Result<(), Problem> {
        while self.unanswered.len() > unanswered_max
            || self.unanswered.front().is_some_and(|line| line.ticket.is_answered())
        {
            let Some(Unanswered { line, target, ticket, span }) = self.unanswered.pop_front() else { break };
            let trace = span.as_ref().map(Span::trace_id);
            match self.app.receipt(ticket, span).await {
                Ok(receipt) => {
                    self.app.log_sent(target.as_ref(), self.allowed.rights.holder(), trace, &receipt);
                    self.published += 1;
                    self.first = self.first.or(Some(receipt.id));
                    self.last = Some(receipt.id);
                }
                // Another node has used the key, and this one had not read that yet.
                Err(error @ PublishError::KeyReused) => self.fail_line(line, &error.to_string()),
                Err(error) => {
                    // Lines behind this one may have come through.
                    self.unknown += u64::from(error == PublishError::Unknown);
                    self.fail_line(line, &error.to_string());
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// The line may not be published. A grant that has ended ends the batch.
    fn refuse(&mut self, problem: Problem) {
        let (rule, reason) = (problem.rule(), problem.reason());
        rule.into_iter().for_each(|rule| self.app.refusals.count(rule));
        let line = self.lines;
        self.app.refused.log_unread(
            self.app.now_ms(),
            self.address,
            rule,
            &format!("line {line} of a batch: {reason}"),
        );
        self.fail(problem.detail());
        self.refused += 1;
        self.refusal = Some(problem);
    }

    fn fail(&mut self, title: &str) {
        self.fail_line(self.lines, title);
    }

    fn fail_line(&mut self, line: u64, title: &str) {
        self.failed += 1;
        if self.errors.len() < ERRORS_MAX {
            // A title may repeat what the client sent, however long.
            let title: String = title.chars().take(TITLE_CHARACTERS_MAX).collect();
            self.errors.push(json!({ "line": line, "title": title }));
        }
    }

    /// The answer to the whole batch. Lines that were published stay published, whatever happened.
    fn answer(self, ended: Result<(), Problem>) -> Response<Body> {
        let mut counts = Map::new();
        counts.insert("published".into(), self.published.into());
        counts.insert("failed".into(), self.failed.into());
        if self.unknown > 0 {
            counts.insert("unknown".into(), self.unknown.into());
        }
        counts.insert("first".into(), self.first.map(|id| id.to_string()).into());
        counts.insert("last".into(), self.last.map(|id| id.to_string()).into());
        counts.insert("errors".into(), self.errors.into());
        match ended {
            Err(problem) => problem.with(counts).response(),
            Ok(())
                if self.published == 0
                    && self.refused == self.failed
                    && let Some(refusal) = self.refusal =>
            {
                refusal.with(counts).response()
            }
            Ok(()) if self.published == 0 => Problem::bad_request("no line was published").with(counts).response(),
            Ok(()) => {
                let mut response = Response::new(Body::json(&Value::Object(counts)));
                *response.status_mut() = StatusCode::ACCEPTED;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
        }
    }
}

/// The beginning of a line whose end has not come. Of a line that is too long nothing is kept but that.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Partial {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_too_long
    }

    fn keep(&mut self, bytes: &[u8], bytes_max: usize) {
        self.is_too_long |= self.bytes.len() + bytes.len() > bytes_max;
        if self.is_too_long {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The line that ends in `bytes`. `None` if it is too long. The next line begins.
    fn take(&mut self, bytes: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
        self.keep(bytes, bytes_max);
        let whole = std::mem::take(self);
        (!whole.is_too_long).then_some(whole.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_not_one_byte_longer() {
        let mut line = Partial::default();
        line.keep(b"ab", 4);
        assert_eq!(line.take(b"cd", 4), Some(b"abcd".to_vec()));
        line.keep(b"abcd", 4);
        assert_eq!(line.take(b"e", 4), None);
        line.keep(b"abcdef", 4);
        line.keep(b"g", 4);
        assert_eq!((line.is_empty(), line.bytes.capacity()), (false, 0), "nothing of it is kept");
        assert_eq!(line.take(b"", 4), None);
        assert_eq!(line.take(b"ok", 4), Some(b"ok".to_vec()));
    }
}
