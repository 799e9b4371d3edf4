//! Fanfare inside a program of one's own: it can read the state of its hub, and publish once.

mod support;

use std::{io, net::SocketAddr, sync::mpsc};

use fanfare_core::{
    Account, Channel, ClientId, Event, EventId, IdempotencyKey, PublishError, ReadLimit, Start, Target, Wait,
    journal::Refusal,
};
use fanfare_http::{Config, Fanfare, Handle};
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{
    PATIENCE,
    client::Client,
    h2::H2,
    journal::{Mood, Script},
    server::{Way, config},
    stream::Stream,
    until,
};
use tokio::{net::TcpListener, runtime::Runtime};

/// A program, its own server in front of all of Fanfare's routes.
struct Program {
    runtime: Runtime,
    fanfare: Fanfare,
    handle: Handle,
    address: SocketAddr,
}

impl Program {
    fn start() -> Self {
        Self::with(|| Fanfare::start(config(Way::Body)))
    }

    fn with(start: impl FnOnce() -> io::Result<Fanfare>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (fanfare, listener) =
            runtime.block_on(async { (start().unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()) });
        let (address, handle) = (listener.local_addr().unwrap(), fanfare.handle());
        runtime.spawn(serve(listener, handle.clone()));
        Self { runtime, fanfare, handle, address }
    }

    fn subscribe(&self, path: &str) -> Stream {
        let mut client = Client::open(self.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        let mut stream = Stream::chunked(client);
        stream.prelude();
        stream
    }

    /// The account of the only connection of ann.
    fn account(&self) -> Account {
        let accounts = self.runtime.block_on(self.handle.accounts_of(&Target::Client(ClientId::new("ann").unwrap())));
        assert_eq!(accounts.len(), 1, "{accounts:?}");
        accounts[0].1
    }
}

async fn serve(listener: TcpListener, handle: Handle) {
    while let Ok((socket, address)) = listener.accept().await {
        let handle = handle.clone();
        let service = service_fn(move |request| {
            let handle = handle.clone();
            async move { Ok::<_, std::convert::Infallible>(handle.answer(request, address).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

fn channel() -> Channel {
    Channel::new("a").unwrap()
}

fn event(data: &str) -> Event {
    Event::new(Target::Channel(channel()), data)
}

#[test]
fn accounts_say_what_became_of_the_events_of_each_stream_and_channel() {
    let program = Program::start();
    assert_eq!(program.handle.account_of(&channel()), None);
    let old = program.runtime.block_on(program.handle.publish(event("old"), Wait::Journal)).unwrap();
    let mut stream = program.subscribe("/channels/a?id=ann&since=earliest");
    assert_eq!(stream.data(), "old");
    let new = program.runtime.block_on(program.handle.publish(event("new"), Wait::Written)).unwrap();
    assert_eq!(stream.data(), "new");
    until("both are written", || program.account().written == 2);
    let account = program.account();
    assert_eq!((account.replayed, account.matched, account.queued(), account.lag()), (1, 1, 0, 0));
    assert_eq!((account.dropped, account.repaired, account.lost), (0, 0, 0));
    assert!(old.id < new.id && account.position == new.id);

    until("a sweep has told of it", || program.handle.account_of(&channel()).is_some_and(|it| it.matched == 1));
    let of_channel = program.handle.account_of(&channel()).unwrap();
    assert_eq!((of_channel.connections, of_channel.position), (1, new.id));
    assert_eq!(program.handle.account_of_all().connections, 1);
    let nobody = ClientId::new("nobody").unwrap();
    assert!(program.runtime.block_on(program.handle.accounts_of(&Target::Client(nobody))).is_empty());
}

#[test]
fn a_drain_gives_a_known_key_its_first_answer_and_refuses_a_new_one() {
    let program = Program::with(|| Fanfare::start(Config { drain_timeout: PATIENCE, ..config(Way::Body) }));
    let mut stuck = Client::open_narrow(program.address);
    stuck.send("GET /sse?id=ann HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(stuck.head().status, 200);
    let Program { runtime, fanfare, handle, .. } = program;
    let key = |text| IdempotencyKey::new(text, "test").unwrap();
    let publish = |text| runtime.block_on(handle.publish_once(event("x"), &key(text), Wait::Journal));
    let first = publish("known").unwrap();
    let large = Event::new(Target::All, "x".repeat(16 << 20));
    runtime.block_on(handle.publish(large, Wait::Journal)).unwrap();
    let drain = runtime.spawn(fanfare.drain());
    until("the drain has begun", || !handle.is_ready());
    let again = publish("known").unwrap();
    assert!(again.is_repeat && again.id == first.id && !drain.is_finished());
    assert_eq!(publish("new"), Err(PublishError::Draining));
    drop(stuck);
    runtime.block_on(drain).unwrap().unwrap();
}

#[test]
fn history_is_read_without_http() {
    let program = Program::start();
    let publish = |data| program.runtime.block_on(program.handle.publish(event(data), Wait::Journal)).unwrap().id;
    let ids: Vec<EventId> = ["one", "two", "three"].map(publish).into();
    let read = |start: &Start, messages_max| {
        let page = program.handle.history(&channel(), start, ReadLimit { messages_max, bytes_max: 1 << 20 });
        assert_eq!(page.gap, None);
        (page.messages.iter().map(|message| message.fields().data).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(read(&Start::Earliest, 2), (vec!["one".to_owned(), "two".to_owned()], ids[1]));
    assert_eq!(read(&Start::After(ids[1]), 2), (vec!["three".to_owned()], ids[2]));
}

#[test]
fn what_is_published_once_is_published_once_and_apart_from_what_comes_over_http() {
    let program = Program::start();
    let key = IdempotencyKey::new("k", "mine").unwrap();
    let publish =
        |data| program.runtime.block_on(program.handle.publish_once(event(data), &key, Wait::Journal)).map(|it| it.id);
    let first = publish("x").unwrap();
    assert_eq!(publish("x"), Ok(first));
    assert_eq!(publish("y"), Err(PublishError::KeyReused));
    let over_http = Client::open(program.address).request("POST", "/channels/a", &[("Idempotency-Key", "k")], b"y");
    assert_eq!(over_http.status, 202);
}

#[test]
fn after_the_drain_nobody_waits_for_accounts() {
    let program = Program::start();
    let stream = program.subscribe("/sse?id=ann");
    assert_eq!(program.account().matched, 0);
    drop(stream);
    let Program { runtime, fanfare, handle, .. } = program;
    assert_eq!(runtime.block_on(fanfare.drain()).unwrap().cut, 0);
    assert!(runtime.block_on(handle.accounts_of(&Target::Client(ClientId::new("ann").unwrap()))).is_empty());
}

#[test]
fn a_program_can_see_that_a_part_has_failed() {
    let script = Script::default();
    let program = Program::with(|| Fanfare::start_behind(config(Way::Body), script.journal()));
    let ready = || {
        let answer = Client::open(program.address).request("GET", "/readyz", &[], b"");
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(ready(), (200, "ready\n".to_owned()));
    let publish = || program.runtime.block_on(program.handle.publish(event("x"), Wait::Journal));
    script.set(Mood::Refuses(Refusal::NotPublished));
    assert!(publish().is_err());
    assert_eq!((program.handle.trouble().as_deref(), program.handle.failure()), (Some("no space left"), None));
    assert!(program.handle.is_ready(), "streams go on");
    script.set(Mood::Panics);
    assert!(publish().is_err());
    assert_eq!(program.runtime.block_on(program.fanfare.failed()).to_string(), "the thread journal has panicked");
    assert_eq!(program.handle.failure().as_deref(), Some("the thread journal has panicked"));
    assert!(!program.handle.is_ready());
    assert_eq!(ready(), (503, "not ready: the thread journal has panicked\n".to_owned()));
}

#[test]
fn a_drain_that_is_announced_is_seen_and_changes_nothing_else() {
    let program = Program::start();
    program.fanfare.announce_drain();
    assert!(!program.handle.is_ready());
    assert_eq!(Client::open(program.address).request("GET", "/readyz", &[], b"").status, 503);
    let mut stream = program.subscribe("/sse");
    assert_eq!(Client::open(program.address).request("POST", "/broadcast", &[], b"x").status, 202);
    assert_eq!(stream.data(), "x");
}

#[test]
fn a_program_is_told_when_a_stream_that_nobody_polls_has_to_end() {
    let mut config = config(Way::Body);
    config.core.write_timeout_ms = 200;
    let program = Program::with(|| Fanfare::start(config));
    let (told, is_told) = mpsc::channel();
    let (listener, handle) =
        (program.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap(), program.handle.clone());
    let address = listener.local_addr().unwrap();
    program.runtime.spawn(async move {
        let (socket, peer) = listener.accept().await.unwrap();
        let service = service_fn(move |request| {
            let (handle, told) = (handle.clone(), told.clone());
            async move {
                let response = handle.answer(request, peer).await;
                let cut = response.body().cut().expect("it is a stream");
                tokio::spawn(async move {
                    cut.await;
                    let _ = told.send(());
                });
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await
    });
    let (head, _body) = H2::open_narrow(address).send("GET", "/channels/a", &[], b"");
    assert_eq!(head.status, 200);
    for _ in 0..4 {
        program.runtime.block_on(program.handle.publish(event(&"x".repeat(50_000)), Wait::Journal)).unwrap();
    }
    is_told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_server_that_is_dropped_ends_its_streams_though_a_handle_lives() {
    let Program { runtime, fanfare, handle, address } = Program::start();
    let mut client = Client::open(address);
    client.send("GET /sse HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().status, 200);
    until("it is open", || handle.connections() == 1);
    drop(fanfare);
    let bytes = client.until_closed();
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "it must not look like a proper end");
    let late = runtime.block_on(handle.publish(event("late"), Wait::Journal));
    assert_eq!(late.map(|receipt| receipt.id), Err(PublishError::Draining));
    assert!(!handle.is_ready());
    drop((handle, runtime));
}

#[test]
fn a_program_has_the_limit_of_streams_that_it_sets() {
    let mut config = config(Way::Body);
    config.core.connections_max = 1;
    let program = Program::with(|| Fanfare::start(config));
    let _first = program.subscribe("/sse");
    assert_eq!(Client::open(program.address).request("GET", "/sse", &[], b"").status, 503);
}
