//! [`Notice`]: a message of a run's threads and processes to the main one.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::publish::error::PublishError;
use crate::publish::publisher::Published;

/// Messages of a run's threads and processes to the main one: seldom, and never per event.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A stream could not be opened.
    Refused(Refusal),
    /// A stream could not be opened again.
    RefusedAgain(String),
    /// A stream that reads all was closed.
    Closed(String),
    /// A receiving thread could not start.
    NoReceiver(String),
    /// A receiving process is gone.
    Lost(String),
    Published(Box<Result<Published, PublishError>>),
}

/// A stream that could not be opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// The number of the stream, from 1.
    pub(crate) number: u32,
    pub(crate) cause: String,
    /// The cause is this machine, not the target: it has no local port left.
    pub(crate) lacks_port: bool,
}

impl Refusal {
    pub(super) fn into_failure(self, open: u32, connections: u32) -> Failure {
        let Self { number, cause, lacks_port } = self;
        // With none open it is no lack: the target's address does not fit this machine.
        if lacks_port && open > 0 {
            Failure::Ports { open, connections, cause }
        } else {
            Failure::Subscribe { number, connections, cause }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_ports_is_told_with_how_many_were_open() {
        let refusal = |lacks_port| Refusal { number: 8, cause: "cannot assign".to_owned(), lacks_port };
        let text = |lacks_port, open| refusal(lacks_port).into_failure(open, 9).to_string();
        let ports = text(true, 7);
        assert!(ports.starts_with("no local port is left after 7 of 9 streams (cannot assign)"), "{ports}");
        assert_eq!(text(true, 0), "stream 8 of 9: cannot assign");
        assert_eq!(text(false, 7), "stream 8 of 9: cannot assign");
    }
}
