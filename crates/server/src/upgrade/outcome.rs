//! [`Outcome`]: what whoever has asked for an upgrade is told. The server sends datagrams to a name that its process id makes, and
//! nobody need listen there: the signal that asks for an upgrade carries no address.

use std::{
    fmt, io,
    os::unix::net::{SocketAddr, UnixDatagram},
    process,
};

/// A step of an upgrade, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The new process of this id has begun.
    Began(u32),
    /// It serves. The old one drains, if it has not done so.
    Done(u32),
    /// The old one goes on, for this reason.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began(id) => write!(f, "began {id}"),
            Self::Done(id) => write!(f, "done {id}"),
            Self::Failed(reason) => write!(f, "failed {reason}"),
        }
    }
}

impl Outcome {
    /// Reads a datagram.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ')?;
        match word {
            "began" => rest.parse().ok().map(Self::Began),
            "done" => rest.parse().ok().map(Self::Done),
            "failed" => Some(Self::Failed(rest.to_owned())),
            _ => None,
        }
    }

    /// Tells it to whoever listens for this process.
    pub(super) fn tell(&self) {
        let told = address(process::id())
            .and_then(|address| UnixDatagram::unbound()?.send_to_addr(self.to_string().as_bytes(), &address));
        // Nobody listens if the signal came from elsewhere. The log has it all.
        let _ = told;
    }
}

/// The name at which outcomes of the process `id` are heard.
///
/// # Errors
/// Only Linux has names without files.
#[cfg(target_os = "linux")]
pub(super) fn address(id: u32) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(format!("fanfare-upgrade-{id}"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn address(_: u32) -> io::Result<SocketAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no names of sockets without files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_as_it_was_told() {
        for outcome in [Outcome::Began(7), Outcome::Done(8), Outcome::Failed("no room: here".to_owned())] {
            assert_eq!(Outcome::parse(&outcome.to_string()), Some(outcome));
        }
        for other in ["", "done", "done x", "gone 7"] {
            assert_eq!(Outcome::parse(other), None, "{other}");
        }
    }
}
