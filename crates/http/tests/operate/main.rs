//! What a person who runs a server sees and does: figures, lists, the fate of an event, and the end of streams.

mod ends;
mod fates;
mod figures;
mod lists;
#[path = "../support/mod.rs"]
mod support;

use fanfare_core::{Channel, ClientId, EventId};
use fanfare_http::{Config, Operator};
use support::server::{Server, Way, config};

/// Waits for the answer to a question.
fn wait<T>(question: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(question)
}

fn client(name: &str) -> ClientId {
    ClientId::new(name).unwrap()
}

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

fn id(text: &str) -> EventId {
    text.parse().unwrap()
}

/// A server whose streams hold little, and its operator's side.
fn small(change: impl FnOnce(&mut Config)) -> (Server, Operator) {
    let mut config = config(Way::Socket);
    config.send_buffer_bytes = 4 << 10;
    config.core.ring_messages_max = 4;
    config.core.patience_ms = 0;
    change(&mut config);
    let server = Server::start(Way::Socket, config);
    let operator = server.handle().operator();
    (server, operator)
}

/// An event that fills what lies between a server and a client that reads nothing.
fn large() -> String {
    "x".repeat(200_000)
}
