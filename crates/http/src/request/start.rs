//! The start of a stream or of a page of history: a client names the last event it had, or says how far back it wants to go.
//!
//! A last event id is never an error, whatever it is: a browser that is told 400 gives up for ever, and somebody once gave it the
//! id that it sends. An id that nobody knows leads to a gap that says so.

use fanfare_core::{EventId, NAME_BYTES_MAX, Start};
use hyper::{HeaderMap, header::HeaderName};

use crate::{
    answer::problem::Problem,
    text::{query::Query, since::since},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Names in the query, for clients that cannot set headers: ours, and Mercure's.
const NAMES: [&str; 2] = ["last_event_id", "lastEventID"];
/// The names that libraries add by themselves when they come back: event-source-polyfill and reconnecting-eventsource, and
/// older clients of Mercure.
const ADDED_NAMES: [&str; 2] = ["lastEventId", "Last-Event-ID"];

/// The start of a stream: from the header, or else the last event id in the query, or else `since`. So a browser that comes back
/// with the URL that it was given does not begin anew. `now_ms` is Unix time.
///
/// # Errors
/// 400 for a parameter given twice, and for a `since` that says nothing.
pub(crate) fn of_stream(headers: &HeaderMap, query: &Query, now_ms: u64) -> Result<Start, Problem> {
    let since = of_since(query, now_ms)?;
    let mut start = header(headers);
    for name in NAMES {
        let named = query.one(name)?.and_then(cursor);
        start = start.or(named);
    }
    for name in ADDED_NAMES {
        // The name may be in the URL that the page was given already: the last one is the newest.
        start = start.or_else(|| query.all(name).last().and_then(cursor));
    }
    Ok(start.or(since).unwrap_or(Start::Now))
}

/// The start of a page of history: behind the event `after`, or else where `since` says, or else at the oldest event.
///
/// # Errors
/// As [`of_stream`].
pub(crate) fn of_page(query: &Query, now_ms: u64) -> Result<Start, Problem> {
    let since = of_since(query, now_ms)?;
    Ok(query.one("after")?.and_then(cursor).or(since).unwrap_or(Start::Earliest))
}

fn of_since(query: &Query, now_ms: u64) -> Result<Option<Start>, Problem> {
    query.one("since")?.map(|text| since(text, now_ms).ok_or_else(since_problem)).transpose()
}

/// A start behind the event that a client's cursor names. `None` for an empty cursor, which names none.
pub(crate) fn cursor(text: &str) -> Option<Start> {
    match EventId::position(text) {
        _ if text.is_empty() => None,
        Some(id) => Some(Start::After(id)),
        None if text.len() > NAME_BYTES_MAX => Some(unknown()),
        None => Some(Start::AfterOwn(vec![text.to_owned()])),
    }
}

/// A start behind an event that nobody knows.
fn unknown() -> Start {
    Start::AfterOwn(Vec::new())
}

/// Browsers send the id as UTF-8 (WHATWG HTML 9.2.3), clients on Node.js as Latin-1: the same bytes may mean either. Headers
/// that differ say nothing.
fn header(headers: &HeaderMap) -> Option<Start> {
    let mut ids = headers.get_all(LAST_EVENT_ID).iter().map(|value| value.as_bytes()).filter(|id| !id.is_empty());
    let first = ids.next()?;
    if ids.any(|other| other != first) {
        return Some(unknown());
    }
    let latin1: String = first.iter().map(|byte| char::from(*byte)).collect();
    match std::str::from_utf8(first).map_or(None, cursor) {
        Some(Start::AfterOwn(mut own_ids)) if !first.is_ascii() => {
            own_ids.push(latin1);
            Some(Start::AfterOwn(own_ids))
        }
        Some(start) => Some(start),
        None => cursor(&latin1),
    }
}

fn since_problem() -> Problem {
    Problem::bad_request(
        "since must be a duration (10m, 1h30m), an RFC 3339 time (2026-11-20T08:06:24Z), a Unix time in seconds or milliseconds, \
         an event id, \"all\", \"earliest\" or \"latest\"",
    )
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const NOW_MS: u64 = 1_795_162_784_000;

    fn start(ids: &[&[u8]], query: &str) -> Option<Start> {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(LAST_EVENT_ID, HeaderValue::from_bytes(id).unwrap());
        }
        of_stream(&headers, &Query::parse(query).unwrap(), NOW_MS).ok()
    }

    fn own(id: &str) -> Option<Start> {
        Some(Start::AfterOwn(vec![id.to_owned()]))
    }

    fn after(ms: u64, n: u64) -> Option<Start> {
        Some(Start::After(EventId::new(ms, n)))
    }

    #[test]
    fn the_first_that_is_there_decides() {
        assert_eq!(start(&[], ""), Some(Start::Now));
        assert_eq!(start(&[b"1-1"], "last_event_id=2-2&lastEventID=3-3&since=4-4"), after(1, 1));
        assert_eq!(start(&[b""], "lastEventID=3-3&last_event_id=2-2&since=4-4"), after(2, 2));
        assert_eq!(start(&[], "last_event_id=&lastEventID=3-3&since=4-4"), after(3, 3));
        assert_eq!(start(&[], "last_event_id=&lastEventID=&since=4-4"), after(4, 4));
        assert_eq!(start(&[b""], "last_event_id="), Some(Start::Now));
    }

    #[test]
    fn the_names_that_libraries_add_count_after_the_others_and_the_last_of_them_counts() {
        for name in ADDED_NAMES {
            assert_eq!(start(&[], &format!("{name}=1-1&since=4-4")), after(1, 1), "{name}");
            assert_eq!(start(&[], &format!("{name}=1-1&{name}=2-2")), after(2, 2), "{name}");
            assert_eq!(start(&[], &format!("{name}=1-1&last_event_id=2-2")), after(2, 2), "{name}");
            assert_eq!(start(&[b"3-3"], &format!("{name}=1-1")), after(3, 3), "{name}");
        }
    }

    #[test]
    fn a_header_is_read_as_utf_8_and_as_latin_1() {
        assert_eq!(start(&[b"\xfc"], ""), own("\u{fc}"));
        let both = vec!["\u{fc}".to_owned(), "\u{c3}\u{bc}".to_owned()];
        assert_eq!(start(&["\u{fc}".as_bytes()], ""), Some(Start::AfterOwn(both)));
        assert_eq!(start(&[&[0xfc; 128]], ""), own(&"\u{fc}".repeat(128)));
        assert_eq!(start(&[&[0xfc; 129]], ""), Some(unknown()), "no id has so many bytes of UTF-8");
    }

    #[test]
    fn an_id_is_a_position_or_somebodys_own_or_unknown_and_never_an_error() {
        assert_eq!(start(&[], "last_event_id=%C3%BC"), own("ü"));
        assert_eq!(start(&[], "last_event_id=a%00b"), own("a\0b"));
        let long = "x".repeat(10 << 10);
        assert_eq!(start(&[long.as_bytes()], ""), Some(unknown()));
        assert_eq!(start(&[&long.as_bytes()[..256]], ""), own(&long[..256]));
        let huge = format!("{}-7", "9".repeat(10 << 10));
        assert_eq!(start(&[huge.as_bytes()], ""), after(u64::MAX, 7));
    }

    #[test]
    fn of_several_headers_those_that_are_empty_do_not_count_and_those_that_differ_are_unknown() {
        assert_eq!(start(&[b"", b"1-1", b"1-1"], ""), after(1, 1));
        assert_eq!(start(&[b"1-1", b"1-2"], "since=1h"), Some(unknown()));
    }

    #[test]
    fn a_since_that_says_nothing_is_an_error_even_where_it_does_not_count() {
        assert_eq!(start(&[], "since=12-3"), after(12, 3));
        assert_eq!(start(&[], "since=10x"), None);
        assert_eq!(start(&[b"1-1"], "since=10x"), None);
        for twice in ["since=1h&since=1h", "last_event_id=1-1&last_event_id=1-1", "lastEventID=&lastEventID="] {
            assert_eq!(start(&[], twice), None, "{twice}");
        }
    }
}
