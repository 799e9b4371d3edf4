//! Where a stream or a page of history begins: what a client says of the last event it had, or of how far back it wants
//! to go.
//!
//! A last event id is never an error, whatever it is: a browser that is told 400 gives up for ever, and what it sends
//! it was once given by somebody. One that nobody knows leads to a gap that says so.

use fanfare_core::{EventId, NAME_BYTES_MAX, Start};
use humantime::DurationError;
use hyper::{HeaderMap, header::HeaderName};

use crate::{problem::Problem, query::Query, rfc3339};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// In the query, for clients that cannot set headers. The second is what other servers call it.
const NAMES: [&str; 2] = ["last_event_id", "lastEventID"];

/// The first that is there: the header, the query's last event id, `since`. So a browser that comes back with the URL
/// that it was given does not begin anew. `now_ms` is Unix time.
///
/// # Errors
/// 400 for a parameter given twice, and for a `since` that says nothing.
pub(crate) fn of_stream(headers: &HeaderMap, query: &Query, now_ms: u64) -> Result<Start, Problem> {
    let since = query.one("since")?.map(|text| since(text, now_ms).ok_or_else(since_problem)).transpose()?;
    let mut start = header(headers);
    for name in NAMES {
        let named = query.one(name)?.and_then(cursor);
        start = start.or(named);
    }
    Ok(start.or(since).unwrap_or(Start::Now))
}

/// Behind the event that a client's cursor names; `None` if it is empty, which is none.
pub(crate) fn cursor(text: &str) -> Option<Start> {
    match EventId::position(text) {
        _ if text.is_empty() => None,
        Some(id) => Some(Start::After(id)),
        None if text.len() > NAME_BYTES_MAX => Some(unknown()),
        None => Some(Start::AfterOwn(text.to_owned())),
    }
}

/// Behind an event that there cannot be: no id is empty.
fn unknown() -> Start {
    Start::AfterOwn(String::new())
}

/// Browsers send the id as UTF-8 (WHATWG HTML 9.2.3), so it is read as bytes. Several that differ say nothing.
fn header(headers: &HeaderMap) -> Option<Start> {
    let mut ids = headers.get_all(LAST_EVENT_ID).iter().map(|value| value.as_bytes()).filter(|id| !id.is_empty());
    let first = ids.next()?;
    if ids.any(|other| other != first) {
        return Some(unknown());
    }
    std::str::from_utf8(first).map_or_else(|_| Some(unknown()), cursor)
}

/// What `since` means: a time back (`10m`), an RFC 3339 time, an event id, or `earliest`; `None` if it is none of these.
/// `now_ms` is Unix time.
pub fn since(text: &str, now_ms: u64) -> Option<Start> {
    if text == "earliest" {
        return Some(Start::Earliest);
    }
    if let Some(id) = EventId::position(text) {
        return Some(Start::After(id));
    }
    // A duration without a unit means nothing, and nobody means now.
    if text == "0" {
        return None;
    }
    let ms = rfc3339::unix_ms(text).or_else(|| back_ms(text).map(|back_ms| now_ms.saturating_sub(back_ms)));
    ms.map(|ms| Start::Since { ms })
}

fn since_problem() -> Problem {
    Problem::bad_request(
        "since: a time back (10m, 1h30m), an RFC 3339 time (2026-11-20T08:06:24Z), an event id or \"earliest\" is known",
    )
}

/// A duration in milliseconds; one too long to be counted is the longest there is.
fn back_ms(text: &str) -> Option<u64> {
    match humantime::parse_duration(text) {
        Ok(back) => Some(u64::try_from(back.as_millis()).unwrap_or(u64::MAX)),
        // It says so of a unit that it does not know, and of a fraction that is too small, as well.
        Err(DurationError::NumberOverflow) if !text.contains('.') => {
            let is_duration = humantime::parse_duration(&with_small_numbers(text)).is_ok();
            is_duration.then_some(u64::MAX)
        }
        Err(_) => None,
    }
}

/// Every number in it becomes 1.
fn with_small_numbers(text: &str) -> String {
    let mut small = String::new();
    let mut was_digit = false;
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        if !is_digit {
            small.push(character);
        } else if !was_digit {
            small.push('1');
        }
        was_digit = is_digit;
    }
    small
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
        Some(Start::AfterOwn(id.to_owned()))
    }

    fn after(ms: u64, n: u64) -> Option<Start> {
        Some(Start::After(EventId::new(ms, n)))
    }

    fn since(ms: u64) -> Option<Start> {
        Some(Start::Since { ms })
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
    fn an_id_is_a_position_or_somebodys_own_or_unknown_and_never_an_error() {
        assert_eq!(start(&["ü".as_bytes()], ""), own("ü"));
        assert_eq!(start(&[], "last_event_id=%C3%BC"), own("ü"));
        assert_eq!(start(&[b"\xfc"], ""), own(""));
        assert_eq!(start(&[], "last_event_id=a%00b"), own("a\0b"));
        let long = "x".repeat(10 << 10);
        assert_eq!(start(&[long.as_bytes()], ""), own(""));
        assert_eq!(start(&[&long.as_bytes()[..256]], ""), own(&long[..256]));
        let huge = format!("{}-7", "9".repeat(10 << 10));
        assert_eq!(start(&[huge.as_bytes()], ""), after(u64::MAX, 7));
    }

    #[test]
    fn of_several_headers_those_that_are_empty_do_not_count_and_those_that_differ_are_unknown() {
        assert_eq!(start(&[b"", b"1-1", b"1-1"], ""), after(1, 1));
        assert_eq!(start(&[b"1-1", b"1-2"], "since=1h"), own(""));
    }

    #[test]
    fn since_is_a_duration_a_time_an_id_or_the_earliest() {
        assert_eq!(start(&[], "since=10m"), since(NOW_MS - 600_000));
        assert_eq!(start(&[], "since=1h30m"), since(NOW_MS - 5_400_000));
        assert_eq!(start(&[], "since=1h+30m"), since(NOW_MS - 5_400_000));
        assert_eq!(start(&[], "since=1500ms"), since(NOW_MS - 1_500));
        assert_eq!(start(&[], "since=0s"), since(NOW_MS));
        assert_eq!(start(&[], "since=100y"), since(0));
        assert_eq!(start(&[], "since=99999999999999999999h"), since(0));
        assert_eq!(start(&[], "since=2026-11-20T10:19:43%2B02:00"), since(NOW_MS - 1_000));
        assert_eq!(start(&[], "since=2026-11-20T10:19:43+02:00"), since(NOW_MS - 1_000));
        assert_eq!(start(&[], "since=12-3"), after(12, 3));
        assert_eq!(start(&[], "since=earliest"), Some(Start::Earliest));
    }

    #[test]
    fn any_other_since_is_an_error_even_where_it_does_not_count() {
        for nonsense in [
            "",
            "x",
            "10",
            "-10m",
            "10x",
            "99999999999999999999x",
            "99999999999999999999",
            "0.5ns",
            "EARLIEST",
            "yesterday",
            "2026-11-20",
            "1-",
            "%00",
        ] {
            assert_eq!(start(&[], &format!("since={nonsense}")), None, "{nonsense}");
            assert_eq!(start(&[b"1-1"], &format!("since={nonsense}")), None, "{nonsense}");
        }
        for twice in ["since=1h&since=1h", "last_event_id=1-1&last_event_id=1-1", "lastEventID=&lastEventID="] {
            assert_eq!(start(&[], twice), None, "{twice}");
        }
    }
}
