//! The log: lines go to standard error through a separate thread, so that no connection waits for a terminal.
//!
//! What clients write cannot steer a terminal or forge a line: `lines` writes fields without such characters.

mod lines;

use std::{
    io::{IsTerminal as _, stderr},
    panic,
};

use tracing::error;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use self::lines::{Fields, JsonLines};
use crate::settings::LogFormat;

/// Most lines that may wait for the terminal. Further lines are left out.
const LINES_MAX: usize = 64_000;

/// Starts the log with the lines that `filter` allows. The drop of the guard writes the lines that still wait.
pub(crate) fn init(filter: &str, format: LogFormat) -> WorkerGuard {
    let (writer, waiting) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(stderr());
    let filtered = tracing_subscriber::registry().with(EnvFilter::new(filter));
    let lines = fmt::layer();
    match format {
        LogFormat::Text => {
            let lines = lines.fmt_fields(Fields).with_target(false).with_ansi(stderr().is_terminal());
            filtered.with(lines.with_writer(writer)).init();
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
            filtered.with(lines.with_target(false).with_writer(JsonLines(writer))).init();
            // Its own lines are no JSON.
            panic::set_hook(Box::new(|panic| error!("{panic}")));
        }
    }
    waiting
}
