//! The log: lines go to standard error through a separate thread, so that no connection waits for a terminal.

use std::io::{IsTerminal as _, stderr};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Most lines that may wait for the terminal. Further lines are left out.
const LINES_MAX: usize = 64_000;

/// Starts the log with the lines that `filter` allows. The drop of the guard writes the lines that still wait.
pub(crate) fn init(filter: &str) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(stderr());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_target(false)
        .with_ansi(stderr().is_terminal())
        .with_writer(writer)
        .init();
    guard
}
