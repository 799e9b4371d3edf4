//! The sockets that a server listens on: given by whoever starts it, or bound by itself.
//!
//! A socket that is given is the listener, at its own address. A setting that names another address is an error: rules such as who
//! may publish without a key depend on the address.

use std::{
    env,
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
};

use listenfd::ListenFd;

use crate::{failure::Failure, settings::Held, upgrade::Predecessor};

/// The variable in which systemd names the sockets.
const NAMES: &str = "LISTEN_FDNAMES";
/// The names that `FileDescriptorName=` may give, and by which sockets are passed on.
pub(crate) const HTTP: &str = "http";
pub(crate) const HTTPS: &str = "https";
pub(crate) const ADMIN: &str = "admin";

/// Sockets that were given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) plain: Option<TcpListener>,
    pub(crate) tls: Option<TcpListener>,
    pub(crate) admin: Option<TcpListener>,
    /// The process whose sockets they are, if this one takes them over.
    pub(crate) predecessor: Option<Predecessor>,
}

impl Given {
    /// The sockets of the process before, those of systemd, or none.
    ///
    /// # Errors
    /// A sentence: they are no listeners, or have other names.
    pub(crate) fn to_this_process() -> Result<Self, String> {
        let Some((predecessor, sockets)) = Predecessor::of_this_process()? else { return Self::by_systemd() };
        let mut given = Self { predecessor: Some(predecessor), ..Self::default() };
        for (name, socket) in sockets {
            match name.as_str() {
                HTTP => given.plain = Some(socket),
                HTTPS => given.tls = Some(socket),
                ADMIN => given.admin = Some(socket),
                // A newer version may have one more, which is closed here.
                _ => {}
            }
        }
        Ok(given)
    }

    /// Tells the process before, if there is one, why this one cannot go on.
    pub(crate) fn tell_failure(&self, reason: &str) {
        if let Some(predecessor) = &self.predecessor {
            predecessor.tell_failure(reason);
        }
    }

    fn by_systemd() -> Result<Self, String> {
        // Before the next line, which takes variables away.
        let names = env::var(NAMES).ok();
        let mut all = ListenFd::from_env();
        let names = named(all.len(), names.as_deref())?;
        let mut given = Self::default();
        for (place, name) in names.into_iter().enumerate() {
            let fault = |reason: String| format!("systemd gives a socket `{name}` that cannot be used: {reason}");
            let socket = all.take_tcp_listener(place).map_err(|error| fault(error.to_string()))?;
            let socket = socket.filter(is_listener);
            let socket =
                socket.ok_or_else(|| fault("it does not listen; use ListenStream=, and Accept=no".to_owned()))?;
            let place = match name {
                HTTP => &mut given.plain,
                HTTPS => &mut given.tls,
                _ => &mut given.admin,
            };
            *place = Some(socket);
        }
        Ok(given)
    }

    /// The addresses.
    ///
    /// # Errors
    /// The system does not tell one.
    pub(crate) fn held(&self) -> Result<Held, String> {
        let of = |socket: &Option<TcpListener>| socket.as_ref().map(TcpListener::local_addr).transpose();
        let fault = |error: io::Error| format!("a socket that was given has no address: {error}");
        Ok(Held {
            plain: of(&self.plain).map_err(fault)?,
            tls: of(&self.tls).map_err(fault)?,
            admin: of(&self.admin).map_err(fault)?,
        })
    }
}

#[cfg(not(target_vendor = "apple"))]
fn is_listener(socket: &TcpListener) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}

/// The system does not tell. It has no systemd either.
#[cfg(target_vendor = "apple")]
fn is_listener(_: &TcpListener) -> bool {
    true
}

/// The names of `count` sockets. Those that have only the name of their unit, or none, are for http and for https, in this order.
fn named(count: usize, names: Option<&str>) -> Result<Vec<&'static str>, String> {
    let said: Vec<&str> = names.filter(|_| count > 0).map(|names| names.split(':').collect()).unwrap_or_default();
    let is_unnamed = |name: &&str| name.is_empty() || *name == "unknown" || name.ends_with(".socket");
    let chosen: Vec<&'static str> = if said.iter().all(is_unnamed) {
        [HTTP, HTTPS].into_iter().take(count).collect()
    } else {
        let known = |name: &&str| [HTTP, HTTPS, ADMIN].into_iter().find(|known| known == name);
        let unknown =
            |name: &str| format!("systemd gives a socket `{name}`: FileDescriptorName= must be http, https or admin");
        said.iter().map(|name| known(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>()?
    };
    let is_once = |name: &&'static str| chosen.iter().filter(|chosen| *chosen == name).count() <= 1;
    if chosen.len() != count || ![HTTP, HTTPS, ADMIN].iter().all(is_once) {
        return Err(format!("systemd gives {count} sockets, and there is one for http, https and admin each at most"));
    }
    Ok(chosen)
}

/// The listener at this address: the given one, or a new one. `flag` is the setting of the address.
///
/// # Errors
/// The reason, and what to do.
pub(crate) fn bind(
    listen: SocketAddr,
    given: Option<TcpListener>,
    flag: &str,
) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = given.map_or_else(|| fanfare_http::bind(listen), Ok);
    let bound = listener.and_then(|listener| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_have_their_names_or_come_in_order() {
        for (count, names, chosen) in [
            (0, None, &[][..]),
            (0, Some("http"), &[]),
            (1, None, &["http"]),
            (2, None, &["http", "https"]),
            (1, Some("fanfare.socket"), &["http"]),
            (2, Some("fanfare.socket:fanfare.socket"), &["http", "https"]),
            (1, Some("https"), &["https"]),
            (2, Some("https:http"), &["https", "http"]),
            (1, Some("unknown"), &["http"]),
            (1, Some(""), &["http"]),
            (3, Some("admin:https:http"), &["admin", "https", "http"]),
        ] {
            assert_eq!(named(count, names).as_deref(), Ok(chosen), "{count} {names:?}");
        }
        for (count, names, said) in [
            (3, None, "3 sockets"),
            (2, Some("http:http"), "2 sockets"),
            (2, Some("http"), "2 sockets"),
            (3, Some("http:https:http"), "3 sockets"),
            (1, Some("metrics"), "`metrics`"),
            (2, Some("http:fanfare.socket"), "`fanfare.socket`"),
        ] {
            let error = named(count, names).unwrap_err();
            assert!(error.contains(said), "{count} {names:?}: {error}");
        }
    }
}
