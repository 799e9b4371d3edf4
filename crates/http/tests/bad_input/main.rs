//! Input that is wrong, too much, too slow or never ends. Each gets a clear answer or is cut, nothing is published, and
//! no other client notices.

mod bodies;
mod frames;
mod h2;
mod options;
mod peers;
mod routes;
#[path = "../support/mod.rs"]
mod support;

use fanfare_http::Config;
use support::{
    server::{Server, Way, config},
    stream::Stream,
};

/// An observer of everything that is published, and the server, which is dropped last.
struct Observed {
    observer: Stream,
    server: Server,
}

impl Observed {
    fn new() -> Self {
        Self::start(Way::Socket, config(Way::Socket))
    }

    fn of(way: Way) -> Self {
        Self::start(way, config(way))
    }

    fn start(way: Way, config: Config) -> Self {
        let server = Server::start(way, config);
        let observer = server.subscribe("/sse?id=observer&channel=a");
        Self { observer, server }
    }

    /// Fails unless nothing was published since the last look, and the observer still gets new events.
    #[track_caller]
    fn assert_untouched(&mut self) {
        self.server.publish("/broadcast", "marker");
        assert_eq!(self.observer.event().data, "marker", "something was published");
    }

    /// Sends a POST that must fail as a problem with this status and these words in its detail.
    #[track_caller]
    fn refuse(&mut self, status: u16, path: &str, headers: &[(&str, &str)], body: &[u8], detail: &str) {
        let told = self.server.post(path, headers, body).problem(status);
        assert!(told.contains(detail), "{path}: {told:?} does not say {detail:?}");
        self.assert_untouched();
    }
}
