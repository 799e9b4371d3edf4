//! The log: lines go to standard error through a separate thread, so that no connection waits for a terminal. The filter
//! can change while the process runs.
//!
//! What clients write cannot steer a terminal or forge a line: `lines` writes fields without such characters.

mod lines;

use std::{
    io::{IsTerminal as _, stderr},
    panic,
};

use tracing::error;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _};

use self::lines::{Fields, JsonLines};
use crate::settings::LogFormat;

/// Most lines that may wait for the terminal. Further lines are left out.
const LINES_MAX: usize = 64_000;

/// The log of this process. Its drop writes the lines that still wait.
pub(crate) struct Log {
    filter: LogFilter,
    _waiting: WorkerGuard,
}

/// The filter of the log, which decides on its lines. All clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter(reload::Handle<EnvFilter, Registry>);

/// Starts the log with the lines that `filter` allows.
pub(crate) fn init(filter: &str, format: LogFormat) -> Log {
    let (writer, waiting) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(stderr());
    let (filter, handle) = reload::Layer::new(EnvFilter::new(filter));
    let filtered = tracing_subscriber::registry().with(filter);
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
    Log { filter: LogFilter(handle), _waiting: waiting }
}

impl Log {
    /// The filter, to be changed.
    pub(crate) fn filter(&self) -> LogFilter {
        self.filter.clone()
    }
}

impl LogFilter {
    /// Allows the lines of `filter` from now on, and no others.
    pub(crate) fn replace(&self, filter: &str) {
        if let Err(error) = self.0.reload(EnvFilter::new(filter)) {
            error!("the filter of the log stays as it was: {error}");
        }
    }
}
