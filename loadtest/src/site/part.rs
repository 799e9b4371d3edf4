//! The start of a program of a site, up to the moment at which it can be used.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{POLL, Program};
use crate::site::error::SiteError;

/// The time that a program may take until it is ready.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(20);
/// The time that an answer about its readiness may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Ports for the programs of a site. The kernel gives others to connections, so a node finds its port free again.
const PORT_MIN: u16 = 10_000;
const PORT_MAX: u16 = 32_000;

/// An address on loopback that nobody listens on.
pub(super) fn free_address() -> Result<SocketAddr, SiteError> {
    // Runs beside this one look at other ports first.
    let first = std::process::id() as u16;
    let count = PORT_MAX - PORT_MIN;
    let mut ports = (0..count).map(|step| PORT_MIN + first.wrapping_add(step.wrapping_mul(7919)) % count);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = ports.find(is_free).ok_or(SiteError::NoPort { from: PORT_MIN, to: PORT_MAX })?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Starts a program, and waits until `is_ready`.
pub(super) fn start(
    program: &'static str,
    command: &mut Command,
    mut is_ready: impl FnMut(&Program) -> bool,
) -> Result<Program, SiteError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut started = Program::follow(command.spawn().map_err(|cause| SiteError::Start { program, cause })?);
    let deadline = Instant::now() + READY_TIMEOUT;
    while !is_ready(&started) {
        if let Some(status) = started.ended() {
            return Err(SiteError::Ended { program, status, last_words: started.last_words() });
        }
        if Instant::now() >= deadline {
            return Err(SiteError::Mute { program, timeout: READY_TIMEOUT, last_words: started.last_words() });
        }
    }
    Ok(started)
}

/// Whether it accepts connections. Waits a moment if it does not.
pub(super) fn accepts(address: SocketAddr) -> bool {
    is_so_or_wait(TcpStream::connect_timeout(&address, ANSWER_TIMEOUT).is_ok())
}

/// Whether `GET` of this path is answered with 200. Waits a moment if it is not.
pub(super) fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200 "))
    };
    is_so_or_wait(ask().unwrap_or(false))
}

fn is_so_or_wait(is_so: bool) -> bool {
    if !is_so {
        std::thread::sleep(POLL);
    }
    is_so
}
