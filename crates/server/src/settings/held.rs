//! [`Held`]: the addresses of sockets that a server was given, and what they mean for the settings.

use std::net::SocketAddr;

/// The addresses of sockets that were given. They decide where the server listens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Of plain HTTP.
    pub(crate) plain: Option<SocketAddr>,
    /// Of https.
    pub(crate) tls: Option<SocketAddr>,
    /// For operators.
    pub(crate) admin: Option<SocketAddr>,
}

/// An address that the settings name.
pub(super) struct Said {
    /// The flag that names it.
    pub(super) flag: &'static str,
    /// The address, unless there is to be no listener.
    pub(super) address: Option<SocketAddr>,
    /// Whether somebody has set it.
    pub(super) is_set: bool,
    /// The reason why there is no listener.
    pub(super) off: &'static str,
}

impl Said {
    /// The address to listen on, if the socket at `held` was given.
    ///
    /// # Errors
    /// A sentence: the socket does not fit the settings.
    pub(super) fn or_held(self, held: Option<SocketAddr>) -> Result<Option<SocketAddr>, String> {
        let Self { flag, address, is_set, off } = self;
        let Some(held) = held else { return Ok(address) };
        match address {
            None => Err(format!("a socket at {held} is given for {flag}, and {off}: leave one of them out")),
            Some(said) if is_set && !is_like(said, held) => Err(format!(
                "a socket at {held} is given, and {flag} says {said}: leave {flag} out, or give it the address of the socket"
            )),
            Some(_) => Ok(Some(held)),
        }
    }
}

/// Whether a listener at the address `held` is what `said` asks for. Port 0 asks for any.
fn is_like(said: SocketAddr, held: SocketAddr) -> bool {
    said.ip() == held.ip() && (said.port() == held.port() || said.port() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_given_has_to_fit() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let said =
            |address: Option<&str>, is_set| Said { flag: "--listen", address: address.map(at), is_set, off: "no" };
        let held = Some(at("0.0.0.0:80"));
        assert_eq!(said(Some("127.0.0.1:3000"), false).or_held(None), Ok(Some(at("127.0.0.1:3000"))));
        assert_eq!(said(None, true).or_held(None), Ok(None));
        assert_eq!(said(Some("127.0.0.1:3000"), false).or_held(held), Ok(held), "the default gives way");
        assert_eq!(said(Some("0.0.0.0:80"), true).or_held(held), Ok(held));
        assert_eq!(said(Some("0.0.0.0:0"), true).or_held(held), Ok(held));
        for other in ["127.0.0.1:80", "0.0.0.0:81", "127.0.0.1:0"] {
            let error = said(Some(other), true).or_held(held).unwrap_err();
            assert!(error.contains("0.0.0.0:80") && error.contains(other), "{error}");
        }
        assert!(said(None, true).or_held(held).unwrap_err().contains("leave one of them out"));
    }
}
