//! The sockets that a server listens on.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
};

use crate::failure::Failure;

/// Binds the address of the setting `flag`. Returns the address with its port as well.
///
/// # Errors
/// The reason, and what to do.
pub(super) fn bind(listen: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = fanfare_http::bind(listen).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| Failure::failed(cannot_listen(listen, flag, &error)))
}

/// The reason why the address cannot be bound, and what to do.
fn cannot_listen(listen: SocketAddr, flag: &str, error: &io::Error) -> String {
    let cure = match error.kind() {
        ErrorKind::AddrInUse => format!("; end the program that listens there, or give another port with {flag}"),
        ErrorKind::PermissionDenied => format!("; give a port from 1024 with {flag}, which needs no right"),
        ErrorKind::AddrNotAvailable => {
            format!("; give an address of this machine with {flag}, or 0.0.0.0 for all of them")
        }
        _ => String::new(),
    };
    format!("cannot listen on {listen}: {error}{cure}")
}
