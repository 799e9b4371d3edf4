//! The header `Keep-Alive` of answers over HTTP/1.1.

use std::time::Duration;

use hyper::header::HeaderValue;

/// Largest time by which clients are told less than the server waits: a client that goes by the header then never sends a
/// request in the moment when its connection is closed. Of a short time the difference is a tenth.
const TOLD_LESS_MAX: Duration = Duration::from_secs(5);

/// `timeout=` in seconds (RFC 2068 19.7.1.1). `None` for a time that is too short to be told.
pub(crate) fn header(timeout: Duration) -> Option<HeaderValue> {
    let seconds = (timeout - TOLD_LESS_MAX.min(timeout / 10)).as_secs();
    (seconds > 0).then(|| HeaderValue::try_from(format!("timeout={seconds}")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_a_little_less_than_the_time() {
        let told = |ms| header(Duration::from_millis(ms)).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told(90_000).as_deref(), Some("timeout=85"));
        assert_eq!(told(10_000).as_deref(), Some("timeout=9"));
        assert_eq!(told(1_200).as_deref(), Some("timeout=1"));
        assert_eq!(told(1_000), None, "a whole second would be all of it");
        assert_eq!(told(0), None);
    }
}
