//! [`max_age`]: how long an answer says that it may be kept (RFC 9111 5.2.2).

use std::time::Duration;

use hyper::{HeaderMap, header::CACHE_CONTROL};

/// The time for which an answer may be kept. `None`: the answer does not say, or that it must not be kept.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut age = None;
    for directive in lines.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return None,
            "max-age" => age = age.or_else(|| seconds(value.trim().trim_matches('"'))),
            _ => {}
        }
    }
    age
}

/// A number that is too large is as much as can be counted (RFC 9111 1.2.2).
fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX)).min(u32::MAX.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_as_long_as_it_says() {
        for (lines, kept) in [
            (&["max-age=60"][..], Some(60)),
            (&["public, Max-Age=\"7\""], Some(7)),
            (&["max-age=1", "max-age=2"], Some(1)),
            (&["max-age=99999999999999999999999"], Some(u64::from(u32::MAX))),
            (&["no-store, max-age=60"], None),
            (&["max-age=60", "no-cache"], None),
            (&["max-age=-1"], None),
            (&["max-age="], None),
            (&["s-maxage=60"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, line.parse().unwrap());
            }
            assert_eq!(max_age(&headers), kept.map(Duration::from_secs), "{lines:?}");
        }
    }
}
