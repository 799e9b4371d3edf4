//! The state of the server in one look.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{
    answer::words::{self, journal},
    console::Console,
    operate::Operate,
};

pub(crate) fn status<O: Operate, R>(console: &Console<O, R>) -> Value {
    let figures = console.operator.figures();
    let state = console.state();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": words::time(started(figures.uptime_ms)),
        "uptime_ms": figures.uptime_ms,
        "ready": state.is_ready,
        "draining": state.is_draining,
        "failure": state.failure,
        "trouble": figures.trouble,
        "journal": journal(figures.has_journal, figures.is_shared),
        "connections": figures.connections.iter().map(|(_, count)| count).sum::<u64>(),
        "channels": figures.channels,
        "patterns": figures.patterns,
        "clients": figures.clients,
        "sockets": figures.sockets,
        "shards": figures.inboxes.len(),
    })
}

/// The time at which the server started.
fn started(uptime_ms: u64) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(Duration::from_millis(uptime_ms)).unwrap_or(now)
}
