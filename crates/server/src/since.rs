//! [`since`]: the value of `--since` of a dump.

use std::time::SystemTime;

use fanfare_core::{EventId, Start};

/// Parses `--since`. The dump begins behind the returned id.
///
/// # Errors
/// A sentence that says what to write.
pub(crate) fn since(text: &str) -> Result<EventId, String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    match fanfare_http::since(text, u64::try_from(now.as_millis()).unwrap_or(u64::MAX)) {
        Some(Start::After(id)) => Ok(id),
        Some(Start::Since { ms }) => Ok(EventId::new(ms, 0).before()),
        Some(Start::Earliest) => Ok(EventId::ZERO),
        _ => Err("write a time back (10m), a time (2026-11-20T08:06:24Z), an event id or earliest".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_what_it_is_for_a_stream() {
        assert_eq!(since("earliest"), Ok(EventId::ZERO));
        assert_eq!(since("5-3"), Ok(EventId::new(5, 3)));
        assert_eq!(since("1970-01-01T00:00:01Z"), Ok(EventId::new(999, u64::MAX)));
        assert!(since("10m").unwrap() > EventId::new(1_700_000_000_000, 0));
        assert!(since("yesterday").unwrap_err().contains("earliest"));
    }
}
