//! The floor: a bare single-threaded event-stream server that does one `send` per subscriber and message and nothing
//! else. Its cost is the kernel's, so every other server is told as a multiple of it.
//!
//! The floor knows no channels, names, history or limits beyond those that keep it alive, and is no server to use.

use std::convert::Infallible;
#[cfg(target_os = "linux")]
use std::io;
#[cfg(target_os = "linux")]
use std::net::SocketAddr;

use crate::args::floor::FloorArgs;

#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod event;
#[cfg(target_os = "linux")]
mod request;
#[cfg(target_os = "linux")]
mod server;

/// Why the floor does not run, or no longer.
#[cfg(target_os = "linux")]
#[derive(Debug, thiserror::Error)]
pub(crate) enum FloorError {
    #[error("cannot raise the descriptor limit: {0}")]
    Limit(#[source] io::Error),
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: SocketAddr, cause: io::Error },
    #[error("cannot say on stdout where the floor listens: {0}")]
    Announce(#[source] io::Error),
    #[error("the floor cannot accept a connection: {0}")]
    Accept(#[source] io::Error),
    #[error("the floor cannot poll: {0}")]
    Poll(#[source] io::Error),
}

/// Why the floor does not run.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, thiserror::Error)]
#[error("the floor needs epoll, so it runs on Linux only")]
pub(crate) struct FloorError;

/// Serves until it is killed.
#[cfg(target_os = "linux")]
pub(crate) fn run(args: &FloorArgs) -> Result<Infallible, FloorError> {
    use std::io::Write;

    rlimit::increase_nofile_limit(u64::MAX).map_err(FloorError::Limit)?;
    let listen = |cause| FloorError::Listen { address: args.listen, cause };
    let mut server = server::Server::listen(args.listen).map_err(listen)?;
    let address = server.local_address().map_err(listen)?;
    let mut stdout = io::stdout();
    let said = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    said.map_err(FloorError::Announce)?;
    loop {
        server.turn()?;
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_: &FloorArgs) -> Result<Infallible, FloorError> {
    Err(FloorError)
}
