//! [`Answer`]: the head of a server's answer, with the body still to come. [`Reply`]: an answer that was read to its
//! end, and the meaning of a refusal for a person.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Incoming,
    client::conn::http1::SendRequest,
    header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER},
};
use serde_json::Value;
use tokio::time::timeout;

use super::error::broken;
use crate::{harmless::harmless, url::Url};

/// Most characters that are shown of an answer in plain text.
const TEXT_MAX: usize = 300;
/// Most characters that are shown of a problem document.
const PROBLEM_MAX: usize = 2_000;
/// The type of a problem document (RFC 9457).
const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
/// Most bytes that are read of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Longest wait that a server may ask for. A server's mistake must not keep a client away for ever.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// The body of a request, sent while its answer is read.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, Infallible>;

/// An answer whose body is still to be read.
pub(crate) struct Answer<'a> {
    response: Response<Incoming>,
    answer_timeout: Duration,
    is_early: bool,
    /// The future that sends the body. Kept unpolled, because its drop would end the body as if it were whole.
    _feeding: Pin<Box<dyn Future<Output = ()> + 'a>>,
    /// Kept, because its drop would let the connection end.
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

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The target of a redirect.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(&LOCATION)
    }

    /// The media type without parameters.
    pub(crate) fn content_type(&self) -> String {
        let value = self.header(&CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The wait that the server asks for before the next try, up to a limit (RFC 9110 10.2.3: seconds, or a date). None
    /// if the server asks for no wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header(&RETRY_AFTER)?, SystemTime::now()).map(|wait| wait.min(RETRY_AFTER_MAX))
    }

    /// The next piece of the body, without a time limit. None at the end.
    ///
    /// # Errors
    /// The body broke off.
    pub(crate) async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.response.body_mut().frame().await {
            // Trailers have no meaning here.
            if let Ok(piece) = frame.map_err(|error| broken(&error))?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Reads the body as far as it goes. The part before an error is still worth showing.
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
            content_type: self.content_type(),
            is_early: self.is_early,
            is_whole,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }
}

/// The wait of a `Retry-After`, without a limit.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?
    };
    (!wait.is_zero()).then_some(wait)
}

/// An answer that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    location: Option<String>,
    content_type: String,
    /// Whether the answer came before the whole request was sent.
    pub(crate) is_early: bool,
    /// Whether the answer did not break off, and was not too long.
    pub(crate) is_whole: bool,
    pub(crate) text: String,
}

impl Reply {
    /// The answer of `url` as one line. A page is for a browser, and is not shown.
    pub(crate) fn refusal(&self, url: &Url) -> String {
        let Self { status, location, content_type, text, .. } = self;
        if let Some(location) = location.as_ref().filter(|_| status.is_redirection()) {
            return one_line(&format!("the server answered {status}; use {location}"), PROBLEM_MAX);
        }
        // A text without a type is judged by its content.
        let is_problem = [PROBLEM, JSON, ""].contains(&content_type.as_str());
        let problem: Option<Value> = is_problem.then(|| serde_json::from_str(text).ok()).flatten();
        let member = |name: &str| problem.as_ref()?.get(name)?.as_str().map(ToOwned::to_owned);
        let title = member("title").map(|title| match member("detail") {
            Some(detail) => format!("{title}: {detail}"),
            None => title,
        });
        if let Some(said) = title {
            return one_line(&(said + &problem.as_ref().map(published).unwrap_or_default()), PROBLEM_MAX);
        }
        let said = match *status {
            StatusCode::BAD_GATEWAY => format!("the proxy at {url} cannot reach its server ({status})"),
            StatusCode::GATEWAY_TIMEOUT => format!("the proxy at {url} has no answer of its server in time ({status})"),
            status => format!("the server answered {status}"),
        };
        match one_line(text, TEXT_MAX) {
            text if text.is_empty() => said,
            text if content_type == TEXT => format!("{said}: {text}"),
            text if content_type.is_empty() && !text.starts_with(['<', '{']) => format!("{said}: {text}"),
            _ => said,
        }
    }
}

/// At most `chars_max` characters of `text`, with spaces for line breaks, and no characters that could steer a
/// terminal.
fn one_line(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    harmless(&line.chars().take(chars_max).collect::<String>())
}

/// The counts of a problem document for events that were published all the same.
fn published(problem: &Value) -> String {
    if problem.get("published").and_then(Value::as_str) == Some("unknown") {
        return " (it is not known whether it was published)".to_owned();
    }
    let counted = |name: &str| problem.get(name).and_then(Value::as_u64);
    let (Some(published), Some(failed)) = (counted("published"), counted("failed")) else { return String::new() };
    // Events for which nobody knows whether they were published.
    let unknown = counted("unknown").map(|unknown| format!(", of which unknown {unknown}")).unwrap_or_default();
    let first = problem.pointer("/errors/0").map(|error| format!("; the first: {error}")).unwrap_or_default();
    format!(" (published {published}, failed {failed}{unknown}{first})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: StatusCode, content_type: &str, text: &str) -> String {
        let (content_type, text) = (content_type.to_owned(), text.to_owned());
        let reply = Reply { status, location: None, content_type, is_early: true, is_whole: true, text };
        reply.refusal(&Url::example())
    }

    #[test]
    fn a_refusal_is_a_line_with_what_was_published_all_the_same() {
        for (text, said) in [
            (r#"{"title":"Bad","detail":"why"}"#, "Bad: why"),
            (r#"{"title":"Bad","detail":"why\nand\u001b[2J"}"#, "Bad: why and\\u{1b}[2J"),
            (r#"{"title":"Bad","published":"unknown"}"#, "Bad (it is not known whether it was published)"),
            (r#"{"title":"Bad","published":1,"failed":0,"errors":[]}"#, "Bad (published 1, failed 0)"),
            (
                r#"{"title":"Bad","published":1,"failed":3,"unknown":2,"errors":[{"line":4}]}"#,
                r#"Bad (published 1, failed 3, of which unknown 2; the first: {"line":4})"#,
            ),
            (r#"{"published":1}"#, "the server answered 503 Service Unavailable"),
            ("", "the server answered 503 Service Unavailable"),
        ] {
            assert_eq!(refusal(StatusCode::SERVICE_UNAVAILABLE, PROBLEM, text), said);
        }
        let long = format!(r#"{{"title":"Bad","detail":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(refusal(StatusCode::SERVICE_UNAVAILABLE, PROBLEM, &long).len(), PROBLEM_MAX);
    }

    #[test]
    fn plain_text_is_shown_as_one_short_line_and_a_page_is_not() {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let plain = refusal(status, TEXT, " one\r\n two\u{7}\n");
        assert_eq!(plain, "the server answered 500 Internal Server Error: one two\\u{7}");
        let long = refusal(status, TEXT, &"x".repeat(1_000));
        assert_eq!(long.matches('x').count(), TEXT_MAX);
        for content_type in ["text/html", "application/json", ""] {
            let page = refusal(status, content_type, "<html>\n{}</html>");
            assert_eq!(page, "the server answered 500 Internal Server Error");
        }
        assert_eq!(refusal(status, "", "one\ntwo"), "the server answered 500 Internal Server Error: one two");
        assert_eq!(refusal(status, "", r#"{"title":"Bad"}"#), "Bad");
    }

    #[test]
    fn a_proxy_without_its_server_is_named() {
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>";
        let said = refusal(StatusCode::BAD_GATEWAY, "text/html", page);
        assert_eq!(said, "the proxy at http://127.0.0.1:3000/ cannot reach its server (502 Bad Gateway)");
        let said = refusal(StatusCode::GATEWAY_TIMEOUT, TEXT, "late");
        let expected =
            "the proxy at http://127.0.0.1:3000/ has no answer of its server in time (504 Gateway Timeout): late";
        assert_eq!(said, expected);
        // The server's own message, even if a proxy passes it on.
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, PROBLEM, r#"{"title":"Bad"}"#), "Bad");
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_bounded() {
        let now = httpdate::parse_http_date("Sun, 29 Nov 2026 06:00:00 GMT").unwrap();
        let seconds = |text: &str| retry_after(text, now).map(|wait| wait.min(RETRY_AFTER_MAX).as_secs());
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
