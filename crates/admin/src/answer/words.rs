//! Words and numbers of answers: how times, reasons and policies are written, in JSON and in the labels of metrics.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare_http::{Doing, Gap, Policy, Target, Transport, core::engine::CloseReason};
use serde_json::{Map, Value, json};

/// The last millisecond that RFC 3339 can say.
const LAST_TIME: Duration = Duration::from_millis(253_402_300_799_999);

/// A time as RFC 3339 says it. One that it cannot say is the nearest that it can: a token may expire in a million years.
pub(crate) fn time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_millis(UNIX_EPOCH + since.min(LAST_TIME)).to_string()
}

/// The reason of an end as one word.
pub(crate) fn close_reason(reason: CloseReason) -> String {
    reason.as_str().replace(' ', "-")
}

pub(crate) fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Repair => "repair",
        Policy::DropNewest => "drop-newest",
        Policy::DropOldest => "drop-oldest",
        Policy::Close => "close",
    }
}

/// What a stream gets next.
pub(crate) fn doing(doing: Doing) -> &'static str {
    match doing {
        Doing::Opening => "opening",
        Doing::Live => "live",
        Doing::CatchingUp => "catching-up",
        Doing::Dropping => "dropping",
        Doing::Closing => "closing",
    }
}

/// Whole milliseconds.
pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn target(target: &Target) -> Value {
    match target {
        Target::All => json!({ "all": true }),
        Target::Channel(channel) => json!({ "channel": channel.as_str() }),
        Target::Client(client) => json!({ "client": client.as_str() }),
    }
}

pub(crate) fn gap(gap: &Gap) -> Value {
    let id = |id: Option<_>| id.as_ref().map(ToString::to_string);
    json!({ "from": id(gap.from), "to": id(gap.to), "missed": gap.missed, "reason": gap.reason.as_str() })
}

/// A number for each transport, also for those that have none.
pub(crate) fn by_transport(counts: &[(Transport, u64)]) -> Vec<(&'static str, u64)> {
    let sum = |wanted| counts.iter().filter(|(transport, _)| *transport == wanted).map(|(_, count)| count).sum();
    Transport::ALL.into_iter().map(|transport| (transport.as_str(), sum(transport))).collect()
}

/// Numbers by name, as an object.
pub(crate) fn object(counts: impl IntoIterator<Item = (impl Into<String>, u64)>) -> Value {
    counts.into_iter().map(|(name, count)| (name.into(), json!(count))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_said_is_the_nearest_one() {
        assert_eq!(time(UNIX_EPOCH + Duration::from_millis(1_796_023_882_123)), "2026-11-30T07:31:22.123Z");
        assert_eq!(time(UNIX_EPOCH - Duration::from_secs(5)), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(UNIX_EPOCH + Duration::from_secs(1 << 50)), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_transport_has_a_number() {
        let counts = by_transport(&[(Transport::Http2, 3), (Transport::Http2, 1)]);
        assert_eq!(counts, [("http1", 0), ("https1", 0), ("http2", 4), ("https2", 0), ("program", 0)]);
    }
}
