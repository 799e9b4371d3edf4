//! What is done to the server as a whole: its drain, and a reload.

use serde_json::{Value, json};
use tracing::{info, warn};

use crate::{answer::problem::Problem, console::Console, control::Control, operate::Operate};

pub(crate) fn drain<O: Operate, C: Control>(console: &Console<O, C>) -> Value {
    info!("admin: the drain begins");
    console.control.drain();
    json!({ "draining": true })
}

pub(crate) async fn reload<O: Operate, C: Control>(console: &Console<O, C>) -> Result<Value, Problem> {
    match console.reload().await {
        Ok(done) => {
            let (applied, needs_restart) = (&*done.applied.join(", "), &*done.needs_restart.join(", "));
            info!(applied, needs_restart, "admin: reloaded");
            Ok(json!({
                "applied": done.applied,
                "unchanged": done.unchanged,
                "needs_restart": done.needs_restart,
            }))
        }
        Err(error) => {
            warn!(%error, "admin: the reload failed, and nothing has changed");
            Err(error.into())
        }
    }
}
