//! Where log lines go: to standard error, through a thread of their own, so that no connection waits for a terminal.

use std::io::{IsTerminal as _, stderr};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait for the terminal; more are left out rather than waited for.
const LINES_MAX: usize = 64_000;

/// Starts the log with the lines that `filter` lets through; what is still waiting is written when the guard is dropped.
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
