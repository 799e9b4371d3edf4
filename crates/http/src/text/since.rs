//! [`since()`]: how far back a client wants to begin, in each of the forms that people and programs write a time in.

use fanfare_core::{EventId, Start};
use humantime::DurationError;

use crate::text::rfc3339;

/// Digits of a Unix time: in seconds from 1973 to 5138, in milliseconds from 1973 on. Fewer may be a duration whose unit
/// was forgotten, and more are micro- or nanoseconds: neither means anything.
const SECONDS_DIGITS: std::ops::RangeInclusive<usize> = 9..=11;
const MILLISECONDS_DIGITS: std::ops::RangeInclusive<usize> = 12..=14;

/// Reads a `since`: `earliest` or `all`; `latest`, for what comes from now on; a time back (`10m`); an RFC 3339 time; a Unix time
/// in seconds (`1795162784`, `1795162784.5`) or milliseconds (`1795162784000`); or an event id. `None` if `text` is none of these.
/// `now_ms` is Unix time.
///
/// ```
/// use fanfare_http::{EventId, Start, since};
///
/// assert_eq!(since("10m", 1_795_162_784_000), Some(Start::Since { ms: 1_795_162_184_000 }));
/// assert_eq!(since("12-3", 0), Some(Start::After(EventId::new(12, 3))));
/// assert_eq!(since("yesterday", 0), None);
/// ```
pub fn since(text: &str, now_ms: u64) -> Option<Start> {
    match text {
        "earliest" | "all" => return Some(Start::Earliest),
        "latest" => return Some(Start::Now),
        // A duration without a unit means nothing, and nobody means now.
        "0" => return None,
        _ => {}
    }
    if let Some(id) = EventId::position(text) {
        return Some(Start::After(id));
    }
    let back = || back_ms(text).map(|back_ms| now_ms.saturating_sub(back_ms));
    let ms = rfc3339::unix_ms(text).or_else(|| unix_ms(text)).or_else(back);
    ms.map(|ms| Start::Since { ms })
}

/// A Unix time in milliseconds: from seconds, which may have a fraction, or from milliseconds.
fn unix_ms(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !fraction.is_none_or(is_number) {
        return None;
    }
    let number: u64 = whole.parse().ok()?;
    match fraction {
        None if MILLISECONDS_DIGITS.contains(&whole.len()) => Some(number),
        _ if SECONDS_DIGITS.contains(&whole.len()) => {
            let thousandths = fraction.unwrap_or_default().bytes().chain(std::iter::repeat(b'0')).take(3);
            Some(thousandths.fold(number, |ms, digit| ms * 10 + u64::from(digit - b'0')))
        }
        _ => None,
    }
}

/// A duration in milliseconds. One that is too long to be counted is the longest there is.
fn back_ms(text: &str) -> Option<u64> {
    match humantime::parse_duration(text) {
        Ok(back) => Some(u64::try_from(back.as_millis()).unwrap_or(u64::MAX)),
        // humantime says so of a unit that it does not know, and of a fraction that is too small, as well.
        Err(DurationError::NumberOverflow) if !text.contains('.') => {
            let is_duration = humantime::parse_duration(&with_small_numbers(text)).is_ok();
            is_duration.then_some(u64::MAX)
        }
        Err(_) => None,
    }
}

/// The same text with 1 for every number.
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
    use super::*;

    const NOW_MS: u64 = 1_795_162_784_000;

    fn ms(text: &str) -> Option<u64> {
        match since(text, NOW_MS) {
            Some(Start::Since { ms }) => Some(ms),
            _ => None,
        }
    }

    #[test]
    fn a_duration_is_so_long_ago() {
        assert_eq!(ms("10m"), Some(NOW_MS - 600_000));
        assert_eq!(ms("1h30m"), Some(NOW_MS - 5_400_000));
        assert_eq!(ms("1h 30m"), Some(NOW_MS - 5_400_000));
        assert_eq!(ms("1500ms"), Some(NOW_MS - 1_500));
        assert_eq!(ms("0s"), Some(NOW_MS));
        assert_eq!((ms("100y"), ms("99999999999999999999h")), (Some(0), Some(0)));
    }

    #[test]
    fn a_time_is_rfc_3339_or_unix_seconds_or_milliseconds() {
        assert_eq!(ms("2026-11-20T10:19:43+02:00"), Some(NOW_MS - 1_000));
        assert_eq!(ms("2026-11-20T10:19:43 02:00"), Some(NOW_MS - 1_000), "a + in a query is a space");
        assert_eq!(ms("1795162784"), Some(NOW_MS));
        assert_eq!((ms("1795162784.5"), ms("1795162784.0129999")), (Some(NOW_MS + 500), Some(NOW_MS + 12)));
        assert_eq!(ms("1795162784000"), Some(NOW_MS));
        assert_eq!((ms("100000000"), ms("99999999999")), (Some(100_000_000_000), Some(99_999_999_999_000)));
        assert_eq!((ms("100000000000"), ms("99999999999999")), (Some(100_000_000_000), Some(99_999_999_999_999)));
    }

    #[test]
    fn an_id_and_the_words_are_places_of_their_own() {
        assert_eq!(since("12-3", NOW_MS), Some(Start::After(EventId::new(12, 3))));
        assert_eq!((since("earliest", NOW_MS), since("all", NOW_MS)), (Some(Start::Earliest), Some(Start::Earliest)));
        assert_eq!(since("latest", NOW_MS), Some(Start::Now));
    }

    #[test]
    fn anything_else_means_nothing() {
        for nonsense in [
            "",
            "x",
            "0",
            "10",
            "-10m",
            "10x",
            "99999999",
            "100000000000000",
            "1795162784000000",
            "1795162784000000000",
            "1795162784.",
            "1795162784.x",
            "1795162784.5.5",
            ".5",
            "1795162784000.5",
            "-1795162784",
            "+1795162784",
            "99999999999999999999x",
            "99999999999999999999",
            "0.5ns",
            "EARLIEST",
            "Latest",
            "yesterday",
            "2026-11-20",
            "1-",
            "\0",
        ] {
            assert_eq!(since(nonsense, NOW_MS), None, "{nonsense}");
        }
    }
}
