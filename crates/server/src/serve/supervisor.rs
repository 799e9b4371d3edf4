//! What whoever started this process is told of it, if that is systemd (`sd_notify(3)`): that it serves, reloads and ends, and that
//! it is alive.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// Whether the end was told, or a successor. What comes after that is nothing that systemd could use.
static IS_STOPPING: AtomicBool = AtomicBool::new(false);

/// The server serves.
pub(crate) fn tell_ready(status: &str) {
    if !is_stopping() {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }
}

/// The server reads its settings again, until it is ready.
pub(crate) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(_) if is_stopping() => {}
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        // systemd ends a service that reloads without a time.
        Err(error) => warn!("systemd is not told of the reload: {error}"),
    }
}

/// The process of this id is the server from now on.
pub(crate) fn tell_main(id: u32) {
    tell(&[NotifyState::MainPid(id)]);
}

/// What this process does is nobody's concern any more.
pub(crate) fn say_no_more() {
    // Relaxed: nothing else has to be seen with it.
    IS_STOPPING.store(true, Ordering::Relaxed);
}

/// The server drains, and then ends.
pub(crate) fn tell_stopping() {
    if is_stopping() {
        return;
    }
    say_no_more();
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

fn is_stopping() -> bool {
    IS_STOPPING.load(Ordering::Relaxed)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        warn!("systemd is not told of {states:?}: {error}");
    }
}

/// Says that the server is alive, twice in each time that systemd allows, for as long as `is_well`. Returns if systemd does not ask
/// for it.
pub(crate) async fn keep_alive(is_well: impl Fn() -> bool) {
    if let Some(time) = watchdog_enabled().filter(|time| !time.is_zero()) {
        each_half(time, is_well, || tell(&[NotifyState::Watchdog])).await;
    }
}

async fn each_half(time: Duration, is_well: impl Fn() -> bool, ping: impl Fn()) {
    let mut turns = interval(time / 2);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if !is_well() {
            return;
        }
        ping();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_server_that_is_not_well_says_nothing_more() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (left, pings) = (Cell::new(3), Cell::new(0));
        let is_well = || left.replace(left.get() - 1) > 0;
        runtime.block_on(each_half(Duration::from_millis(2), is_well, || pings.set(pings.get() + 1)));
        assert_eq!(pings.get(), 3);
    }
}
