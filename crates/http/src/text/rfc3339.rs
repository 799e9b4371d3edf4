//! A time as RFC 3339 5.6 writes it, with any offset, as Unix milliseconds. For `since=` of a stream.
//!
//! No library does this: a time comes out of a query, where the `+` of an offset has become a space.

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Unix time in milliseconds, rounded down; 0 before 1970. `None` if `text` is no time.
pub(crate) fn unix_ms(text: &str) -> Option<u64> {
    let (date_time, rest) = text.as_bytes().split_at_checked("2026-11-20T08:06:24".len())?;
    let separators = [4, 7, 10, 13, 16].map(|at| date_time[at]);
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let [year, month, day, hour, minute, second] =
        [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)].map(|(from, to)| number(&date_time[from..to]));
    let (year, month, day) = (year?, month?, day?);
    let (hour, minute, second) = (hour?, minute?, second?);
    let is_legal = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    if !is_legal {
        return None;
    }
    let (fraction_ms, zone) = fraction(rest)?;
    let of_day = (hour * 60 + minute) * 60 + second;
    let seconds = days(year, month, day) * SECONDS_PER_DAY + of_day - offset(zone)?;
    // A leap second ends a day of UTC, and nothing else (RFC 3339 5.7).
    if second == 60 && seconds.rem_euclid(SECONDS_PER_DAY) != 0 {
        return None;
    }
    Some(u64::try_from(seconds * 1_000 + fraction_ms).unwrap_or(0))
}

/// The value of a few digits, and of nothing but digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// The milliseconds that `rest` begins with, and what stands behind them.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = digits.split_at(count);
    if digits.is_empty() {
        return None;
    }
    let place = |at: usize| digits.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    Some((place(0) * 100 + place(1) * 10 + place(2), zone))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let [sign, hours @ .., colon, minute_tens, minute_ones] = zone else {
        return matches!(zone, b"Z" | b"z").then_some(0);
    };
    if hours.len() != 2 || *colon != b':' {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(&[*minute_tens, *minute_ones])?);
    let seconds = (hours <= 23 && minutes <= 59).then_some((hours * 60 + minutes) * 60)?;
    match sign {
        b'+' | b' ' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, whose years are counted from March here.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_offset() {
        for (text, ms) in [
            ("2026-11-20T08:19:44Z", 1_795_162_784_000),
            ("2026-11-20t08:19:44z", 1_795_162_784_000),
            ("2026-11-20 08:19:44Z", 1_795_162_784_000),
            ("2026-11-20T08:19:44.1Z", 1_795_162_784_100),
            ("2026-11-20T08:19:44.123999999999Z", 1_795_162_784_123),
            ("2026-11-20T10:19:44+02:00", 1_795_162_784_000),
            ("2026-11-20T10:19:44 02:00", 1_795_162_784_000),
            ("2026-11-20T04:49:44.5-03:30", 1_795_162_784_500),
            ("2026-11-20T08:19:44-00:00", 1_795_162_784_000),
            ("2026-11-21T08:18:44+23:59", 1_795_162_784_000),
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.001Z", 1),
            ("1969-12-31T23:00:00-02:00", 3_600_000),
            ("1969-12-31T23:59:59.999Z", 0),
            ("0000-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2017-01-01T00:59:60+01:00", 1_483_228_800_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(unix_ms(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn it_counts_days_as_another_implementation_does() {
        for seconds in (0..253_402_300_799).step_by(86_400 * 37 + 12_345) {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let text = humantime::format_rfc3339_seconds(time).to_string();
            assert_eq!(unix_ms(&text), Some(seconds * 1_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T08:19Z",
            "2026-11-20T08:19:44",
            "2026-11-20T08:19:44.Z",
            "2026-11-20T08:19:44,5Z",
            "2026-11-20T08:19:44ZZ",
            "2026-11-20T08:19:44 Z",
            "2026-11-20T08:19:44+2:00",
            "2026-11-20T08:19:44+0200",
            "2026-11-20T08:19:44+02",
            "2026-11-20T08:19:44+24:00",
            "2026-11-20T08:19:44+02:60",
            "2026-11-20T08:19:44*02:00",
            "2026-11-20T08:19:44+002:00",
            "2026-13-20T08:19:44Z",
            "2026-00-20T08:19:44Z",
            "2026-11-00T08:19:44Z",
            "2026-11-31T08:19:44Z",
            "2026-02-29T08:19:44Z",
            "1900-02-29T08:19:44Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T08:60:00Z",
            "2026-11-20T08:19:60Z",
            "2026-11-20T23:59:60+01:00",
            "2026-11-20T08:19:61Z",
            "2026-11-20X08:19:44Z",
            "+026-11-20T08:19:44Z",
            "2026-1１-20T08:19:4Z",
            " 2026-11-20T08:19:44Z",
        ] {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }
}
