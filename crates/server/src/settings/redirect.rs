//! [`Redirect`]: the value of `--tls-redirect`.

use std::str::FromStr;

const FORMS: &str = "write true, false, or the port from 2 to 65535 by which browsers reach --listen-tls";

/// Where browsers that come to plain HTTP are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Nowhere.
    Off,
    /// To the port that the server listens on.
    Bound,
    /// To this port, which leads to it from outside.
    Port(u16),
}

impl Redirect {
    /// The port that browsers are sent to by a server that listens on `bound` for https.
    pub(super) fn port(self, bound: u16) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Bound => Some(bound),
            Self::Port(port) => Some(port),
        }
    }
}

impl FromStr for Redirect {
    type Err = String;

    /// 0 and 1 are no ports, because they are values of the other switches.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Self::Bound),
            "false" | "f" | "no" | "n" | "off" | "0" => Ok(Self::Off),
            // A sign or a zero in front would make a port of what is none, as `00`.
            port if port.starts_with(|first| ('1'..='9').contains(&first)) => {
                port.parse().map(Self::Port).map_err(|_| FORMS.to_owned())
            }
            _ => Err(FORMS.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_switch_or_a_port() {
        for (text, port) in [
            ("true", Some(3443)),
            ("ON", Some(3443)),
            ("1", Some(3443)),
            ("false", None),
            ("0", None),
            ("443", Some(443)),
            ("2", Some(2)),
            ("65535", Some(65_535)),
        ] {
            assert_eq!(text.parse::<Redirect>().unwrap().port(3443), port, "{text}");
        }
        for text in ["", "00", "01", "0443", "+443", "65536", "-1", "maybe", "example.org", "443/"] {
            assert_eq!(text.parse::<Redirect>(), Err(FORMS.to_owned()), "{text}");
        }
    }
}
