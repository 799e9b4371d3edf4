//! The bytes that subscribers get, from the first one of the answer on, whichever way the stream comes: the socket
//! taken over, a body that hyper carries, or HTTP/2.

mod data;
mod envelopes;
mod heads;
mod options;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use support::server::{ALL_WAYS, Server};

/// Runs a test against a server of each kind.
fn everywhere(test: impl Fn(&Server)) {
    for way in ALL_WAYS {
        test(&Server::new(way));
    }
}
