//! The floor: a bare single-threaded event-stream server that does one `send` per subscriber and message and nothing
//! else. Its cost is the kernel's, so every other server is told as a multiple of it.
//!
//! Over HTTP/2, which it speaks with whoever begins so, that is one `send` per connection and message. With a certificate
//! it speaks TLS through rustls, which is a figure of its own: the floor that others are told in multiples of is the
//! one without TLS, over HTTP/1.1.
//!
//! The floor knows no channels, names, history or limits beyond those that keep it alive, and is no server to use.

use std::convert::Infallible;
#[cfg(target_os = "linux")]
use std::io;

use crate::args::floor::FloorArgs;
use crate::floor::error::FloorError;

#[cfg(target_os = "linux")]
mod connection;
pub(crate) mod error;
#[cfg(target_os = "linux")]
mod event;
#[cfg(target_os = "linux")]
mod gone;
#[cfg(target_os = "linux")]
mod http2;
#[cfg(target_os = "linux")]
mod request;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod tls;

/// Serves until it is killed.
#[cfg(target_os = "linux")]
pub(crate) fn run(args: &FloorArgs) -> Result<Infallible, FloorError> {
    use std::io::Write;

    rlimit::increase_nofile_limit(u64::MAX).map_err(FloorError::Limit)?;
    let listen = |cause| FloorError::Listen { address: args.listen, cause };
    let tls = tls::config(&args.tls)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut server = server::Server::listen(args.listen, tls).map_err(listen)?;
    let address = server.local_address().map_err(listen)?;
    let mut stdout = io::stdout();
    let said = writeln!(stdout, "listening on {scheme}://{address}").and_then(|()| stdout.flush());
    said.map_err(FloorError::Announce)?;
    loop {
        server.turn()?;
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_: &FloorArgs) -> Result<Infallible, FloorError> {
    Err(FloorError)
}
