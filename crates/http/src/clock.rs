//! The built-in clock: broadcasts the time, so that there is something to see without a publisher.

use std::{convert::Infallible, future::pending, sync::Arc, time::SystemTime};

use fanfare_core::{Event, Target, Wait};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::app::App;

/// Publishes at the configured interval; with none, waits for ever.
pub(crate) async fn tick(app: Arc<App>) -> Infallible {
    let Some(period) = app.config.clock.filter(|period| !period.is_zero()) else { return pending().await };
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The first is ready at once; nobody is there yet.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let event = Event::new(Target::All, format!("the time is {}", utc(SystemTime::now()))).live_only();
        if let Err(error) = app.hub.publish(event, Wait::Journal).await {
            warn!(%error, "no tick");
        }
    }
}

/// Like `2026-11-20 08:06:24.123456789 +0000 UTC`.
fn utc(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_nanos(time).to_string();
    format!("{} +0000 UTC", text.trim_end_matches('Z').replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_has_the_form_of_the_contract() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_795_162_784, 120_000_000);
        assert_eq!(utc(time), "2026-11-20 08:19:44.120000000 +0000 UTC");
    }
}
