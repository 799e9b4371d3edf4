//! [`Answer`]: the head of what a server says, with the rest to come; and [`Reply`], an answer that was read to its end,
//! and what a refusal means to a person.

use std::{
    io,
    pin::Pin,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Response, StatusCode,
    body::Incoming,
    client::conn::http1::SendRequest,
    header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER},
};
use serde_json::Value;
use tokio::time::timeout;

use super::{Outgoing, error::broken};
use crate::printer::harmless;

/// Characters that are shown of an answer that is no problem document.
const SHOWN_MAX: usize = 300;
/// Bytes that are read of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// The longest wait that a server may ask for, so that a mistake of its does not keep a client away for ever.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// An answer whose body is still to be read.
pub(crate) struct Answer<'a> {
    response: Response<Incoming>,
    answer_timeout: Duration,
    is_early: bool,
    /// What gives the request's body. It is kept, and not gone on with: dropped it would say that the body is whole.
    _feeding: Pin<Box<dyn Future<Output = ()> + 'a>>,
    /// Dropped it would let the connection end.
    _connection: SendRequest<Outgoing>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        response: Response<Incoming>,
        answer_timeout: Duration,
        is_early: bool,
        feeding: Pin<Box<dyn Future<Output = ()> + 'a>>,
        connection: SendRequest<Outgoing>,
    ) -> Self {
        Self { response, answer_timeout, is_early, _feeding: feeding, _connection: connection }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Where a redirect leads, if it says so.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(&LOCATION)
    }

    /// The type without its parameters.
    pub(crate) fn content_type(&self) -> String {
        let value = self.header(&CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// How long the server asks to wait before the next try, up to a limit (RFC 9110 10.2.3: seconds, or a date). None
    /// if it does not say, or says no time at all.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header(&RETRY_AFTER)?, SystemTime::now())
    }

    /// The next piece of the body, however long it takes; none at its end.
    ///
    /// # Errors
    /// It broke off.
    pub(crate) async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.response.body_mut().frame().await {
            // Trailers say nothing here.
            if let Ok(piece) = frame.map_err(|error| broken(&error))?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// All of it, as far as it goes: what came before an error is still worth showing.
    pub(crate) async fn read(mut self) -> Reply {
        let mut bytes = Vec::new();
        let is_whole = loop {
            let Ok(Ok(piece)) = timeout(self.answer_timeout, self.piece()).await else { break false };
            let Some(piece) = piece else { break true };
            if piece.len() > ANSWER_BYTES_MAX - bytes.len() {
                break false;
            }
            bytes.extend_from_slice(&piece);
        };
        Reply {
            status: self.status(),
            location: self.location().map(ToOwned::to_owned),
            is_early: self.is_early,
            is_whole,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}

fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?
    };
    (!wait.is_zero()).then_some(wait.min(RETRY_AFTER_MAX))
}

/// An answer that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    location: Option<String>,
    /// It came before all of the request was sent.
    pub(crate) is_early: bool,
    /// It did not break off, and was not too long.
    pub(crate) is_whole: bool,
    pub(crate) text: String,
}

impl Reply {
    /// What it says, as one line.
    pub(crate) fn refusal(&self) -> String {
        let Self { status, location, text, .. } = self;
        if let Some(location) = location.as_ref().filter(|_| status.is_redirection()) {
            return harmless(&format!("the server answered {status}; use {location}"));
        }
        let problem: Option<Value> = serde_json::from_str(text).ok();
        let member = |name: &str| problem.as_ref()?.get(name)?.as_str().map(ToOwned::to_owned);
        let said = match (member("title"), member("detail")) {
            (Some(title), Some(detail)) => format!("{title}: {detail}"),
            (Some(title), None) => title,
            (None, _) => {
                let start: String = text.chars().take(SHOWN_MAX).collect();
                format!("the server answered {status}: {}", start.trim()).trim_end_matches([' ', ':']).to_owned()
            }
        };
        harmless(&(said + &problem.as_ref().map(published).unwrap_or_default()))
    }
}

/// What a problem document says of what was published all the same.
fn published(problem: &Value) -> String {
    if problem.get("published").and_then(Value::as_str) == Some("unknown") {
        return " (it is not known whether it was published)".to_owned();
    }
    let counted = |name: &str| problem.get(name).and_then(Value::as_u64);
    let (Some(published), Some(failed)) = (counted("published"), counted("failed")) else { return String::new() };
    // Of these nobody knows whether they were published.
    let unknown = counted("unknown").map(|unknown| format!(", of which unknown {unknown}")).unwrap_or_default();
    let first = problem.pointer("/errors/0").map(|error| format!("; the first: {error}")).unwrap_or_default();
    format!(" (published {published}, failed {failed}{unknown}{first})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_line_with_what_was_published_all_the_same() {
        for (text, said) in [
            (r#"{"title":"Bad","detail":"why"}"#, "Bad: why"),
            (r#"{"title":"Bad","published":"unknown"}"#, "Bad (it is not known whether it was published)"),
            (r#"{"title":"Bad","published":1,"failed":0,"errors":[]}"#, "Bad (published 1, failed 0)"),
            (
                r#"{"title":"Bad","published":1,"failed":3,"unknown":2,"errors":[{"line":4}]}"#,
                r#"Bad (published 1, failed 3, of which unknown 2; the first: {"line":4})"#,
            ),
            (r#"{"published":1}"#, r#"the server answered 503 Service Unavailable: {"published":1}"#),
            ("", "the server answered 503 Service Unavailable"),
        ] {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let reply = Reply { status, location: None, is_early: true, is_whole: true, text: text.to_owned() };
            assert_eq!(reply.refusal(), said);
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_bounded() {
        let now = httpdate::parse_http_date("Sun, 29 Nov 2026 06:00:00 GMT").unwrap();
        let seconds = |text: &str| retry_after(text, now).map(|wait| wait.as_secs());
        for (text, wait) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("300", Some(300)),
            ("301", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("Sun, 29 Nov 2026 06:00:08 GMT", Some(8)),
            ("Sunday, 29-Nov-26 06:00:08 GMT", Some(8)),
            ("Mon, 30 Nov 2026 06:00:08 GMT", Some(300)),
            ("Sun, 29 Nov 2026 05:59:00 GMT", None),
            ("0", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text), wait, "{text:?}");
        }
    }
}
