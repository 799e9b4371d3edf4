//! Answers a request for what is kept of a channel: one page of it, as JSON.

use std::{slice, sync::Arc, time::Duration};

use fanfare_core::{Channel, ReadLimit, Target, engine::Life};
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use crate::{
    admission::rights::Rights,
    answer::{
        body::{Body, Content},
        excerpt::Excerpt,
        problem::Problem,
    },
    app::{App, unix_ms},
    ending::deadline::Deadline,
    link::Link,
    request::{
        parameters::{self, ACCESS_TOKEN},
        start,
    },
    text::query::Query,
};

/// Events of a page that asks for no number.
const EVENTS_DEFAULT: usize = 100;
/// Events that a page may ask for.
const EVENTS_MAX: usize = 1_000;
/// Bytes of a page, counted as they stand in a stream: as much as a target may keep by default. Further events go on the next
/// page. The first event comes whatever its size.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// Bytes of events that are written at once, so that the head says how long the page is.
const WHOLE_BYTES_MAX: usize = 64 << 10;
/// Bytes of events that are written for HEAD. A page that is written only to know its length should cost little.
const HEAD_BYTES_MAX: usize = 4 << 10;

/// A request for a page.
pub(crate) struct Request<'a> {
    pub(crate) channel: Channel,
    pub(crate) query: &'a str,
    pub(crate) link: &'a Arc<Link>,
    /// The life of the request, which ends if its answer is not taken.
    pub(crate) life: Life,
    pub(crate) is_head: bool,
}

/// Answers with the page, or says why there is none.
pub(crate) fn history(app: &Arc<App>, rights: &Rights, request: Request<'_>) -> Result<Response<Body>, Problem> {
    let Request { channel, query, link, life, is_head } = request;
    let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
    rights.check_follow(slice::from_ref(&channel), &[])?;
    // A page has no place for what is to be said of the others.
    parameters::HISTORY.check_near(&query)?;
    query.one(ACCESS_TOKEN)?;
    let start = start::of_page(&query, unix_ms())?;
    let messages_max = query.one("limit")?.map_or(Some(EVENTS_DEFAULT), limit).ok_or_else(|| {
        Problem::bad_request(format!("limit must be a number from 1 to {EVENTS_MAX}; the default is {EVENTS_DEFAULT}"))
    })?;
    let limit = ReadLimit { messages_max, bytes_max: PAGE_BYTES_MAX };
    let mut excerpt = Excerpt::new(app, channel, &start, limit, app.pages.share_for(&link.holdings));
    let too_many = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages of history at once");
    if !excerpt.count() {
        return Err(too_many());
    }
    let is_whole = excerpt.write_whole(if is_head { HEAD_BYTES_MAX } else { WHOLE_BYTES_MAX });
    let body = if is_head && !is_whole {
        // The head says no length: that would take all of the page.
        Body::empty()
    } else {
        // The excerpt has read on to see whether that is all.
        if !is_whole && !excerpt.count() {
            return Err(too_many());
        }
        let grace = Duration::from_millis(app.config().core.write_timeout_ms);
        Content::Excerpt(Box::new(excerpt.until(Deadline::new(grace, life)))).into()
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Whether a page may begin behind an event that this node has not read yet. See [`crate::service::subscribe::may_be_ahead`].
pub(crate) fn may_be_ahead(app: &App, channel: &Channel, query: &str) -> bool {
    let Ok(query) = Query::parse(query) else { return false };
    let targets = [Target::Channel(channel.clone())];
    start::of_page(&query, unix_ms()).is_ok_and(|start| app.hub.may_be_ahead(&start, &targets, &[]))
}

fn limit(text: &str) -> Option<usize> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| is_number && (1..=EVENTS_MAX).contains(limit))
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
