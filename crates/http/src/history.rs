//! Answers a request for what is kept of a channel: one page of it, as JSON.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_core::{Channel, Message, Page, ReadLimit, Start, Target};
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use serde_json::json;
use tokio::{
    spawn,
    task::{AbortHandle, yield_now},
    time::sleep,
};

use crate::{
    app::App, body::Body, handoff::Handoff, problem::Problem, query::Query, room::Held, start,
    upload::BYTES_PER_SECOND_MIN,
};

/// Events of a page that asks for no number.
const EVENTS_DEFAULT: usize = 100;
/// Events that a page may ask for.
const EVENTS_MAX: usize = 1_000;
/// Bytes of a page, counted as they stand in a stream: more events go on the next one. The first comes whatever its
/// size. So a page is no more than a target may keep by default, and little beside the room that all pages share.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Bytes written as JSON until others on the same thread get their turn: well below a millisecond.
const BYTES_PER_TURN: usize = 64 << 10;

/// The page, or why there is none.
pub(crate) async fn history(app: Arc<App>, handoff: Arc<Handoff>, channel: Channel, query: String) -> Response<Body> {
    page(&app, handoff, &channel, &query).await.unwrap_or_else(Problem::response)
}

async fn page(app: &App, handoff: Arc<Handoff>, channel: &Channel, query: &str) -> Result<Response<Body>, Problem> {
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    let start = query.one("after")?.and_then(start::cursor).unwrap_or(Start::Earliest);
    let messages_max = query.one("limit")?.map_or(Some(EVENTS_DEFAULT), limit).ok_or_else(|| {
        Problem::bad_request(format!("limit: a number from 1 to {EVENTS_MAX}, {EVENTS_DEFAULT} without it"))
    })?;
    let limit = ReadLimit { messages_max, bytes_max: PAGE_BYTES_MAX };
    let mut text = write(app, app.hub.history(channel, &start, limit)).await?;
    text.set_deadline(app, handoff);
    let mut response = Response::new(Body::full(Bytes::from_owner(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// As `subscribe::may_be_ahead`, for a page.
pub(crate) fn may_be_ahead(app: &App, channel: &Channel, query: &str) -> bool {
    let Ok(query) = Query::parse(query) else { return false };
    let start = query.one("after").ok().flatten().and_then(start::cursor);
    start.is_some_and(|start| app.hub.may_be_ahead(&start, &[Target::Channel(channel.clone())]))
}

fn limit(text: &str) -> Option<usize> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| is_number && (1..=EVENTS_MAX).contains(limit))
}

/// JSON, counted for as long as any of it has to be sent.
struct Text {
    bytes: Vec<u8>,
    held: Held,
    deadline: Option<AbortHandle>,
}

impl Drop for Text {
    fn drop(&mut self) {
        if let Some(deadline) = self.deadline.take() {
            deadline.abort();
        }
    }
}

impl Text {
    /// Whoever does not take it in its time is cut off: it would keep its room from others.
    fn set_deadline(&mut self, app: &App, handoff: Arc<Handoff>) {
        let seconds = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX) / BYTES_PER_SECOND_MIN;
        let time = Duration::from_millis(app.config.core.write_timeout_ms) + Duration::from_secs(seconds);
        let deadline = spawn(async move {
            sleep(time).await;
            handoff.set_overdue();
        });
        self.deadline = Some(deadline.abort_handle());
    }

    /// # Errors
    /// 503: all pages together hold too much.
    fn push(&mut self, text: &str) -> Result<(), Problem> {
        self.bytes.extend_from_slice(text.as_bytes());
        // The only page is never too large for the room.
        if self.held.add(text.len()) || self.held.is_alone() {
            return Ok(());
        }
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages of history at once"))
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// An event at a time, so that whoever shares the thread does not wait for a long page.
async fn write(app: &App, page: Page) -> Result<Text, Problem> {
    let Page { messages, gap, next } = page;
    let mut text = Text { bytes: Vec::new(), held: app.pages.hold(), deadline: None };
    text.push("{\"events\":[")?;
    let mut turn_ends = BYTES_PER_TURN;
    for (number, message) in messages.iter().enumerate() {
        if number > 0 {
            text.push(",")?;
        }
        text.push(&event(message))?;
        if text.bytes.len() >= turn_ends {
            turn_ends = text.bytes.len() + BYTES_PER_TURN;
            yield_now().await;
        }
    }
    let gap = gap.map_or_else(|| "null".to_owned(), |gap| gap.to_string());
    text.push(&format!("],\"gap\":{gap},\"next\":\"{next}\"}}"))?;
    Ok(text)
}

fn event(message: &Message) -> String {
    let fields = message.fields();
    json!({ "id": fields.id, "event": fields.kind, "data": fields.data }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_from_one_to_a_thousand() {
        assert_eq!((limit("1"), limit("1000"), limit("007")), (Some(1), Some(1_000), Some(7)));
        for wrong in ["", "0", "1001", "-1", "+1", " 1", "1e2", "99999999999999999999999", "x"] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
    }
}
