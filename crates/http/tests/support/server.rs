//! [`Server`]: a server in this process, on a port of its own, until it is drained or dropped.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
};

use fanfare_http::{Config, Ended, Fanfare, Handle, Listeners, Outlet, TlsAcceptor, bind};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    PATIENCE,
    client::{Answer, Client},
    h2::H2,
    journal::Script,
    stream::Stream,
    tls::Relay,
    until,
};

/// How a stream comes: each kind is another way through the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// HTTP/1.1, the socket taken over.
    Socket,
    /// HTTP/1.1, carried by hyper.
    Body,
    /// HTTP/2, framed by fanfare-h2.
    H2,
    /// HTTP/2, carried by hyper.
    H2Body,
    /// HTTP/1.1 over TLS, the connection taken over. Clients speak plain HTTP to a relay, which speaks TLS.
    Tls,
    /// HTTP/2 over TLS, framed by fanfare-h2, with the same relay.
    TlsH2,
}

pub(crate) const WAYS: [Way; 4] = [Way::Socket, Way::Body, Way::H2, Way::H2Body];
/// For tests that depend neither on what fits in the buffers on the way, nor on the moment in which something arrives: a relay has
/// buffers, and takes its time.
pub(crate) const ALL_WAYS: [Way; 6] = [Way::Socket, Way::Body, Way::H2, Way::H2Body, Way::Tls, Way::TlsH2];
pub(crate) const H2_WAYS: [Way; 2] = [Way::H2, Way::H2Body];
pub(crate) const H1_WAYS: [Way; 2] = [Way::Socket, Way::Body];

impl Way {
    pub(crate) fn outlet(self) -> Outlet {
        match self {
            Self::Socket | Self::H2 | Self::Tls | Self::TlsH2 => Outlet::Socket,
            Self::Body | Self::H2Body => Outlet::Body,
        }
    }

    pub(crate) fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Body | Self::TlsH2)
    }
}

/// Settings for tests: two shards, and little waiting at the end.
pub(crate) fn config(way: Way) -> Config {
    let core = fanfare_core::Config { shards: 2, linger_ms: 500, drain_spread_ms: 100, ..Default::default() };
    Config { core, h1_outlet: way.outlet(), h2_outlet: way.outlet(), drain_timeout: PATIENCE, ..Config::default() }
}

/// Runs on a thread of its own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The address behind the relay, if there is one.
    pub(crate) listener: SocketAddr,
    pub(crate) way: Way,
    handle: Arc<OnceLock<Handle>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<Ended>>>,
}

impl Server {
    /// Starts a server with the settings for tests.
    pub(crate) fn new(way: Way) -> Self {
        Self::start(way, config(way))
    }

    pub(crate) fn start(way: Way, config: Config) -> Self {
        Self::with(way, None, move || Fanfare::start(config))
    }

    /// Starts a server with the settings for tests, whose only listener speaks TLS.
    pub(crate) fn secure(way: Way, acceptor: TlsAcceptor) -> Self {
        Self::start_secure(way, config(way), acceptor)
    }

    /// The same with other settings.
    pub(crate) fn start_secure(way: Way, config: Config, acceptor: TlsAcceptor) -> Self {
        Self::with(way, Some(acceptor), move || Fanfare::start(config))
    }

    /// Starts a server with the test's journal.
    pub(crate) fn behind(way: Way, config: Config, script: &Script) -> Self {
        let journal = script.journal();
        Self::with(way, None, move || Fanfare::start_behind(config, journal))
    }

    /// The same with the test's journal.
    pub(crate) fn start_secure_behind(way: Way, config: Config, acceptor: TlsAcceptor, script: &Script) -> Self {
        let journal = script.journal();
        Self::with(way, Some(acceptor), move || Fanfare::start_behind(config, journal))
    }

    fn with(way: Way, tls: Option<TlsAcceptor>, start: impl FnOnce() -> io::Result<Fanfare> + Send + 'static) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let served = listener.local_addr().unwrap();
        let (relay, tls) = match way {
            Way::Tls | Way::TlsH2 => {
                let (relay, acceptor) = Relay::to(served);
                (Some(relay), Some(acceptor))
            }
            _ => (None, tls),
        };
        let address = relay.as_ref().map_or(served, Relay::address);
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = Arc::<OnceLock<Handle>>::default();
        let told = Arc::clone(&handle);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let shutdown = async {
                let _ = stopped.await;
            };
            let listeners = match tls {
                None => Listeners { plain: Some(listener), tls: None },
                Some(acceptor) => Listeners { plain: None, tls: Some((listener, acceptor)) },
            };
            runtime.block_on(async {
                if let Some(relay) = relay {
                    tokio::spawn(relay.run());
                }
                let fanfare = start()?;
                let _ = told.set(fanfare.handle());
                fanfare.serve_on(listeners, shutdown).await
            })
        };
        Self { address, listener: served, way, handle, stop: Some(stop), thread: Some(thread::spawn(serve)) }
    }

    /// Tells it to drain and does not wait.
    pub(crate) fn begin_drain(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Whether it has come to its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Drains it and waits for its end.
    pub(crate) fn drain(self) -> Ended {
        self.ended().unwrap()
    }

    /// Drains it and says how it ended.
    pub(crate) fn ended(mut self) -> io::Result<Ended> {
        self.begin_drain();
        self.thread.take().unwrap().join().unwrap()
    }

    /// Waits until it ends by itself, because a part of it has failed.
    pub(crate) fn failed(mut self) -> io::Error {
        self.thread.take().unwrap().join().unwrap().unwrap_err()
    }

    /// The handle of its engine, once it has started.
    pub(crate) fn handle(&self) -> Handle {
        until("it has started", || self.handle.get().is_some());
        self.handle.get().unwrap().clone()
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(self.address)
    }

    /// A stream over the way of this server. Its first lines are read.
    pub(crate) fn subscribe(&self, path: &str) -> Stream {
        self.subscribe_with(path, &[])
    }

    /// The same, asked for with further headers.
    pub(crate) fn subscribe_with(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut stream = if self.way.is_h2() {
            H2::open(self.address).subscribe_with(path, headers)
        } else {
            self.h1_with(path, headers)
        };
        stream.prelude();
        stream
    }

    /// A stream of one who had the event `last_id`.
    pub(crate) fn resume(&self, path: &str, last_id: &str) -> Stream {
        self.subscribe_with(path, &[("last-event-id", last_id)])
    }

    /// A stream over HTTP/1.1, its first lines not yet read.
    pub(crate) fn h1(&self, path: &str) -> Stream {
        self.h1_with(path, &[])
    }

    fn h1_with(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut client = self.client();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n{headers}\r\n"));
        let head = client.head();
        assert_eq!(head.status, 200, "{path}: {head:?}");
        Stream::chunked(client)
    }

    /// A subscriber with the name "stuck", little room on its side, and nothing read but the head.
    pub(crate) fn stuck(&self) -> Stream {
        let path = "/sse?id=stuck";
        if self.way.is_h2() {
            return H2::open_narrow(self.address).subscribe(path);
        }
        let mut client = Client::open_narrow(self.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        Stream::chunked(client)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client().request("GET", path, &[], b"")
    }

    /// The status and the body as text.
    pub(crate) fn text(&self, path: &str) -> (u16, String) {
        let answer = self.get(path);
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.client().request("POST", path, headers, body.as_ref())
    }

    /// Publishes and gives the receipt. Fails unless the publish is accepted.
    #[track_caller]
    pub(crate) fn publish(&self, path: &str, body: impl AsRef<[u8]>) -> Value {
        let answer = self.post(path, &[], body);
        assert_eq!(answer.status, 202, "{path}: {answer:?}");
        answer.json()
    }

    /// Sends a publish whose answer nobody waits for.
    pub(crate) fn publish_later(&self, path: &str, body: &str) {
        let length = body.len();
        self.client().send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}"));
    }

    /// Publishes and gives the id of the event. Fails unless the publish is accepted.
    #[track_caller]
    pub(crate) fn id_of(&self, path: &str, body: impl AsRef<[u8]>) -> String {
        self.publish(path, body)["id"].as_str().unwrap().to_owned()
    }

    /// How many connections `client` has: a publish to it says how many it reaches.
    pub(crate) fn matched(&self, client: &str) -> u64 {
        self.publish(&format!("/clients/{client}?wait=written"), "how many")["matched"].as_u64().unwrap()
    }

    /// Waits until `client` has `count` connections.
    #[track_caller]
    pub(crate) fn until_matched(&self, client: &str, count: u64) {
        until(&format!("{client} has {count} connections"), || self.matched(client) == count);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.begin_drain();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
