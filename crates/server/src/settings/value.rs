//! Parsers of setting values: sizes, durations, origins, host names. Flags, environment and file share each parser. An
//! error says what to write instead.

use std::{fmt::Display, str::FromStr as _, time::Duration};

use bytesize::ByteSize;
use fanfare_core::Pattern;

/// The `retry` that a publisher may give an event, in milliseconds.
const RETRY_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;

/// Parses a number of bytes like `262144`, `256KiB` or `1MB` between two bounds.
pub(super) fn size(min: usize, max: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| {
        let size =
            ByteSize::from_str(text).map_err(|_| "not a size; write for instance 262144 or 256KiB".to_owned())?;
        let size = usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        let shown = |size: usize| size_text(size);
        within(size, min, max, shown)
    }
}

/// Parses a whole number between two bounds.
pub(crate) fn number<T>(min: T, max: T) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: Copy + Into<u64> + TryFrom<u64> + Send + Sync + 'static,
{
    move |text| {
        let (min, max): (u64, u64) = (min.into(), max.into());
        let number: Result<u64, _> = text.parse();
        let taken = number.clone().ok().filter(|number| (min..=max).contains(number));
        taken.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let is_too_large = number.map_or(is_digits, |number| number > max);
            let is_open = max.checked_add(1).is_none_or(|next| T::try_from(next).is_err());
            // The largest number of a type is worth telling only to users who have exceeded it.
            if is_open && !is_too_large {
                format!("write a number, {min} or more")
            } else {
                format!("write a number from {min} to {max}")
            }
        })
    }
}

/// `16384` as `16KiB`.
pub(super) fn size_text(size: usize) -> String {
    [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        .into_iter()
        .find(|(_, unit)| size > 0 && size.is_multiple_of(*unit))
        .map_or_else(|| size.to_string(), |(name, unit)| format!("{}{name}", size / unit))
}

/// Parses a duration like `2s` or `500ms` between two bounds.
pub(crate) fn duration(
    min: Duration,
    max: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let duration = humantime::parse_duration(text).map_err(|error| not_a_duration(text, &error))?;
        within(duration, min, max, |duration| humantime::format_duration(duration).to_string())
    }
}

fn not_a_duration(text: &str, error: &humantime::DurationError) -> String {
    match error {
        humantime::DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
            format!("the unit is missing: write {}s or 500ms", text.trim())
        }
        humantime::DurationError::UnknownUnit { unit, .. } => {
            format!("{unit:?} is no unit of time; write for instance 2s or 500ms")
        }
        _ => "not a duration; write for instance 2s or 500ms".to_owned(),
    }
}

fn within<T: PartialOrd, S: Display>(value: T, min: T, max: T, shown: impl Fn(T) -> S) -> Result<T, String> {
    if value < min {
        return Err(format!("must be at least {}", shown(min)));
    }
    if value > max {
        return Err(format!("must be at most {}", shown(max)));
    }
    Ok(value)
}

/// A duration in milliseconds, as the engine counts time.
pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A publisher's `retry`, as milliseconds.
pub(crate) fn publisher_retry(text: &str) -> Result<u64, String> {
    let (min, max) = (Duration::from_millis(*RETRY_MS.start()), Duration::from_millis(*RETRY_MS.end()));
    duration(min, max)(text).map(ms)
}

/// Parses the origin of pages as a browser writes it in `Origin` (RFC 6454, 6.2). `*` is every origin.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" || text == "null" {
        return Ok(text.to_owned());
    }
    let text = text.to_ascii_lowercase();
    let legal = |part: &str, others: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(char::from(byte)))
    };
    match text.split_once("://") {
        Some((scheme, host)) if legal(scheme, "+-.") && legal(host, "-._[]:") => Ok(text),
        _ => Err("not an origin; write scheme and host as in https://example.org, without a path, or *".to_owned()),
    }
}

/// Parses the name of a host, without scheme, port or path.
pub(super) fn host(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.is_empty() || !text.bytes().all(legal) {
        return Err("not a host name; write it as in www.example.org, without scheme, port or path".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

/// Parses a pattern of names.
pub(super) fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_bounds() {
        let size = size(8 << 10, 1 << 20);
        for (text, bytes) in [("8192", 8192), ("8KiB", 8192), ("64kB", 64_000), ("1MiB", 1 << 20), ("1 MiB", 1 << 20)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert_eq!(size("8191"), Err("must be at least 8KiB".to_owned()));
        assert_eq!(size("1048577"), Err("must be at most 1MiB".to_owned()));
        for text in ["", "x", "-1", "8 KiX", "1e9", "NaN"] {
            assert!(size(text).unwrap_err().contains("256KiB"), "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds_and_name_the_upper_one_to_who_needs_it() {
        let small = number(1_u16, 4096);
        assert_eq!((small("1"), small("4096"), small("0012")), (Ok(1), Ok(4096), Ok(12)));
        for text in ["0", "4097", "99999999999999999999", "-1", "1.5", "1e3", "", "many"] {
            assert_eq!(small(text), Err("write a number from 1 to 4096".to_owned()), "{text}");
        }
        let open = number(0_u32, u32::MAX);
        assert_eq!((open("0"), open("4294967295")), (Ok(0), Ok(u32::MAX)));
        for text in ["-1", "many", "", "1,000"] {
            assert_eq!(open(text), Err("write a number, 0 or more".to_owned()), "{text}");
        }
        for text in ["4294967296", "99999999999999999999"] {
            assert_eq!(open(text), Err("write a number from 0 to 4294967295".to_owned()), "{text}");
        }
        let largest = number(1, u64::MAX);
        assert_eq!(
            (largest("18446744073709551615"), largest("0")),
            (Ok(u64::MAX), Err("write a number, 1 or more".to_owned()))
        );
    }

    #[test]
    fn durations_have_units_and_bounds() {
        let duration = duration(Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(duration("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("0s"), Err("must be at least 1ms".to_owned()));
        assert_eq!(duration("61s"), Err("must be at most 1m".to_owned()));
        for (text, fault) in [
            ("15", "the unit is missing: write 15s or 500ms"),
            (" 1.5 ", "the unit is missing: write 1.5s or 500ms"),
            ("2x", "\"x\" is no unit of time; write for instance 2s or 500ms"),
            ("", "not a duration; write for instance 2s or 500ms"),
            ("s", "not a duration; write for instance 2s or 500ms"),
            ("-1s", "not a duration; write for instance 2s or 500ms"),
        ] {
            assert_eq!(duration(text), Err(fault.to_owned()), "{text}");
        }
        assert_eq!(publisher_retry("100ms"), Ok(100));
        assert!(publisher_retry("99ms").is_err() && publisher_retry("86401s").is_err());
    }

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        for good in ["*", "null", "https://example.org", "http://[::1]:3000", "chrome-extension://abc"] {
            assert_eq!(origin(good).as_deref(), Ok(good));
        }
        assert_eq!(origin("HTTPS://Example.org").as_deref(), Ok("https://example.org"));
        for bad in ["", "example.org", "https://", "https://example.org/", "https://a b", "://x", "https://ü"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_name_alone() {
        assert_eq!(host("Www.Example.org").as_deref(), Ok("www.example.org"));
        for bad in ["", "https://example.org", "example.org:80", "example.org/", "a b"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
