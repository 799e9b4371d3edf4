//! The built-in clock: broadcasts the time, so that there is something to see without a publisher.
//!
//! Nodes that share a journal tick at the same moments, each with the key of that moment: one of them is published.

use std::{
    convert::Infallible,
    future::pending,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fanfare_core::{Event, IdempotencyKey, PublishError, Target, Wait};
use tokio::time::sleep;
use tracing::warn;

use crate::app::{App, unix_ms};

/// Publishes at the configured interval. Without one it waits for ever.
pub(crate) async fn tick(app: Arc<App>) -> Infallible {
    let Some(period) = app.config().clock.filter(|period| !period.is_zero()) else { return pending().await };
    let period_ms = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut last = 0;
    loop {
        let (number, wait) = next(unix_ms(), period_ms, last);
        sleep(wait).await;
        last = number;
        let event = Event::new(Target::All, format!("the time is {}", utc(SystemTime::now()))).live_only();
        let Ok(key) = IdempotencyKey::new(&number.to_string(), "clock") else { continue };
        match app.hub.publish_once(event, &key, Wait::Journal).await {
            // Another node was first.
            Ok(_) | Err(PublishError::KeyReused) => {}
            Err(error) => warn!(%error, "no tick"),
        }
    }
}

/// The number of the tick after the one with the number `last`, counted from the Unix epoch, and how long that is from
/// `now_ms`.
fn next(now_ms: u64, period_ms: u64, last: u64) -> (u64, Duration) {
    // A clock that was set back must not repeat a tick, and one that was set back far must not stop them.
    let due = now_ms / period_ms + 1;
    let number = if last == due { due + 1 } else { due };
    (number, Duration::from_millis(number.saturating_mul(period_ms).saturating_sub(now_ms)))
}

/// Like `2026-11-20 08:06:24.123456789 +0000 UTC`.
fn utc(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_nanos(time).to_string();
    format!("{} +0000 UTC", text.trim_end_matches('Z').replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_at_the_same_moments_whenever_a_node_began_and_none_comes_twice() {
        let ms = Duration::from_millis;
        assert_eq!(next(10_000, 2_000, 0), (6, ms(2_000)));
        assert_eq!(next(11_999, 2_000, 0), (6, ms(1)));
        // Slept a little too short by this clock.
        assert_eq!(next(11_999, 2_000, 6), (7, ms(2_001)));
        assert_eq!(next(12_003, 2_000, 6), (7, ms(1_997)));
        assert_eq!(next(4_000, 2_000, 6), (3, ms(2_000)));
        assert_eq!(next(0, u64::MAX, 0).0, 1);
    }

    #[test]
    fn the_time_has_the_form_of_the_contract() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_795_162_784, 120_000_000);
        assert_eq!(utc(time), "2026-11-20 08:19:44.120000000 +0000 UTC");
    }
}
