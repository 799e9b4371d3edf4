//! Nothing is lost silently: a client that comes back gets the missed events, once and in order, and is told of those
//! that are gone, whichever way the stream comes.

mod cursors;
mod gaps;
mod own_ids;
mod positions;
mod since;
#[path = "../support/mod.rs"]
mod support;
mod traffic;

use support::server::{ALL_WAYS, Server};

/// Runs a test against a server of each kind.
fn everywhere(test: impl Fn(&Server)) {
    for way in ALL_WAYS {
        test(&Server::new(way));
    }
}
