//! The state of the server in one look.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{
    answer::words::{self, ms},
    console::Console,
    operate::Operate,
};

pub(crate) fn status<O: Operate, C>(console: &Console<O, C>) -> Value {
    let figures = console.operator.figures();
    let state = console.state();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": words::time(started(figures.uptime)),
        "uptime_ms": ms(figures.uptime),
        "ready": state.is_ready,
        "draining": state.is_draining,
        "failure": state.failure,
        "trouble": figures.trouble,
        "journal": console.admin.journal.as_str(),
        "connections": figures.connections.iter().map(|(_, count)| count).sum::<u64>(),
        "channels": figures.channels,
        "clients": figures.clients,
        "sockets": figures.sockets,
        "shards": figures.inboxes.len(),
    })
}

/// The time at which the server started.
fn started(uptime: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(uptime).unwrap_or(now)
}
