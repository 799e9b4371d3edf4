//! `fanfare`: the command. Reads the settings, binds, serves, drains.

#![forbid(unsafe_code)]

mod args;
mod log;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;
use tracing::{error, info, warn};

use crate::args::{Args, Serve};

/// Thousands of small things live long between large ones that do not: glibc's heap keeps three times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A part failed, or connections had to be cut.
const FAILED: u8 = 1;
/// The command line or a setting is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let settings = Args::parse().serve();
    let _flushed_at_exit = log::init(&settings);
    match serve(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, reason }) => {
            error!("{reason}");
            ExitCode::from(status)
        }
    }
}

/// Why the process ends other than well.
struct Failure {
    status: u8,
    reason: String,
}

impl Failure {
    fn new(status: u8, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

/// Each stream needs a descriptor; many shells allow 1,024 where the system would allow far more.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "open descriptors"),
        Err(error) => warn!(%error, "cannot raise the limit of open descriptors"),
    }
}

fn serve(settings: &Serve) -> Result<(), Failure> {
    settings.check().map_err(|reason| Failure::new(USAGE, reason))?;
    let failed = |what: &str, error: std::io::Error| Failure::new(FAILED, format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("cannot start", error))?;
    raise_descriptor_limit();
    runtime.block_on(async {
        let listener = fanfare_http::bind(settings.listen)
            .map_err(|error| failed(&format!("cannot listen on {}", settings.listen), error))?;
        let address = listener.local_addr().map_err(|error| failed("cannot listen", error))?;
        let shutdown = signals::shutdown().map_err(|error| failed("cannot listen for signals", error))?;
        info!(version = env!("CARGO_PKG_VERSION"), shards = settings.shards(), "listening on http://{address}");
        let ended = fanfare_http::run(listener, settings.config(), shutdown).await;
        let ended = ended.map_err(|error| failed("cannot serve", error))?;
        if ended.cut > 0 {
            return Err(Failure::new(FAILED, format!("connections that had to be cut: {}", ended.cut)));
        }
        Ok(())
    })
}
